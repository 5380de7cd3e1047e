using Capillary.Fleet.Documents;

namespace Capillary.Fleet.Compile;

/// <summary>Something wrong at one site that is probably wrong at others too.</summary>
/// <param name="GroupKey">Equal for the same mistake at different sites.</param>
/// <param name="Diagnostic">As seen from this site; the list of sites is added when the group is known.</param>
internal sealed record SiteProblem(string GroupKey, Diagnostic Diagnostic)
{
    public static SiteProblem Of(Diagnostic diagnostic, string distinction) => new(
        $"{diagnostic.Code}\0{diagnostic.File}\0{diagnostic.Line}\0{diagnostic.Column}\0{distinction}", diagnostic);

    /// <summary>One diagnostic per mistake: the first site's, and how many more there are. Sites come in ordinal order.</summary>
    public static IEnumerable<Diagnostic> Group(IEnumerable<(string Site, SiteProblem Problem)> problems)
    {
        var groups = new Dictionary<string, (string Site, Diagnostic First, int Count)>(StringComparer.Ordinal);
        foreach (var (site, problem) in problems)
        {
            groups[problem.GroupKey] = groups.TryGetValue(problem.GroupKey, out var group)
                ? group with { Count = group.Count + 1 }
                : (site, problem.Diagnostic, 1);
        }
        return groups.Values.Select(group =>
            group.First with { Message = $"{group.First.Message} ({Sites(group.Site, group.Count - 1)})" });
    }

    private static string Sites(string first, int more) => more switch
    {
        0 => $"site {first}",
        1 => $"site {first} and 1 more site",
        _ => string.Create(System.Globalization.CultureInfo.InvariantCulture, $"site {first} and {more:N0} more sites"),
    };
}
