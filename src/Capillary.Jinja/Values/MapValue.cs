using Capillary.Jinja.Run;

namespace Capillary.Jinja.Values;

/// <summary>
/// A map in insertion order. Nearly all have only strings for keys; the others hold all their keys as values. An entry that holds the
/// absent value counts as missing when looked up. Only a map that a template made can change.
/// </summary>
internal sealed class MapValue : Boxed
{
    private IReadOnlyDictionary<string, JinjaValue>? _text;
    // The usual class, so that the hot lookup is not an interface call; the same object as _text.
    private Dictionary<string, JinjaValue>? _plain;
    private Dictionary<JinjaValue, JinjaValue>? _mixed;

    internal MapValue(IReadOnlyDictionary<string, JinjaValue> entries)
    {
        _text = entries;
        _plain = entries as Dictionary<string, JinjaValue>;
    }

    internal MapValue()
        : this(new Dictionary<string, JinjaValue>())
    {
    }

    internal static MapValue Empty { get; } = new() { IsFrozen = true };

    /// <summary>Came from outside, where other renders may read it at the same time.</summary>
    internal bool IsFrozen { get; init; }

    internal int Count => _text?.Count ?? _mixed!.Count;

    internal override JinjaKind Kind => JinjaKind.Map;

    internal override string TypeName => "dict";

    internal IEnumerable<string> TextKeys => _text?.Keys ?? _mixed!.Keys.Select(static key => key.Ref).OfType<string>();

    internal IEnumerable<KeyValuePair<JinjaValue, JinjaValue>> Entries => _text is not null ? TextEntries(_text) : _mixed!;

    internal bool TryGet(string key, out JinjaValue value)
    {
        var found = _plain is not null ? _plain.TryGetValue(key, out value)
            : _text is not null ? _text.TryGetValue(key, out value) : _mixed!.TryGetValue(new JinjaValue(key), out value);
        return found && !value.IsAbsent;
    }

    /// <summary>For a key that <see cref="Hashing.Check"/> let pass.</summary>
    internal bool TryGet(JinjaValue key, out JinjaValue value)
    {
        if (key.Ref is string text) return TryGet(text, out value);
        value = default;
        return _mixed is not null && _mixed.TryGetValue(key, out value) && !value.IsAbsent;
    }

    /// <summary>For a key that <see cref="Hashing.Check"/> let pass. Only while the map is its maker's own, or not frozen.</summary>
    internal void Set(JinjaValue key, JinjaValue value)
    {
        if (_plain is not null && key.Ref is string text)
        {
            _plain[text] = value;
            return;
        }
        if (_mixed is null) Mix();
        _mixed![key] = value;
    }

    internal void Remove(JinjaValue key)
    {
        // Built anew: a dictionary would put the next entry where this one was.
        var kept = Entries.Where(entry => !Hashing.Equality.Equals(entry.Key, key)).ToList();
        Clear();
        foreach (var (name, value) in kept) Set(name, value);
    }

    internal void Clear()
    {
        _text = _plain = [];
        _mixed = null;
    }

    /// <summary>For work that takes all keys up again, in another map.</summary>
    internal void ChargeKeys(RenderState r)
    {
        foreach (var (key, _) in Entries) r.ChargeFor(key);
    }

    internal JinjaValue[] Keys()
    {
        var keys = new JinjaValue[Count];
        var next = 0;
        foreach (var entry in Entries) keys[next++] = entry.Key;
        return keys;
    }

    internal JinjaValue[] Values()
    {
        var values = new JinjaValue[Count];
        var next = 0;
        foreach (var entry in Entries) values[next++] = entry.Value.Or(JinjaValue.None);
        return values;
    }

    internal JinjaValue[] Pairs()
    {
        var pairs = new JinjaValue[Count];
        var next = 0;
        foreach (var entry in Entries) pairs[next++] = ListValue.TupleOf(entry.Key, entry.Value.Or(JinjaValue.None));
        return pairs;
    }

    private static IEnumerable<KeyValuePair<JinjaValue, JinjaValue>> TextEntries(IReadOnlyDictionary<string, JinjaValue> text)
    {
        foreach (var (key, value) in text) yield return new(new JinjaValue(key), value);
    }

    private void Mix()
    {
        _mixed = new Dictionary<JinjaValue, JinjaValue>(Hashing.Equality);
        foreach (var (name, value) in TextEntries(_text!)) _mixed.Add(name, value);
        _text = _plain = null;
    }
}
