namespace Capillary.Jinja.Values;

/// <summary>Which of Python's sequences a <see cref="ListValue"/> is.</summary>
internal enum ListShape
{
    List,
    Tuple,
    Range,
    Keys,
    Values,
    Pairs,
}

/// <summary>What a range was made of; wide enough for one that is cut out of another.</summary>
internal sealed record RangeBounds(Int128 Start, Int128 Stop, Int128 Step)
{
    public override string ToString() => Step == 1 ? $"range({Start}, {Stop})" : $"range({Start}, {Stop}, {Step})";
}

/// <summary>
/// A list, or another sequence that Python tells from one. Only a list that a template made can change; an array that was given out
/// never does.
/// </summary>
internal sealed class ListValue(JinjaValue[] items, ListShape shape) : Boxed
{
    private JinjaValue[] _items = items;
    private List<JinjaValue>? _growing;

    internal ListValue(JinjaValue[] items, bool isTuple)
        : this(items, isTuple ? ListShape.Tuple : ListShape.List)
    {
    }

    internal JinjaValue[] Items
    {
        get
        {
            if (!IsWhole) _items = [.. _growing!];
            return _items;
        }
    }

    /// <summary>How many items there are, without making the array.</summary>
    internal int Count => _growing?.Count ?? _items.Length;

    /// <summary>The array stands for what was added so far: adding again makes the next reader copy it.</summary>
    internal bool IsWhole => _growing is null || _items.Length == _growing.Count;

    internal ListShape Shape => shape;

    internal bool IsTuple => shape == ListShape.Tuple;

    /// <summary>Came from outside, where other renders may read it at the same time.</summary>
    internal bool IsFrozen { get; init; }

    /// <summary>Names of the items, for the tuples that <c>groupby</c> makes.</summary>
    internal string[] Names { get; init; } = [];

    /// <summary>Of a range.</summary>
    internal RangeBounds? Bounds { get; init; }

    internal override JinjaKind Kind => JinjaKind.List;

    internal override string TypeName => shape switch
    {
        ListShape.Tuple => "tuple",
        ListShape.Range => "range",
        ListShape.Keys => "dict_keys",
        ListShape.Values => "dict_values",
        ListShape.Pairs => "dict_items",
        _ => "list",
    };

    internal static JinjaValue Of(JinjaValue[] items) => new(new ListValue(items, ListShape.List));

    internal static JinjaValue TupleOf(params JinjaValue[] items) => new(new ListValue(items, ListShape.Tuple));

    internal void Add(JinjaValue item) => (_growing ??= [.. _items]).Add(item);

    internal void Become(JinjaValue[] replaced) => (_items, _growing) = (replaced, null);
}
