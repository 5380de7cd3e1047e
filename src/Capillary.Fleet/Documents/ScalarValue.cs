namespace Capillary.Fleet.Documents;

/// <summary>What a scalar is under the YAML 1.2 core schema.</summary>
public enum ScalarKind
{
    Null,
    Boolean,
    Integer,
    Number,
    String,
}

/// <summary>A value of the language: its kind and its canonical text (<c>true</c>, <c>42</c>, <c>1.5</c>, or the string itself).</summary>
public readonly record struct ScalarValue(ScalarKind Kind, string Text)
{
    public static ScalarValue Null { get; } = new(ScalarKind.Null, "");

    public static ScalarValue Of(string text) => new(ScalarKind.String, text);

    /// <summary>As a person reads it: strings in quotes.</summary>
    public override string ToString() => Kind switch
    {
        ScalarKind.Null => "null",
        ScalarKind.String => $"\"{Text.Replace("\"", "\\\"", StringComparison.Ordinal).Replace("\n", "\\n", StringComparison.Ordinal)}\"",
        _ => Text,
    };
}
