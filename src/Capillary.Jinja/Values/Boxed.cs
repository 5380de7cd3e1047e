namespace Capillary.Jinja.Values;

/// <summary>Anything a <see cref="JinjaValue"/> refers to, except a string.</summary>
internal abstract class Boxed
{
    internal abstract JinjaKind Kind { get; }

    /// <summary>The type's name in Python, for error messages.</summary>
    internal abstract string TypeName { get; }
}

/// <summary>Says how to read the bits of a value that has no object.</summary>
internal sealed class Tag : Boxed
{
    internal static readonly Tag None = new(JinjaKind.None, "NoneType");
    internal static readonly Tag Boolean = new(JinjaKind.Boolean, "bool");
    internal static readonly Tag Integer = new(JinjaKind.Integer, "int");
    internal static readonly Tag Float = new(JinjaKind.Float, "float");

    private Tag(JinjaKind kind, string typeName)
    {
        Kind = kind;
        TypeName = typeName;
    }

    internal override JinjaKind Kind { get; }

    internal override string TypeName { get; }
}
