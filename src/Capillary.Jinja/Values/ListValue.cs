namespace Capillary.Jinja.Values;

/// <summary>A list or a tuple; the array is never written after construction.</summary>
internal sealed class ListValue(JinjaValue[] items, bool isTuple) : Boxed
{
    internal static readonly ListValue Empty = new([], false);

    internal JinjaValue[] Items => items;

    internal bool IsTuple => isTuple;

    internal override JinjaKind Kind => JinjaKind.List;

    internal override string TypeName => isTuple ? "tuple" : "list";

    internal static JinjaValue Of(JinjaValue[] items) => new(items.Length == 0 ? Empty : new ListValue(items, false));

    internal static JinjaValue TupleOf(params JinjaValue[] items) => new(new ListValue(items, true));
}
