using Capillary.Core.Apply;
using Capillary.Core.Bundles;
using Capillary.Core.Identity;
using Capillary.Core.Reports;
using Capillary.Fleet.Inventory;

namespace Capillary.Fleet.Rollouts;

/// <summary>What a commit compiles to, for a hub that is asked what it would do with it.</summary>
/// <param name="Policies">How it would be rolled out.</param>
/// <param name="Sites">Every declared site, by its name.</param>
/// <param name="Manifests">Manifests of bundles that the hub does not have.</param>
public sealed record PreviewWish(PolicySet Policies, IReadOnlyDictionary<string, ReleasedSite> Sites, IReadOnlyList<string> Manifests)
{
    /// <summary>The commit as the planner sees it.</summary>
    /// <exception cref="ArgumentException">A name is none.</exception>
    public TargetRelease ToTarget(long number) =>
        new(number, Policies, Sites.ToDictionary(site => new SiteId(site.Key), site => site.Value));
}

/// <summary>Why a site may be a trouble to a rollout.</summary>
public enum RiskKind
{
    /// <summary>It cannot be heard: it gets its line when it is back.</summary>
    Absent,

    /// <summary>It says "not now".</summary>
    Held,

    /// <summary>Its disk is full or nearly so.</summary>
    Disk,

    /// <summary>It is not healthy on what it runs now.</summary>
    Unhealthy,
}

/// <summary>A site that a rollout would change.</summary>
/// <param name="Site">The site.</param>
/// <param name="Region">Its region.</param>
/// <param name="Policy">The policy by which it would get it.</param>
/// <param name="Wave">Name of its wave there.</param>
/// <param name="Bytes">What it would fetch: blobs of the new bundle that are not in the one it holds.</param>
/// <param name="Risk">Null: none is known.</param>
/// <param name="RiskText">For a person.</param>
public sealed record PreviewSite(SiteId Site, RegionId Region, string Policy, string Wave, long Bytes, RiskKind? Risk, string? RiskText);

/// <summary>A wave that a rollout would have.</summary>
/// <param name="Policy">The policy it belongs to.</param>
/// <param name="Name">Its name there.</param>
/// <param name="Sites">How many sites are in it.</param>
/// <param name="AtRisk">How many of them are at risk.</param>
/// <param name="SoakSeconds">How long all of it must be healthy.</param>
/// <param name="ExpectedSeconds">How long this wave took, from its first line until its gates were met: the median of past rollouts. Null:
/// none went through it.</param>
/// <param name="PastRollouts">How many those are.</param>
public sealed record PreviewWave(string Policy, string Name, int Sites, int AtRisk, long SoakSeconds, long? ExpectedSeconds,
    int PastRollouts);

/// <summary>What would move in one region.</summary>
/// <param name="Region">The region.</param>
/// <param name="Sites">How many of its sites change.</param>
/// <param name="RegionBytes">From the hub to the region: each blob once, without those of bundles that its sites hold.</param>
/// <param name="SiteBytes">From the region to its sites.</param>
public sealed record PreviewRegion(RegionId Region, int Sites, long RegionBytes, long SiteBytes);

/// <summary>What a policy says to a rollout that would begin now.</summary>
/// <param name="Policy">The policy; null: what keeps all of the rollout from starting by itself.</param>
/// <param name="Waits">Something would wait for it.</param>
/// <param name="Text">For a person.</param>
public sealed record PolicyVerdict(string? Policy, bool Waits, string Text);

/// <summary>What a rollout of a release would do if it began now, before anything begins.</summary>
/// <param name="Id">
/// Digest of the release, of its policies, and of the sites of the first waves: 16 hexadecimal digits of each, with '-' between.
/// </param>
/// <param name="Waves">In order, policy by policy.</param>
/// <param name="Regions">In order of name.</param>
/// <param name="Sites">Every site that it is for, in order.</param>
/// <param name="Verdicts">What the policies say.</param>
/// <param name="Overtakes">What it would do to the rollout that is under way; null: nothing.</param>
/// <param name="ExpectedSeconds">How long all of it may take; waves whose time is not known count with their soak alone.</param>
/// <param name="IsExpectationWhole">The time of every wave is known.</param>
public sealed record RolloutPreview(string Id, IReadOnlyList<PreviewWave> Waves, IReadOnlyList<PreviewRegion> Regions,
    IReadOnlyList<PreviewSite> Sites, IReadOnlyList<PolicyVerdict> Verdicts, string? Overtakes, long ExpectedSeconds,
    bool IsExpectationWhole)
{
    private const int PartLength = 16;

    /// <summary>Sees ahead.</summary>
    /// <param name="inputs">As for the planner; its release is the one to preview.</param>
    /// <param name="past">Earlier rollouts, for how long waves take.</param>
    /// <param name="contentOf">A bundle's blobs and its manifest; null: not known.</param>
    /// <param name="mayAsk">Whether a gate may ask this URL; null: that is not known here.</param>
    /// <param name="now">When it would begin.</param>
    /// <exception cref="ArgumentException">There is no release.</exception>
    public static RolloutPreview Of(PlannerInputs inputs, IEnumerable<RolloutState> past,
        Func<Digest, IReadOnlyList<Descriptor>?> contentOf, Func<string, bool>? mayAsk, DateTimeOffset now)
    {
        var state = Planner.Start(inputs, new(RolloutStart.ByPolicy, null, false), now);
        var release = inputs.Release!;
        var content = new PreviewContent(inputs, contentOf);
        var sites = state.Members.Select(member => SiteOf(member.Key, member.Value, inputs, content, now)).ToList();
        var waves = WavesOf(state, release, sites, [.. past]);
        var expected = waves.GroupBy(wave => wave.Policy).Select(track => track.Sum(wave => wave.ExpectedSeconds ?? wave.SoakSeconds));
        return new(IdOf(state, release), waves, content.Regions(sites), sites, new PolicyVerdicts(inputs, state, waves, mayAsk, now).All(),
            state.Overtook, expected.DefaultIfEmpty().Max(), waves.TrueForAll(wave => wave.ExpectedSeconds is not null));
    }

    /// <summary>The id of the preview of which this rollout is what was seen.</summary>
    public static string IdOf(RolloutState state, TargetRelease release)
    {
        var sites = release.Sites.OrderBy(site => site.Key).Select(site =>
            $"{site.Key} {site.Value.Bundle} {site.Value.Region} {site.Value.TimeZone} {site.Value.Choices.Text}");
        var first = state.Members.GroupBy(member => member.Value.Policy).ToDictionary(track => track.Key,
            track => track.Min(member => member.Value.Wave));
        var members = state.Members.Where(member => member.Value.Wave == first[member.Value.Policy])
            .Select(member => $"{member.Key} {member.Value.Policy} {member.Value.Wave}");
        return string.Join('-', Part(sites), Part([release.Policies.ToJson()]), Part(members));
    }

    /// <summary>True for a text that may be an id.</summary>
    public static bool IsId(string text) => text.Split('-') is { Length: 3 } parts
        && Array.TrueForAll(parts, part => part.Length == PartLength && part.All(char.IsAsciiHexDigit));

    /// <summary>What differs between two ids (<see cref="IsId"/>), for a person; null: nothing.</summary>
    public static string? Difference(string seen, string now)
    {
        string[] names = ["the release is another", "its policies are others", "other sites are in the first wave"];
        var (left, right) = (seen.Split('-'), now.Split('-'));
        var different = names.Where((_, i) => !string.Equals(left[i], right[i], StringComparison.OrdinalIgnoreCase)).ToList();
        return different.Count == 0 ? null : string.Join(", ", different);
    }

    private static string Part(IEnumerable<string> lines) =>
        Digest.Of(System.Text.Encoding.UTF8.GetBytes(string.Join('\n', lines))).Hex[..PartLength];

    private static PreviewSite SiteOf(SiteId site, RolloutMember member, PlannerInputs inputs, PreviewContent content, DateTimeOffset now)
    {
        var release = inputs.Release!;
        var risk = RiskOf(inputs.Evidence.GetValueOrDefault(site) ?? SiteEvidence.None, inputs, now);
        return new(site, release.Sites[site].Region, member.Policy, release.Policies.Of(member.Policy).NameOf(member.Wave),
            content.BytesOf(site), risk?.Kind, risk?.Text);
    }

    private static (RiskKind Kind, string Text)? RiskOf(SiteEvidence evidence, PlannerInputs inputs, DateTimeOffset now)
    {
        if (WaveGate.Absence(evidence, inputs, now) is { } absence) return (RiskKind.Absent, absence);
        if (evidence.Report is not { } report) return null;
        if (report.Phase == ReportPhase.Held) return (RiskKind.Held, WaveGate.HoldOf(report));
        if (report.Conditions.FirstOrDefault(one => one.Code is ConditionCodes.DiskFull or ConditionCodes.DiskLow) is { } disk)
            return (RiskKind.Disk, $"{disk.Code}: {disk.Text}");
        return report.Phase is ReportPhase.Degraded or ReportPhase.Reverted ? (RiskKind.Unhealthy, WaveGate.Failure(report)) : null;
    }

    private static List<PreviewWave> WavesOf(RolloutState state, TargetRelease release, List<PreviewSite> sites, List<RolloutState> past)
    {
        var bySite = sites.ToLookup(site => RolloutState.KeyOf(site.Policy, site.Wave));
        // A rollout that nobody vouched for, or that ended in the middle, says nothing of time.
        past = past.FindAll(one => one is { Kind: RolloutKind.Forward, CompletedAt: not null });
        var waves = new List<PreviewWave>();
        foreach (var track in state.Members.Values.Select(member => member.Policy).Distinct().Order(StringComparer.Ordinal))
        {
            var policy = release.Policies.Of(track);
            for (var i = 0; i <= policy.Waves.Count; i++)
            {
                var name = policy.NameOf(i);
                var members = bySite[RolloutState.KeyOf(track, name)].ToList();
                if (members.Count == 0 && i == policy.Waves.Count) continue;
                var soak = (i < policy.Waves.Count ? policy.Waves[i].SoakTime : null) ?? policy.SoakTime;
                var took = past.Select(one => one.MemoryOf(RolloutState.KeyOf(track, name))).Where(wave => wave.PassedAt >= wave.OpenedAt)
                    .Select(wave => (long)(wave.PassedAt!.Value - wave.OpenedAt!.Value).TotalSeconds).Order().ToList();
                waves.Add(new(track, name, members.Count, members.Count(site => site.Risk is not null), (long)soak.TotalSeconds,
                    members.Count == 0 ? 0 : took.Count == 0 ? null : took[took.Count / 2], took.Count));
            }
        }
        return waves;
    }
}

/// <summary>What would have to be moved.</summary>
internal sealed class PreviewContent(PlannerInputs inputs, Func<Digest, IReadOnlyList<Descriptor>?> contentOf)
{
    private readonly Dictionary<Digest, IReadOnlyList<Descriptor>> known = [];

    /// <summary>What a site would fetch: it has the blobs of its line, and of what it was last healthy on.</summary>
    public long BytesOf(SiteId site)
    {
        var has = Held(site).Select(blob => blob.Digest).ToHashSet();
        return Of(inputs.Release!.Sites[site].Bundle).Where(blob => !has.Contains(blob.Digest)).Sum(blob => blob.Size);
    }

    /// <summary>Region by region; a mirror has the blobs of the lines of its sites.</summary>
    public List<PreviewRegion> Regions(IReadOnlyList<PreviewSite> sites)
    {
        var release = inputs.Release!;
        var all = release.Sites.ToLookup(site => site.Value.Region, site => site.Key);
        return [.. sites.GroupBy(site => site.Region).OrderBy(group => group.Key.Value, StringComparer.Ordinal).Select(group =>
        {
            var has = all[group.Key].SelectMany(Held).Select(blob => blob.Digest).ToHashSet();
            var missing = group.SelectMany(site => Of(release.Sites[site.Site].Bundle)).Where(blob => !has.Contains(blob.Digest));
            return new PreviewRegion(group.Key, group.Count(), missing.DistinctBy(blob => blob.Digest).Sum(blob => blob.Size),
                group.Sum(site => site.Bytes));
        })];
    }

    private IEnumerable<Descriptor> Held(SiteId site)
    {
        var line = inputs.Lines.GetValueOrDefault(site)?.Bundle;
        var healthy = inputs.Evidence.GetValueOrDefault(site)?.LastHealthy;
        IEnumerable<Descriptor> held = line is { } bundle ? Of(bundle) : [];
        return healthy is { } other && other != line ? held.Concat(Of(other)) : held;
    }

    private IReadOnlyList<Descriptor> Of(Digest bundle) =>
        known.TryGetValue(bundle, out var blobs) ? blobs : known[bundle] = contentOf(bundle) ?? [];
}
