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

/// <summary>What a run over a fleet tells.</summary>
/// <param name="Groups">In the order in which they are shown.</param>
/// <param name="Untouched">How many instances are in no group.</param>
/// <param name="Newer">Names of those among them that are at a newer version than the one asked for.</param>
/// <param name="Version">The one asked for; null: each template's newest.</param>
/// <param name="IsStat">True for sizes in the place of differences.</param>
internal sealed record FleetReport(IReadOnlyList<FleetGroup> Groups, int Untouched, IReadOnlyList<string> Newer, string? Version,
    bool IsStat);

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

    public static void Write(TextWriter output, FleetReport report, ResolutionStore? resolutions)
    {
        foreach (var group in report.Groups)
        {
            output.Write($"{group.Label}: {Names(group.Sites)}\n");
            foreach (var problem in group.Plan.Problems) output.Write($"{problem}\n");
            ConflictText.Write(output, group.Plan.Conflicts, resolutions);
            if (group.Kind != GroupKind.Changed) continue;
            if (report.IsStat)
            {
                var (files, added, removed) = SizeOf(group.Plan);
                output.Write($"{TemplateUpgradeCommand.Count(files, "file")}, +{added:N0} -{removed:N0}"
                    + (group.Sites.Count > 1 ? $" in {group.Sites[0]}, and alike in the others\n" : "\n"));
                continue;
            }
            if (group.Sites.Count > 1)
                output.Write($"as in {group.Sites[0]}; the others differ at most in files' names, in their own values and in the lines "
                    + "around:\n");
            output.Write(Diff(group.Plan));
        }
        if (report.Newer.Count > 0)
        {
            var stay = report.Newer.Count == 1 ? "is at a newer version and stays" : "are at a newer version and stay";
            output.Write($"{TemplateUpgradeCommand.Count(report.Newer.Count, "instance")} {stay}: {First(report.Newer)}; to take one back: "
                + $"capillary template upgrade DIR --to {report.Version ?? "VERSION"}\n");
        }
        WriteCounts(output, report);
    }

    private static void WriteCounts(TextWriter output, FleetReport report)
    {
        var groups = report.Groups;
        var counts = groups.Where(group => group.Kind == GroupKind.Changed).Select(group => $"{group.Sites.Count:N0} {group.Label}")
            .ToList();
        foreach (var kind in (GroupKind[])[GroupKind.Conflict, GroupKind.Failed])
        {
            if (groups.Where(group => group.Kind == kind).Sum(group => group.Sites.Count) is var count and > 0)
                counts.Add($"{count:N0} {kind.ToString().ToLowerInvariant()}");
        }
        if (report.Untouched > 0) counts.Add($"{report.Untouched:N0} as they are");
        output.Write(counts.Count == 0 ? "no instances\n" : string.Join(", ", counts) + "\n");
    }

    public static void WriteJson(Utf8JsonWriter json, FleetReport report, ResolutionStore? resolutions)
    {
        json.WriteStartObject();
        json.WriteNumber("untouched", report.Untouched);
        json.WriteStartArray("newer");
        foreach (var name in report.Newer) json.WriteStringValue(name);
        json.WriteEndArray();
        json.WriteStartArray("groups");
        foreach (var group in report.Groups)
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
            if (!report.IsStat) json.WriteString("diff", group.Kind == GroupKind.Changed ? Diff(group.Plan) : "");
            else
            {
                var (files, added, removed) = group.Kind == GroupKind.Changed ? SizeOf(group.Plan) : default;
                json.WriteNumber("files", files);
                json.WriteNumber("added", added);
                json.WriteNumber("removed", removed);
            }
            json.WriteEndObject();
        }
        json.WriteEndArray();
        json.WriteEndObject();
    }

    /// <summary>Of all but the state file, which says for each what the whole upgrade is about.</summary>
    private static string Diff(UpgradePlan plan) => string.Concat(Diffs(plan));

    private static IEnumerable<string> Diffs(UpgradePlan plan) => plan.Changes.Where(item => !InstanceFiles.IsState(item.Key))
        .Select(item => UnifiedDiff.Of(item.Key, item.Value.Before, item.Value.After));

    private static (int Files, int Added, int Removed) SizeOf(UpgradePlan plan)
    {
        // What stands before a file's first hunk are names.
        var diffs = Diffs(plan)
            .Select(text => text.Split('\n').SkipWhile(line => !line.StartsWith("@@", StringComparison.Ordinal)).ToList()).ToList();
        int Lines(char sign) => diffs.Sum(lines => lines.Count(line => line.StartsWith(sign)));
        return (diffs.Count, Lines('+'), Lines('-'));
    }

    private static GroupKind KindOf(UpgradePlan plan) =>
        plan.Problems.Count > 0 ? GroupKind.Failed : plan.Conflicts.Count > 0 ? GroupKind.Conflict : GroupKind.Changed;

    private static string Letter(int number) => number < 26 ? ((char)('A' + number)).ToString() : Letter((number / 26) - 1)
        + Letter(number % 26);

    private static string Names(IReadOnlyList<string> names) =>
        $"{TemplateUpgradeCommand.Count(names.Count, "instance")}: {First(names)}";

    private static string First(IReadOnlyList<string> names) => string.Join(", ", names.Take(MaxNames))
        + (names.Count > MaxNames ? $" and {names.Count - MaxNames:N0} more" : "");
}
