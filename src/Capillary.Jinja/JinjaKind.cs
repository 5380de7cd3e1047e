namespace Capillary.Jinja;

/// <summary>What a <see cref="JinjaValue"/> holds.</summary>
public enum JinjaKind
{
    /// <summary>Nothing was there to read; using it is an error.</summary>
    Undefined,

    /// <summary>Python's <c>None</c>.</summary>
    None,

    /// <summary><c>True</c> or <c>False</c>.</summary>
    Boolean,

    /// <summary>A signed 64-bit integer; overflow is an error.</summary>
    Integer,

    /// <summary>A double.</summary>
    Float,

    /// <summary>A string.</summary>
    String,

    /// <summary>A list or tuple.</summary>
    List,

    /// <summary>A map from strings to values, in insertion order.</summary>
    Map,

    /// <summary>Something only a template makes: a macro, a namespace, <c>loop</c>, a method.</summary>
    Object,
}
