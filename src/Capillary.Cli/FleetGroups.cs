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

    /// <summary>What tells which instances change alike: those that have one of the keys in common. The state file is not looked at: it
    /// holds each one's values.</summary>
    public static (string Lines, string ButForValues) KeysOf(UpgradePlan plan)
    {
        if (plan.IsReady)
        {
            return UnifiedDiff.Keys(plan.Changes.Where(item => !InstanceFiles.IsState(item.Key))
                .Select(item => (item.Value.Template, item.Value.Before, item.Value.After))
                .OrderBy(item => item.Template, StringComparer.Ordinal), plan.Own);
        }
        var key = string.Join('\n', plan.Problems.Count > 0 ? plan.Problems.Select(problem => problem.Message)
            : plan.Conflicts.Select(conflict => $"{conflict.Path} {conflict.Key}"));
        return (key, key);
    }

    public static IReadOnlyList<FleetGroup> Of(
        IEnumerable<(string Name, UpgradePlan Plan, (string Lines, string ButForValues) Keys)> outcomes)
    {
        var groups = new List<List<(string Name, UpgradePlan Plan)>>();
        var known = new Dictionary<(GroupKind Kind, string Key), List<(string Name, UpgradePlan Plan)>>();
        foreach (var (name, plan, keys) in outcomes.OrderBy(item => item.Name, StringComparer.Ordinal))
        {
            var (lines, rough) = ((KindOf(plan), keys.Lines), (KindOf(plan), keys.ButForValues));
            var group = known.GetValueOrDefault(lines) ?? known.GetValueOrDefault(rough);
            if (group is null) groups.Add(group = []);
            if (known.GetValueOrDefault(rough) is { } other && other != group) Join(other, group);
            group.Add((name, plan));
            known[lines] = known[rough] = group;
        }
        foreach (var group in groups) group.Sort((left, right) => string.CompareOrdinal(left.Name, right.Name));
        var ordered = groups.OrderBy(group => KindOf(group[0].Plan)).ThenByDescending(group => group.Count)
            .ThenBy(group => group[0].Name, StringComparer.Ordinal);
        return [.. ordered.Select((group, i) =>
        {
            var kind = KindOf(group[0].Plan);
            var label = kind == GroupKind.Changed ? Letter(i) : kind.ToString().ToLowerInvariant();
            return new FleetGroup(label, kind, [.. group.Select(item => item.Name)], group[0].Plan);
        })];

        void Join(List<(string, UpgradePlan)> from, List<(string, UpgradePlan)> into)
        {
            into.AddRange(from);
            groups.Remove(from);
            foreach (var key in known.Where(item => item.Value == from).Select(item => item.Key).ToList()) known[key] = into;
        }
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
                output.Write($"as in {group.Sites[0]}; the others differ at most in files' names, in their own values and in the lines "
                    + "around:\n");
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
