using System.Globalization;
using System.Text;

namespace Capillary.Jinja.Syntax;

/// <summary>Python's backslash escapes in string literals.</summary>
internal static class Escapes
{
    internal static string Decode(SourceText source, int position, string raw)
    {
        var text = new StringBuilder(raw.Length);
        for (var i = 0; i < raw.Length; i++)
        {
            if (raw[i] == '\\') i = DecodeOne(source, position, raw, i, text);
            else text.Append(raw[i]);
        }
        return text.ToString();
    }

    // Returns the offset of the escape's last character.
    private static int DecodeOne(SourceText source, int position, string raw, int at, StringBuilder text)
    {
        var c = raw[at + 1];
        if (c is >= '0' and <= '7') return Octal(raw, at + 1, text);
        if (c is 'x' or 'u' or 'U') return Hex(source, position, raw, at, c == 'x' ? 2 : c == 'u' ? 4 : 8, text);
        if (c == 'N') throw source.Fail(position + at, "characters can not be named here; use \\u and a number");
        var plain = c switch
        {
            'n' => "\n",
            't' => "\t",
            'r' => "\r",
            'a' => "\a",
            'b' => "\b",
            'f' => "\f",
            'v' => "\v",
            '\n' => "",
            '\\' or '\'' or '"' => c.ToString(),
            // An unknown escape stays as it is, backslash and all.
            _ => "\\" + c,
        };
        text.Append(plain);
        return at + 1;
    }

    private static int Octal(string raw, int at, StringBuilder text)
    {
        var code = 0;
        var last = at;
        for (; last < raw.Length && last < at + 3 && raw[last] is >= '0' and <= '7'; last++) code = code * 8 + (raw[last] - '0');
        text.Append((char)code);
        return last - 1;
    }

    private static int Hex(SourceText source, int position, string raw, int at, int digits, StringBuilder text)
    {
        var first = at + 2;
        if (first + digits > raw.Length
            || !int.TryParse(raw.AsSpan(first, digits), NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out var code)
            || code is < 0 or > 0x10ffff)
        {
            throw source.Fail(position + at, "this escape is no character");
        }
        if (code > 0xffff) text.Append(char.ConvertFromUtf32(code));
        else text.Append((char)code);
        return first + digits - 1;
    }
}
