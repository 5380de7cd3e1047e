namespace InstrumentGateway.Hl7;

/// <summary>The delimiters a message declares in MSH-1 and MSH-2.</summary>
internal readonly record struct Separators(char Field, char Component, char Repetition, char Escape, char Subcomponent)
{
    public static Separators Standard { get; } = new('|', '^', '~', '\\', '&');

    /// <summary>MSH-2 as sent: four characters.</summary>
    public string Encoding => new([Component, Repetition, Escape, Subcomponent]);

    /// <summary>Reads them from a line that begins with MSH. False when they are missing, unprintable or not distinct.</summary>
    public static bool TryRead(ReadOnlySpan<char> msh, out Separators separators)
    {
        separators = Standard;
        if (msh.Length < 9 || !msh.StartsWith("MSH"))
            return false;
        var all = msh.Slice(3, 5);
        for (var i = 0; i < all.Length; i++)
        {
            if (all[i] <= ' ' || all[i] > '~' || char.IsAsciiLetterOrDigit(all[i]) || all[..i].Contains(all[i]))
                return false;
        }

        // MSH-2 ends at the next field separator, after at most one more character (truncation, HL7 2.7).
        if (msh[8] != all[0] && (msh.Length < 10 || msh[9] != all[0]))
            return false;
        separators = new(all[0], all[1], all[2], all[3], all[4]);
        return true;
    }
}
