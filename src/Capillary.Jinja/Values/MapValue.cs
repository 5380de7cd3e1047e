namespace Capillary.Jinja.Values;

/// <summary>A map with string keys. An entry that holds the absent value counts as missing when looked up.</summary>
internal sealed class MapValue(IReadOnlyDictionary<string, JinjaValue> entries) : Boxed
{
    // The usual class, so that the hot lookup is not an interface call.
    private readonly Dictionary<string, JinjaValue>? _plain = entries as Dictionary<string, JinjaValue>;

    internal static MapValue Empty { get; } = new(new Dictionary<string, JinjaValue>());

    internal IReadOnlyDictionary<string, JinjaValue> Entries => entries;

    internal int Count => entries.Count;

    internal override JinjaKind Kind => JinjaKind.Map;

    internal override string TypeName => "dict";

    internal bool TryGet(string key, out JinjaValue value)
    {
        var found = _plain is not null ? _plain.TryGetValue(key, out value) : entries.TryGetValue(key, out value);
        return found && !value.IsAbsent;
    }

    internal JinjaValue[] Keys()
    {
        var keys = new JinjaValue[entries.Count];
        var next = 0;
        foreach (var entry in entries) keys[next++] = new JinjaValue(entry.Key);
        return keys;
    }

    internal JinjaValue[] Values()
    {
        var values = new JinjaValue[entries.Count];
        var next = 0;
        foreach (var entry in entries) values[next++] = entry.Value.Or(JinjaValue.None);
        return values;
    }

    internal JinjaValue[] Pairs()
    {
        var pairs = new JinjaValue[entries.Count];
        var next = 0;
        foreach (var entry in entries) pairs[next++] = ListValue.TupleOf(entry.Key, entry.Value.Or(JinjaValue.None));
        return pairs;
    }
}
