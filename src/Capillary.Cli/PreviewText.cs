using System.Globalization;
using System.Text;
using System.Text.Json;
using Capillary.Fleet.Compile;
using Capillary.Fleet.Documents;
using Capillary.Fleet.Rollouts;

namespace Capillary.Cli;

/// <summary>A preview as a person reads it in a terminal or under a pull request, or a script parses it.</summary>
/// <param name="preview">Which sites change.</param>
/// <param name="rollout">How it would be rolled out.</param>
/// <param name="isOfHub">A hub told what its sites hold and which are at risk.</param>
internal sealed class PreviewText(FleetPreview preview, RolloutPreview rollout, bool isOfHub)
{
    private const int MaxNames = 5;
    private const int MaxRisks = 20;

    // A comment may have 65,536 characters; what is beside the diffs is far below the difference.
    private const int MaxDiffs = 45_000;

    private readonly List<ChangeGroup> groups = Group(preview);

    /// <summary>Sites that change in the same way.</summary>
    private sealed record ChangeGroup(SiteChangeKind Kind, string Diff, IReadOnlyList<string> Sites);

    public void Table(TextWriter output)
    {
        foreach (var group in groups)
        {
            output.Write($"{Verb(group.Kind)} {Named(group.Sites)}\n");
            if (group.Diff.Length > 0) output.Write($"{group.Diff}\n");
        }
        output.Write($"{Counts}\n");
        if (rollout.Sites.Count == 0) return;
        output.Write($"\npreview {rollout.Id}\n");
        foreach (var wave in rollout.Waves) output.Write($"  wave {wave.Policy}/{wave.Name}: {WaveText(wave)}\n");
        output.Write($"  {Expectation}\n");
        foreach (var region in rollout.Regions)
            output.Write($"  region {region.Region}: {Sites(region.Sites)}; {Bytes(region.RegionBytes)} to the region, "
                + $"{Bytes(region.SiteBytes)} to its sites\n");
        foreach (var verdict in rollout.Verdicts)
            output.Write($"  {(verdict.Policy is { } policy ? $"policy {policy}: " : "it waits: ")}{verdict.Text}\n");
        if (rollout.Overtakes is { } overtakes) output.Write($"  it {overtakes}\n");
        foreach (var line in Risks()) output.Write($"  at risk: {line}\n");
        if (!isOfHub) output.Write($"  {NoHub}\n");
    }

    /// <summary>For a comment of a pull request (GitHub Flavored Markdown); long diffs are cut, and it says so.</summary>
    public void Markdown(TextWriter output)
    {
        output.Write($"### Capillary preview: {Counts}\n\n");
        if (rollout.Sites.Count > 0) RolloutMarkdown(output);
        var left = MaxDiffs;
        foreach (var group in groups)
        {
            output.Write($"<details><summary>{Verb(group.Kind)} {Html(Named(group.Sites))}</summary>\n\n");
            if (group.Diff.Length > 0) output.Write(Fenced(Cut(group.Diff, ref left)));
            output.Write("\n</details>\n");
        }
    }

    public void Json(Utf8JsonWriter json, JsonSerializerOptions options)
    {
        json.WriteStartObject();
        json.WriteNumber("unchanged", preview.Unchanged);
        json.WriteStartArray("changes");
        foreach (var group in groups)
        {
            json.WriteStartObject();
            json.WriteString("kind", group.Kind.ToString().ToLowerInvariant());
            json.WriteStartArray("sites");
            foreach (var site in group.Sites) json.WriteStringValue(site);
            json.WriteEndArray();
            if (group.Diff.Length > 0) json.WriteString("diff", group.Diff);
            json.WriteEndObject();
        }
        json.WriteEndArray();
        json.WriteBoolean("askedHub", isOfHub);
        json.WritePropertyName("rollout");
        JsonSerializer.Serialize(json, rollout, options);
        json.WriteEndObject();
    }

    private string Counts
    {
        get
        {
            int Count(SiteChangeKind kind) => preview.Changes.Count(change => change.Kind == kind);
            return $"{Count(SiteChangeKind.Changed):N0} changed, {Count(SiteChangeKind.Added):N0} new, "
                + $"{Count(SiteChangeKind.Removed):N0} removed, {preview.Unchanged:N0} unchanged";
        }
    }

    private string Expectation
    {
        get
        {
            var time = DurationText.Roughly(TimeSpan.FromSeconds(rollout.ExpectedSeconds));
            return rollout.IsExpectationWhole ? $"about {time} in all, as in past rollouts"
                : rollout.ExpectedSeconds > 0 ? $"at least {time}: not every wave has been gone through before"
                : "how long it takes is not known: no rollout went through these waves yet";
        }
    }

    private const string NoHub = "no hub was asked: as if every site were, in good health, at the commit it is compared with";

    private static List<ChangeGroup> Group(FleetPreview preview)
    {
        var keys = new string[preview.Changes.Count];
        Parallel.For(0, keys.Length, i => keys[i] = preview.Changes[i] is { Before: { } before, After: { } after }
            ? SiteDiff.Key(before, after) : "");
        return [.. preview.Changes.Zip(keys).GroupBy(item => (item.First.Kind, item.Second), item => item.First)
            .Select(group => new ChangeGroup(group.Key.Kind, DiffOf(group.First()), [.. group.Select(change => change.Site.Value)]))];
    }

    private static string DiffOf(SiteChange change) =>
        change is { Before: { } before, After: { } after } ? SiteDiff.Text(before, after) : "";

    private void RolloutMarkdown(TextWriter output)
    {
        output.Write($"`{rollout.Id}` · {Expectation}\n\n| Wave | |\n|---|---|\n");
        foreach (var wave in rollout.Waves) output.Write($"| {wave.Policy}/{wave.Name} | {WaveText(wave)} |\n");
        output.Write("\n| Region | Sites | To the region | To its sites |\n|---|---:|---:|---:|\n");
        foreach (var region in rollout.Regions)
            output.Write($"| {region.Region} | {region.Sites:N0} | {Bytes(region.RegionBytes)} | {Bytes(region.SiteBytes)} |\n");
        output.Write('\n');
        foreach (var verdict in rollout.Verdicts)
            output.Write($"- {(verdict.Policy is { } policy ? $"policy **{policy}**: " : "it waits: ")}{Html(verdict.Text)}\n");
        if (rollout.Overtakes is { } overtakes) output.Write($"- it {Html(overtakes)}\n");
        foreach (var line in Risks()) output.Write($"- :warning: at risk: {Html(line)}\n");
        if (!isOfHub) output.Write($"- {NoHub}\n");
        output.Write('\n');
    }

    private static string WaveText(PreviewWave wave)
    {
        var risk = wave.AtRisk > 0 ? $", {wave.AtRisk:N0} at risk" : "";
        var time = wave.Sites == 0 ? "" : wave.ExpectedSeconds is { } seconds
            ? $", about {DurationText.Roughly(TimeSpan.FromSeconds(seconds))} (median of {wave.PastRollouts})"
            : wave.SoakSeconds > 0 ? $", soaks {DurationText.Roughly(TimeSpan.FromSeconds(wave.SoakSeconds))}" : "";
        return $"{Sites(wave.Sites)}{risk}{time}";
    }

    /// <summary>The sites at risk, waves in order.</summary>
    private IEnumerable<string> Risks()
    {
        var risks = rollout.Sites.Where(site => site.Risk is not null).ToList();
        foreach (var site in risks.Take(MaxRisks))
            yield return $"{site.Site} ({site.Policy}/{site.Wave}): {site.RiskText}";
        if (risks.Count > MaxRisks) yield return $"and {risks.Count - MaxRisks:N0} more, see: -o json";
    }

    private static string Named(IReadOnlyList<string> names) => $"{Sites(names.Count)}: {string.Join(", ", names.Take(MaxNames))}"
        + (names.Count > MaxNames ? $" and {names.Count - MaxNames:N0} more" : "");

    private static string Sites(int count) => string.Create(CultureInfo.InvariantCulture, $"{count:N0} site{(count == 1 ? "" : "s")}");

    private static string Verb(SiteChangeKind kind) => kind switch
    {
        SiteChangeKind.Added => "new",
        SiteChangeKind.Removed => "removed (keeps its bundle until it is retired)",
        _ => "changed",
    };

    private static string Bytes(long bytes) => bytes switch
    {
        < 1000 => string.Create(CultureInfo.InvariantCulture, $"{bytes} B"),
        < 1_000_000 => string.Create(CultureInfo.InvariantCulture, $"{bytes / 1e3:0.0} kB"),
        < 1_000_000_000 => string.Create(CultureInfo.InvariantCulture, $"{bytes / 1e6:0.0} MB"),
        _ => string.Create(CultureInfo.InvariantCulture, $"{bytes / 1e9:0.0} GB"),
    };

    private static string Cut(string diff, ref int left)
    {
        if (left <= 0) return "the diff is left out: the comment would be too long\n";
        if (diff.Length > left)
        {
            var end = diff.LastIndexOf('\n', left - 1) + 1;
            diff = $"{diff[..end]}… cut: the comment would be too long\n";
        }
        left -= diff.Length;
        return diff;
    }

    /// <summary>A fence that no line of the diff can close.</summary>
    private static string Fenced(string diff)
    {
        var fence = "```";
        while (diff.Contains(fence, StringComparison.Ordinal)) fence += '`';
        return new StringBuilder(fence).Append("diff\n").Append(diff).Append(fence).Append('\n').ToString();
    }

    private static string Html(string text) => System.Net.WebUtility.HtmlEncode(text).Replace("|", "\\|", StringComparison.Ordinal);
}
