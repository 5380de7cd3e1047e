using System.Collections;
using System.Diagnostics.CodeAnalysis;

namespace Capillary.HubNode.Rollout;

/// <summary>
/// A dictionary seen as one of other values, each made when it is asked for: a copy would cost the whole fleet at each look.
/// </summary>
internal sealed class Projected<TKey, TFrom, TTo>(IReadOnlyDictionary<TKey, TFrom> from, Func<TKey, TFrom, TTo> project)
    : IReadOnlyDictionary<TKey, TTo>
{
    public int Count => from.Count;

    public IEnumerable<TKey> Keys => from.Keys;

    public IEnumerable<TTo> Values => from.Select(item => project(item.Key, item.Value));

    public TTo this[TKey key] => project(key, from[key]);

    public bool ContainsKey(TKey key) => from.ContainsKey(key);

    public bool TryGetValue(TKey key, [MaybeNullWhen(false)] out TTo value)
    {
        var found = from.TryGetValue(key, out var item);
        value = found ? project(key, item!) : default;
        return found;
    }

    public IEnumerator<KeyValuePair<TKey, TTo>> GetEnumerator() =>
        from.Select(item => KeyValuePair.Create(item.Key, project(item.Key, item.Value))).GetEnumerator();

    IEnumerator IEnumerable.GetEnumerator() => GetEnumerator();
}
