using System.Text;

namespace InstrumentGateway.Hl7;

/// <summary>HL7 escape sequences (chapter 2.7), resolved for display. What is not understood stays as it was sent.</summary>
internal static class Escapes
{
    public static string Resolve(string raw, Separators separators)
    {
        if (!raw.Contains(separators.Escape))
            return raw;
        var text = new StringBuilder(raw.Length);
        var i = 0;
        while (i < raw.Length)
        {
            var end = raw[i] == separators.Escape ? raw.IndexOf(separators.Escape, i + 1) : -1;
            if (end < 0)
            {
                text.Append(raw[i++]);
                continue;
            }

            text.Append(One(raw[(i + 1)..end], separators) ?? raw[i..(end + 1)]);
            i = end + 1;
        }

        return text.ToString();
    }

    private static string? One(string sequence, Separators s) => sequence switch
    {
        "F" => s.Field.ToString(),
        "S" => s.Component.ToString(),
        "T" => s.Subcomponent.ToString(),
        "R" => s.Repetition.ToString(),
        "E" => s.Escape.ToString(),
        "H" or "N" => "",
        ".br" or ".sp" => "\n",
        ['X', .. var hex] when hex.Length is > 0 and <= 512 && hex.Length % 2 == 0 && hex.All(char.IsAsciiHexDigit) =>
            Encoding.Latin1.GetString(Convert.FromHexString(hex)),
        _ => null,
    };
}
