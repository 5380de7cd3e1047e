using System.Text;

namespace Capillary.Node.Install;

/// <summary>Words of a unit file (systemd.service(5), systemd.syntax(7)).</summary>
public static class UnitText
{
    /// <summary>One argument of a command line, whatever is in it.</summary>
    /// <exception cref="InvalidDataException">It has a control character.</exception>
    public static string Argument(string text)
    {
        var safe = Path(text).Replace("$", "$$", StringComparison.Ordinal);
        return safe.All(c => char.IsAsciiLetterOrDigit(c) || c is '/' or '.' or '-' or '_' or ':' or '%' or '=' or ',' or '[' or ']')
            ? safe
            : $"\"{safe.Replace("\\", "\\\\", StringComparison.Ordinal).Replace("\"", "\\\"", StringComparison.Ordinal)}\"";
    }

    /// <summary>
    /// One argument of a command line that somebody else wrote, byte for byte: what systemd would read as an end of line, a quote, an
    /// escape, a specifier or a variable is written so that it does not.
    /// </summary>
    public static string Exact(string text)
    {
        var quoted = new StringBuilder("\"");
        foreach (var c in text)
        {
            _ = c switch
            {
                '%' => quoted.Append("%%"),
                '$' => quoted.Append("$$"),
                '"' or '\\' => quoted.Append('\\').Append(c),
                < ' ' or '\x7f' => quoted.Append($"\\x{(int)c:x2}"),
                _ => quoted.Append(c),
            };
        }
        return quoted.Append('"').ToString();
    }

    /// <summary>A path as a setting's whole value; <c>%</c> begins a specifier and is doubled.</summary>
    /// <exception cref="InvalidDataException">It has a control character.</exception>
    public static string Path(string text) => text.Any(char.IsControl)
        ? throw new InvalidDataException("a path with a control character cannot stand in a unit file")
        : text.Replace("%", "%%", StringComparison.Ordinal);
}
