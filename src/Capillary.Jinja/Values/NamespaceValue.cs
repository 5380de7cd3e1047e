using Capillary.Jinja.Run;

namespace Capillary.Jinja.Values;

/// <summary>The one thing a template can change: carries values out of loops.</summary>
internal sealed class NamespaceValue : Boxed
{
    private readonly Dictionary<string, JinjaValue> _entries = [];

    internal NamespaceValue(MapValue initial)
    {
        foreach (var (key, value) in initial.Entries) _entries[key] = value;
        Entries = _entries;
    }

    internal IReadOnlyDictionary<string, JinjaValue> Entries { get; }

    internal override JinjaKind Kind => JinjaKind.Object;

    internal override string TypeName => "Namespace";

    internal bool TryGet(string name, out JinjaValue value) => _entries.TryGetValue(name, out value);

    internal void Set(RenderState r, string name, JinjaValue value)
    {
        r.Charge();
        _entries[name] = value;
    }
}
