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

    /// <summary>An integer of up to 4,300 digits; those of 64 bits are read by <see cref="JinjaValue.AsInteger"/>.</summary>
    Integer,

    /// <summary>A double.</summary>
    Float,

    /// <summary>A string.</summary>
    String,

    /// <summary>A list or tuple, a range, or the keys, values or pairs of a map.</summary>
    List,

    /// <summary>A map in insertion order; keys may be of any kind that can not change.</summary>
    Map,

    /// <summary>A function of the host, or something only a template makes: a macro, a namespace, <c>loop</c>, a method.</summary>
    Object,
}
