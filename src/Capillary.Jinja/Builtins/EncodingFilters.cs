using System.Security.Cryptography;
using System.Text;
using Capillary.Jinja.Run;
using Capillary.Jinja.Values;

namespace Capillary.Jinja.Builtins;

/// <summary>Filters that write values in another notation.</summary>
internal static class EncodingFilters
{
    internal static readonly Builtin[] All =
    [
        new(new("tojson", ["indent"]), static (r, self, args) =>
            JinjaValue.Markup(Json(r, self, new JsonStyle(JsonIndent(r, args[0]), Sorted: true, Escaped: true, Compact: false)))),
        new(new("to_json", ["indent"]), static (r, self, args) =>
            Json(r, self, new JsonStyle(JsonIndent(r, args[0]), Sorted: false, Escaped: false, Compact: args[0].IsAbsent))),
        new(new("to_yaml", []), ToYaml),
        new(new("base64encode", []), static (r, self, _) => Convert.ToBase64String(Encoding.UTF8.GetBytes(r.Text(self)))),
        new(new("base64decode", []), Base64Decode),
        new(new("hash", ["algorithm"]), Hash),
        new(new("urlencode", []), UrlEncode),
    ];

    private static string? JsonIndent(RenderState r, JinjaValue indent)
    {
        if (indent.IsAbsent || indent.IsNone) return null;
        return indent.Ref as string ?? Arg.Blanks(r, indent, "the indent", 0);
    }

    private static string Json(RenderState r, JinjaValue value, JsonStyle style)
    {
        var mark = r.Output.Length;
        JsonText.Write(r, value, style);
        return r.Output.TakeFrom(mark);
    }

    private static JinjaValue ToYaml(RenderState r, JinjaValue self, JinjaValue[] args)
    {
        var mark = r.Output.Length;
        YamlText.Write(r, self);
        return r.Output.TakeFrom(mark);
    }

    private static JinjaValue Base64Decode(RenderState r, JinjaValue self, JinjaValue[] args)
    {
        try
        {
            return new UTF8Encoding(false, true).GetString(Convert.FromBase64String(r.Text(self)));
        }
        catch (Exception e) when (e is FormatException or DecoderFallbackException)
        {
            throw r.Fail("this is not the base64 of UTF-8 text");
        }
    }

    private static JinjaValue Hash(RenderState r, JinjaValue self, JinjaValue[] args)
    {
        var text = r.Text(self);
        r.ChargeText(text.Length);
        var bytes = Encoding.UTF8.GetBytes(text);
        var algorithm = Arg.Text(r, args[0], "the algorithm", "sha256");
        return Convert.ToHexStringLower(algorithm switch
        {
            "sha256" => SHA256.HashData(bytes),
            "sha384" => SHA384.HashData(bytes),
            "sha512" => SHA512.HashData(bytes),
            _ => throw r.Fail($"the hash '{algorithm}' is not supported, only sha256, sha384 and sha512"),
        });
    }

    private static JinjaValue UrlEncode(RenderState r, JinjaValue self, JinjaValue[] args)
    {
        var mark = r.Output.Length;
        if (self.Ref is MapValue or ListValue) WriteQuery(r, self);
        else Percent.Write(r.Output, r.Text(self), isQuery: false);
        return r.Output.TakeFrom(mark);
    }

    private static void WriteQuery(RenderState r, JinjaValue pairs)
    {
        var first = true;
        foreach (var pair in pairs.Ref is MapValue map ? map.Pairs() : Sequences.Items(r, pairs))
        {
            r.Charge();
            if (!first) r.Output.Append('&');
            first = false;
            if (pair.Ref is not ListValue { Items: [var key, var value] }) throw r.Fail("urlencode takes text, a mapping, or pairs");
            Percent.Write(r.Output, r.Text(key), isQuery: true);
            r.Output.Append('=');
            Percent.Write(r.Output, r.Text(value), isQuery: true);
        }
    }
}
