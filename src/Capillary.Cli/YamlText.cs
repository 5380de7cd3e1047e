using System.Text;
using System.Text.Json;

namespace Capillary.Cli;

/// <summary>Writes JSON as block YAML that reads back to the same value under YAML 1.1 and 1.2.</summary>
internal static class YamlText
{
    private const int Indent = 2;

    public static void Write(StringBuilder text, JsonElement value, int depth)
    {
        switch (value.ValueKind)
        {
            case JsonValueKind.Object when value.EnumerateObject().Any():
                foreach (var member in value.EnumerateObject())
                {
                    text.Append(' ', depth).Append(Scalar(member.Name)).Append(':');
                    Member(text, member.Value, depth);
                }
                break;
            case JsonValueKind.Array when value.GetArrayLength() > 0:
                foreach (var item in value.EnumerateArray())
                {
                    text.Append(' ', depth).Append('-');
                    Item(text, item, depth);
                }
                break;
            default:
                text.Append(' ', depth).Append(Leaf(value)).Append('\n');
                break;
        }
    }

    private static void Member(StringBuilder text, JsonElement value, int depth)
    {
        if (IsBlock(value, out var lines)) Block(text, lines, depth + Indent);
        else if (IsBranch(value)) Write(text.Append('\n'), value, depth + Indent);
        else text.Append(' ').Append(Leaf(value)).Append('\n');
    }

    private static void Item(StringBuilder text, JsonElement value, int depth)
    {
        if (IsBlock(value, out var lines)) Block(text, lines, depth + Indent);
        else if (!IsBranch(value)) text.Append(' ').Append(Leaf(value)).Append('\n');
        else
        {
            // The first member stands beside the dash.
            var inner = new StringBuilder();
            Write(inner, value, depth + Indent);
            text.Append(' ').Append(inner, depth + Indent, inner.Length - depth - Indent);
        }
    }

    private static bool IsBranch(JsonElement value) => value.ValueKind switch
    {
        JsonValueKind.Object => value.EnumerateObject().Any(),
        JsonValueKind.Array => value.GetArrayLength() > 0,
        _ => false,
    };

    /// <summary>A text of several whole lines reads best as a literal block.</summary>
    private static bool IsBlock(JsonElement value, out string lines)
    {
        lines = value.ValueKind == JsonValueKind.String ? value.GetString()! : "";
        return lines.Length > 1 && lines[^1] == '\n' && lines[^2] != '\n' && lines[0] is not (' ' or '\n')
            && !lines.Any(c => char.IsControl(c) && c != '\n');
    }

    private static void Block(StringBuilder text, string lines, int depth)
    {
        text.Append(" |\n");
        foreach (var line in lines[..^1].Split('\n'))
        {
            if (line.Length > 0) text.Append(' ', depth).Append(line);
            text.Append('\n');
        }
    }

    private static string Leaf(JsonElement value) =>
        value.ValueKind == JsonValueKind.String ? Scalar(value.GetString()!) : value.GetRawText();

    private static string Scalar(string text) => IsPlain(text) ? text : Quoted(text);

    private static string Quoted(string text)
    {
        using var stream = new MemoryStream();
        using (var json = new Utf8JsonWriter(stream, CommandOutput.Indented)) json.WriteStringValue(text);
        return Encoding.UTF8.GetString(stream.ToArray());
    }

    /// <summary>Only what no YAML reader takes for anything but a string.</summary>
    private static bool IsPlain(string text) => text.Length > 0 && (char.IsAsciiLetter(text[0]) || text[0] == '/')
        && text.All(c => char.IsAsciiLetterOrDigit(c) || c is '-' or '_' or '.' or '/' or '@' or '+')
        && text.ToLowerInvariant() is not ("null" or "true" or "false" or "yes" or "no" or "on" or "off" or "y" or "n");
}
