using System.Numerics;
using Capillary.Jinja.Run;
using Capillary.Jinja.Values;

namespace Capillary.Jinja;

/// <summary>
/// One value as a template sees it; a template can not change one that came from outside. 16 bytes, no boxing of numbers.
/// <c>default</c> is <see cref="Undefined"/>. Equality is Python's: <c>1 == 1.0 == True</c>, lists and maps by content.
/// </summary>
public readonly partial struct JinjaValue : IEquatable<JinjaValue>
{
    // The string (Bits 1: it is markup), a Boxed value, or for numbers a Tag that says how to read Bits. Null: absent.
    internal readonly object? Ref;
    internal readonly long Bits;

    internal JinjaValue(object reference, long bits = 0)
    {
        Ref = reference;
        Bits = bits;
    }

    /// <summary>The undefined value; as an entry of a map it is as if the entry was not there.</summary>
    public static JinjaValue Undefined => default;

    /// <summary>Python's <c>None</c>.</summary>
    public static JinjaValue None => new(Tag.None);

    /// <summary>What this value holds.</summary>
    public JinjaKind Kind => Ref switch
    {
        null => JinjaKind.Undefined,
        string => JinjaKind.String,
        _ => ((Boxed)Ref).Kind,
    };

    /// <summary>True for the undefined value.</summary>
    public bool IsUndefined => Kind == JinjaKind.Undefined;

    internal bool IsAbsent => Ref is null;

    internal bool IsNone => ReferenceEquals(Ref, Tag.None);

    internal bool IsInteger => ReferenceEquals(Ref, Tag.Integer);

    internal bool IsBoolean => ReferenceEquals(Ref, Tag.Boolean);

    internal bool IsFloat => ReferenceEquals(Ref, Tag.Float);

    internal bool IsBig => Ref is BigValue;

    // Python's bool is an int, and takes part in arithmetic as one. Of 64 bits; IsBig tells the others.
    internal bool IsIntegral => IsInteger || IsBoolean;

    internal bool IsAnyInteger => IsIntegral || IsBig;

    internal bool IsNumber => Ref is Tag ? !IsNone : IsBig;

    // The text of a string that is safe to stand in HTML.
    internal bool IsMarkup => Bits == 1 && Ref is string;

    internal double AsDouble => IsFloat ? BitConverter.Int64BitsToDouble(Bits) : Ref is BigValue big ? BigValue.Nearest(big.Value) : Bits;

    internal BigInteger AsBig => Ref is BigValue big ? big.Value : Bits;

    /// <summary>A string.</summary>
    public static JinjaValue From(string value)
    {
        ArgumentNullException.ThrowIfNull(value);
        return new JinjaValue(value);
    }

    /// <summary>An integer.</summary>
    public static JinjaValue From(long value) => new(Tag.Integer, value);

    /// <summary>A boolean.</summary>
    public static JinjaValue From(bool value) => new(Tag.Boolean, value ? 1 : 0);

    /// <summary>A float.</summary>
    public static JinjaValue From(double value) => new(Tag.Float, BitConverter.DoubleToInt64Bits(value));

    /// <summary>A list; the items are copied.</summary>
    public static JinjaValue FromList(IReadOnlyList<JinjaValue> items)
    {
        ArgumentNullException.ThrowIfNull(items);
        return new JinjaValue(new ListValue([.. items], ListShape.List) { IsFrozen = true });
    }

    /// <summary>A map in the order that <paramref name="entries"/> enumerates. Kept, not copied: it must not change afterwards.</summary>
    public static JinjaValue FromMap(IReadOnlyDictionary<string, JinjaValue> entries)
    {
        ArgumentNullException.ThrowIfNull(entries);
        return new JinjaValue(new MapValue(entries) { IsFrozen = true });
    }

    /// <summary>A string; see <see cref="From(string)"/>.</summary>
    public static implicit operator JinjaValue(string value) => From(value);

    /// <summary>An integer; see <see cref="From(long)"/>.</summary>
    public static implicit operator JinjaValue(long value) => From(value);

    /// <summary>A boolean; see <see cref="From(bool)"/>.</summary>
    public static implicit operator JinjaValue(bool value) => From(value);

    /// <summary>A float; see <see cref="From(double)"/>.</summary>
    public static implicit operator JinjaValue(double value) => From(value);

    /// <summary>Python equality; undefined equals undefined.</summary>
    public static bool operator ==(JinjaValue left, JinjaValue right) => left.Equals(right);

    /// <summary>Python inequality.</summary>
    public static bool operator !=(JinjaValue left, JinjaValue right) => !left.Equals(right);

    /// <inheritdoc/>
    public bool Equals(JinjaValue other)
    {
        using var state = RenderState.Detached();
        return Comparison.AreEqual(state, this, other);
    }

    /// <inheritdoc/>
    public override bool Equals(object? obj) => obj is JinjaValue other && Equals(other);

    /// <inheritdoc/>
    public override int GetHashCode() => Hashing.Of(this);

    /// <summary>The text a template would print: <c>True</c>, <c>1.0</c>, <c>['a', 'b']</c>; of undefined the empty string.</summary>
    public override string ToString()
    {
        if (IsUndefined) return "";
        using var state = RenderState.Detached();
        return state.Text(this);
    }

    internal static JinjaValue Markup(string text) => new(text, 1);

    internal JinjaValue Or(JinjaValue fallback) => Ref is null ? fallback : this;
}
