using System.Text.Json;
using Capillary.Fleet.Templates;

namespace Capillary.Cli;

/// <summary>What becomes of the instances of a group.</summary>
internal enum GroupKind
{
    Changed,
    Conflict,
    Failed,
}

/// <summary>Instances that an upgrade changes alike.</summary>
/// <param name="Label">A, B and so on, the largest first; of what does not change, what it is.</param>
/// <param name="Kind">What becomes of them.</param>
/// <param name="Sites">Their names, in order.</param>
/// <param name="Plan">That of the first one.</param>
internal sealed record FleetGroup(string Label, GroupKind Kind, IReadOnlyList<string> Sites, UpgradePlan Plan);

/// <summary>Groups instances by what changes in them, and shows the groups.</summary>
internal static class FleetGroups
{
    private const int MaxNames = 5;

    /// <summary>The same for instances that change alike. The state file is not looked at: it holds each one's values.</summary>
    public static string KeyOf(UpgradePlan plan) => plan.Problems.Count > 0
        ? string.Join('\n', plan.Problems.Select(problem => problem.Message))
        : plan.Conflicts.Count > 0 ? string.Join('\n', plan.Conflicts.Select(conflict => $"{conflict.Path} {conflict.Key}"))
        : UnifiedDiff.Key(plan.Changes.Where(item => !InstanceFiles.IsState(item.Key))
            .Select(item => (item.Value.Template, item.Value.Before, item.Value.After))
            .OrderBy(item => item.Template, StringComparer.Ordinal));

    public static IReadOnlyList<FleetGroup> Of(IEnumerable<(string Name, UpgradePlan Plan, string Key)> outcomes)
    {
        var groups = outcomes.GroupBy(item => (Kind: KindOf(item.Plan), item.Key)).OrderBy(group => group.Key.Kind)
            .ThenByDescending(group => group.Count())
            .ThenBy(group => group.Key.Key, StringComparer.Ordinal).ToList();
        return [.. groups.Select((group, i) =>
        {
            var label = group.Key.Kind == GroupKind.Changed ? Letter(i) : group.Key.Kind.ToString().ToLowerInvariant();
            var items = group.OrderBy(item => item.Name, StringComparer.Ordinal).ToList();
            return new FleetGroup(label, group.Key.Kind, [.. items.Select(item => item.Name)], items[0].Plan);
        })];
    }

    public static void Write(TextWriter output, IReadOnlyList<FleetGroup> groups, int untouched, ResolutionStore? resolutions)
    {
        foreach (var group in groups)
        {
            output.Write($"{group.Label}: {Names(group.Sites)}\n");
            foreach (var problem in group.Plan.Problems) output.Write($"{problem}\n");
            ConflictText.Write(output, group.Plan.Conflicts, resolutions);
            if (group.Kind != GroupKind.Changed) continue;
            if (group.Sites.Count > 1)
                output.Write($"as in {group.Sites[0]}; the others differ at most in the files' names and in the lines around:\n");
            output.Write(Diff(group.Plan));
        }
        var counts = groups.Where(group => group.Kind == GroupKind.Changed).Select(group => $"{group.Sites.Count:N0} {group.Label}")
            .ToList();
        foreach (var kind in (GroupKind[])[GroupKind.Conflict, GroupKind.Failed])
        {
            if (groups.Where(group => group.Kind == kind).Sum(group => group.Sites.Count) is var count and > 0)
                counts.Add($"{count:N0} {kind.ToString().ToLowerInvariant()}");
        }
        if (untouched > 0) counts.Add($"{untouched:N0} as they are");
        output.Write(counts.Count == 0 ? "no instances\n" : string.Join(", ", counts) + "\n");
    }

    public static void WriteJson(Utf8JsonWriter json, IReadOnlyList<FleetGroup> groups, int untouched, ResolutionStore? resolutions)
    {
        json.WriteStartObject();
        json.WriteNumber("untouched", untouched);
        json.WriteStartArray("groups");
        foreach (var group in groups)
        {
            json.WriteStartObject();
            json.WriteString("label", group.Label);
            json.WriteString("kind", group.Kind.ToString().ToLowerInvariant());
            json.WriteStartArray("instances");
            foreach (var site in group.Sites) json.WriteStringValue(site);
            json.WriteEndArray();
            json.WriteStartArray("problems");
            foreach (var problem in group.Plan.Problems) json.WriteStringValue(problem.ToString());
            json.WriteEndArray();
            ConflictText.WriteJson(json, group.Plan.Conflicts, resolutions);
            json.WriteString("diffOf", group.Sites[0]);
            json.WriteString("diff", group.Kind == GroupKind.Changed ? Diff(group.Plan) : "");
            json.WriteEndObject();
        }
        json.WriteEndArray();
        json.WriteEndObject();
    }

    /// <summary>Of all but the state file, which says for each what the whole upgrade is about.</summary>
    private static string Diff(UpgradePlan plan) => string.Concat(plan.Changes.Where(item => !InstanceFiles.IsState(item.Key))
        .Select(item => UnifiedDiff.Of(item.Key, item.Value.Before, item.Value.After)));

    private static GroupKind KindOf(UpgradePlan plan) =>
        plan.Problems.Count > 0 ? GroupKind.Failed : plan.Conflicts.Count > 0 ? GroupKind.Conflict : GroupKind.Changed;

    private static string Letter(int number) => number < 26 ? ((char)('A' + number)).ToString() : Letter((number / 26) - 1)
        + Letter(number % 26);

    private static string Names(IReadOnlyList<string> names) =>
        $"{TemplateUpgradeCommand.Count(names.Count, "instance")}: {string.Join(", ", names.Take(MaxNames))}"
        + (names.Count > MaxNames ? $" and {names.Count - MaxNames:N0} more" : "");
}
