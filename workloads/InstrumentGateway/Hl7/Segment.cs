namespace InstrumentGateway.Hl7;

/// <summary>One segment. Fields are numbered as in the standard: MSH-1 is the field separator itself.</summary>
internal sealed class Segment
{
    private readonly string[] fields;
    private readonly Separators separators;

    public Segment(string line, Separators separators)
    {
        this.separators = separators;
        fields = line.Split(separators.Field);
        if (Name == "MSH")
            fields = ["MSH", separators.Field.ToString(), .. fields[1..]];
    }

    public string Name => fields[0];

    /// <summary>The field as sent, or "" where the segment ends before it.</summary>
    public string Field(int field) => field < fields.Length ? fields[field] : "";

    /// <summary>All repetitions of a field, as sent.</summary>
    public string[] Repetitions(int field) => Field(field).Split(separators.Repetition);

    /// <summary>First repetition, one component, as sent.</summary>
    public string Component(int field, int component) =>
        Part(Part(Field(field), separators.Repetition, 1), separators.Component, component);

    /// <summary>First repetition, one component, first subcomponent, escapes resolved: for display and comparison.</summary>
    public string Text(int field, int component = 1) => Display(Part(Component(field, component), separators.Subcomponent, 1));

    /// <summary>Resolves the escape sequences of a piece of this segment.</summary>
    public string Display(string raw) => Escapes.Resolve(raw, separators);

    /// <summary>The n-th part (from 1) of a value, or "".</summary>
    public static string Part(string value, char separator, int n)
    {
        var start = 0;
        for (; n > 1; n--)
        {
            start = value.IndexOf(separator, start) + 1;
            if (start == 0)
                return "";
        }

        var end = value.IndexOf(separator, start);
        return end < 0 ? value[start..] : value[start..end];
    }
}
