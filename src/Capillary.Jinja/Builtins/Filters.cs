using System.Collections.Frozen;
using System.Collections.Immutable;

namespace Capillary.Jinja.Builtins;

/// <summary>All filters by name.</summary>
internal static class Filters
{
    private static readonly (string Alias, string Name)[] Aliases =
    [
        ("d", "default"), ("count", "length"), ("e", "escape"), ("b64", "base64encode"), ("b64encode", "base64encode"),
        ("b64decode", "base64decode"),
    ];

    // Last: it is built from the fields above.
    private static readonly FrozenDictionary<string, Builtin> All = Build();

    internal static ImmutableArray<string> Names => All.Keys;

    internal static Builtin? Find(string name) => All.GetValueOrDefault(name);

    private static FrozenDictionary<string, Builtin> Build()
    {
        var all = new Dictionary<string, Builtin>();
        foreach (var filter in TextFilters.All.Concat(NumberFilters.All).Concat(SequenceFilters.All)
            .Concat(SelectFilters.All).Concat(OrderFilters.All).Concat(EncodingFilters.All).Concat(HtmlFilters.All).Concat(NetworkFilters.All))
        {
            all.Add(filter.Signature.Name, filter);
        }
        foreach (var (alias, name) in Aliases) all.Add(alias, all[name]);
        return all.ToFrozenDictionary();
    }
}
