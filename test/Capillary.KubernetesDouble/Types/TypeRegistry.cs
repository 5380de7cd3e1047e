using System.Collections.Concurrent;

namespace Capillary.KubernetesDouble.Types;

/// <summary>The kinds that are served now.</summary>
internal sealed class TypeRegistry
{
    private readonly ConcurrentDictionary<(string Group, string Version, string Plural), ResourceType> types =
        new(BuiltInTypes.All().ToDictionary(type => (type.Group, type.Version, type.Plural)));

    /// <summary>Ordered by group, version and plural.</summary>
    public IReadOnlyList<ResourceType> All => [.. types.Values
        .OrderBy(type => type.Group, StringComparer.Ordinal).ThenBy(type => type.Version, StringComparer.Ordinal)
        .ThenBy(type => type.Plural, StringComparer.Ordinal)];

    /// <summary>One of each place: the first of its versions.</summary>
    public IEnumerable<ResourceType> Places => All.DistinctBy(type => type.Place);

    public ResourceType? Find(string group, string version, string plural) => types.GetValueOrDefault((group, version, plural));

    public ResourceType? FindKind(string group, string? version, string kind) =>
        All.FirstOrDefault(type => type.Group == group && type.Kind == kind && (version is null || type.Version == version));

    public ResourceType Get(string group, string plural) => All.First(type => type.Group == group && type.Plural == plural);

    /// <summary>What this definition serves now; its older versions go.</summary>
    public void Serve(string group, string plural, IEnumerable<ResourceType> served)
    {
        var next = served.ToDictionary(type => (type.Group, type.Version, type.Plural));
        foreach (var key in types.Keys.Where(key => key.Group == group && key.Plural == plural && !next.ContainsKey(key)))
            types.TryRemove(key, out _);
        foreach (var (key, type) in next) types[key] = type;
    }
}
