using System.Collections.Concurrent;
using System.Collections.Immutable;
using System.Text.Json;
using Capillary.Core.Bundles;
using Capillary.Core.Identity;
using Capillary.Core.Reports;
using Capillary.Fleet.Inventory;
using Capillary.Fleet.Rollouts;

namespace Capillary.Tests.Fleet.Rollouts;

/// <summary>Ways in which the planner is broken on purpose, by what it is told; the rules must notice each.</summary>
internal enum Broken
{
    /// <summary>It is as it is.</summary>
    Nowhere,

    /// <summary>Every site is in the first wave.</summary>
    IgnoresWaves,

    /// <summary>A report of an earlier line counts for the newest one.</summary>
    CountsStaleReports,

    /// <summary>A site that has not answered yet counts as one that cannot be heard.</summary>
    TakesSilenceForConsent,

    /// <summary>Any number of sites may change at one time.</summary>
    IgnoresBudget,

    /// <summary>A failed site counts as one that is away.</summary>
    OverlooksFailures,

    /// <summary>A newer commit does not let a site finish.</summary>
    InterruptsSites,

    /// <summary>What is remembered is lost when a newer commit comes: its sites that are still tried are none of the next rollout.</summary>
    ForgetsTheCanary,
}

/// <summary>How large a world is.</summary>
/// <param name="Regions">How many regions.</param>
/// <param name="Sites">Sites of each region.</param>
/// <param name="Policy">How commits are rolled out; its waves take the sites of a region in turn.</param>
/// <param name="Break">What is wrong with the planner.</param>
internal sealed record WorldShape(int Regions, int Sites, Capillary.Fleet.Documents.RolloutPolicy Policy, Broken Break = Broken.Nowhere)
{
    public int Count => Regions * Sites;

    private readonly ConcurrentDictionary<(long, ulong), TargetRelease> releases = new();

    public int WaveOf(int site) => Math.Min(site % Sites, Policy.Waves.Count);

    /// <summary>A release is the same in every world in which the same ones before it spare the first wave.</summary>
    public TargetRelease Release(long number, ulong spares, Func<TargetRelease> make) =>
        releases.GetOrAdd((number, spares & ((2UL << (int)number) - 1)), _ => make());
}

/// <summary>
/// A small fleet around the real planner: a hub, regions that mirror lines and relay reports, sites that take what their region has,
/// apply it or fail, hold, go away. Every act is one step; whatever the network may do is an order of steps. Each plan is held against the
/// promises by a reading of its own, which knows what the sites really did.
/// </summary>
internal sealed partial class RolloutWorld
{
    public static readonly DateTimeOffset Start = new(2026, 11, 20, 8, 0, 0, TimeSpan.Zero);
    private static readonly TimeSpan Offline = Freshness.Default.OfflineAfter;
    private static readonly string[] Names = [.. Enumerable.Range(0, 16).Select(i => $"s{i}")];
    private static readonly Digest[] Bundles = [.. Enumerable.Range(0, 64).Select(i => Digest.Of([(byte)i]))];
    private readonly WorldShape shape;
    private readonly Place[] places;
    private long generation = 1;
    private RolloutState? rollout;
    private int newest = 1;

    /// <summary>A bit for each release that leaves the first wave as it was.</summary>
    private ulong spares;

    /// <summary>What a site says of itself; newer ones have higher numbers.</summary>
    public sealed record Word(int Seq, long Since, int Bundle, ReportPhase Phase);

    /// <summary>A line as it is handed down.</summary>
    public readonly record struct Line(long Since, int Bundle);

    /// <summary>One site, wherever something of it is kept.</summary>
    private struct Place
    {
        public Line AtHub, AtRegion, AtSite;
        public int Runs;
        public ReportPhase Phase;
        public bool IsAway, IsHeld;
        public int Seq;
        public Word? Told, Known;
        public DateTimeOffset HeardAt;
        public int LastHealthy;

        /// <summary>The line on which it was really healthy last.</summary>
        public Line Vouched;
    }

    public RolloutWorld(WorldShape shape)
    {
        this.shape = shape;
        places = new Place[shape.Count];
        for (var i = 0; i < places.Length; i++)
        {
            var word = new Word(1, 1, 1, ReportPhase.Healthy);
            places[i] = new()
            {
                AtHub = new(1, 1), AtRegion = new(1, 1), AtSite = new(1, 1), Runs = 1, Phase = ReportPhase.Healthy, Seq = 1, Told = word,
                Known = word, HeardAt = Start, LastHealthy = 1, Vouched = new(1, 1),
            };
        }
        Now = Start;
        Plan();
    }

    private RolloutWorld(RolloutWorld other)
    {
        (shape, generation, rollout, newest, Now) = (other.shape, other.generation, other.rollout, other.newest, other.Now);
        (Status, places, spares) = (other.Status, [.. other.places], other.spares);
    }

    public DateTimeOffset Now { get; set; }

    public RolloutStatus Status { get; private set; } = new(0, RolloutPhase.Idle, "", [], []);

    public int Newest => newest;

    public RolloutWorld Clone() => new(this);

    /// <summary>A commit that changes every site, or every one but those of the first wave.</summary>
    public void Commit(bool sparesFirst)
    {
        newest++;
        if (sparesFirst) spares |= 1UL << newest;
    }

    /// <summary>What a release gives a site: the number of the release that changed it last.</summary>
    private int Given(int site, long release)
    {
        while (shape.WaveOf(site) == 0 && (spares >> (int)release & 1) == 1) release--;
        return (int)release;
    }

    /// <summary>A region takes over what the hub has.</summary>
    public void Sync(int region)
    {
        foreach (var i in Of(region)) places[i].AtRegion = places[i].AtHub;
    }

    public bool CanFetch(int site) => !places[site].IsAway && places[site].AtRegion.Since > places[site].AtSite.Since;

    /// <summary>A site takes its line; what it was at is over.</summary>
    public void Fetch(int site)
    {
        ref var place = ref places[site];
        place.AtSite = place.AtRegion;
        place.Phase = place.IsHeld ? ReportPhase.Held : ReportPhase.Progressing;
    }

    public bool CanApply(int site) => places[site] is { Phase: ReportPhase.Progressing, IsHeld: false };

    /// <summary>A site applies its line, which does well or not.</summary>
    public void Apply(int site, bool fails)
    {
        ref var place = ref places[site];
        place.Phase = fails ? ReportPhase.Reverted : ReportPhase.Healthy;
        if (fails) return;
        place.Runs = place.AtSite.Bundle;
        place.Vouched = place.AtSite;
    }

    public bool CanHold(int site) => !places[site].IsHeld;

    public bool IsHeld(int site) => places[site].IsHeld;

    public void Hold(int site, bool holds)
    {
        ref var place = ref places[site];
        place.IsHeld = holds;
        if (place.Phase == (holds ? ReportPhase.Progressing : ReportPhase.Held))
            place.Phase = holds ? ReportPhase.Held : ReportPhase.Progressing;
    }

    public bool CanTell(int site) => !places[site].IsAway && places[site] is var place
        && (place.Told is not { } told || (told.Since, told.Phase) != (place.AtSite.Since, place.Phase));

    /// <summary>A site's report reaches its region.</summary>
    public void Tell(int site)
    {
        ref var place = ref places[site];
        place.Told = new(++place.Seq, place.AtSite.Since, place.Runs, place.Phase);
    }

    public bool CanRelay(int site) => places[site].Told is { } told && told.Seq > (places[site].Known?.Seq ?? 0);

    /// <summary>A report reaches the hub, which takes newer ones only.</summary>
    public void Relay(int site, Word? word = null)
    {
        ref var place = ref places[site];
        if (!place.IsAway) place.HeardAt = Now;
        if ((word ?? place.Told) is not { } said || said.Seq <= (place.Known?.Seq ?? 0)) return;
        place.Known = said;
        if (said.Phase == ReportPhase.Healthy) place.LastHealthy = said.Bundle;
    }

    public Word? Told(int site) => places[site].Told;

    public bool IsAway(int site) => places[site].IsAway;

    public bool IsHeard(int site) => Now - places[site].HeardAt <= Offline;

    /// <summary>A site goes away or comes back; the hub hears of it by silence, or by a word.</summary>
    public void Away(int site, bool away) => places[site].IsAway = away;

    /// <summary>So much silence that the hub counts it as offline, without time for the others.</summary>
    public void Silence(int site) => places[site].HeardAt = Now - Offline - Offline;

    public void Hear(int site) => places[site].HeardAt = Now;

    /// <summary>A hub that was killed goes on with what was durable.</summary>
    public void Restart()
    {
        if (rollout is null) return;
        var kept = JsonSerializer.Deserialize<RolloutState>(JsonSerializer.Serialize(rollout))!;
        rollout = kept with { Members = rollout.Members, Waves = kept.Waves.WithComparers(StringComparer.Ordinal) };
    }

    /// <summary>The planner looks; true when it planned.</summary>
    public bool Plan()
    {
        var decision = Planner.Next(Inputs(), Now);
        Status = decision.Status;
        var before = rollout;
        rollout = decision.State;
        if (shape.Break == Broken.ForgetsTheCanary && before is not null && rollout!.Id != before.Id)
            rollout = rollout with { Members = rollout.Members.RemoveRange(before.Members.Keys.Where(site => !IsChanging(site))) };
        if (decision is PlanDecision.NewPlan { Plan: var checkedPlan }) Check(checkedPlan);
        if (decision is not PlanDecision.NewPlan { Plan: var plan }) return false;
        foreach (var line in plan.Changes) places[Index(line.Site)].AtHub = new(line.Since, BundleOf(line.Bundle));
        generation = plan.Generation;
        return true;
    }

    /// <summary>All faults are over, everything is delivered and does well: how it then ends.</summary>
    /// <param name="isNew">Asked after each round for the world that it led to; false: how that one ends is known.</param>
    public void Calm(Func<string, bool> isNew)
    {
        for (var round = 0; round < 60; round++)
        {
            if (round > 0 && !isNew(Key())) return;
            for (var i = 0; i < places.Length; i++)
            {
                Away(i, false);
                if (places[i].IsHeld) Hold(i, false);
                Hear(i);
            }
            var planned = Plan();
            for (var region = 0; region < shape.Regions; region++) Sync(region);
            var moved = false;
            for (var i = 0; i < places.Length; i++)
            {
                if (CanFetch(i)) Fetch(i);
                if (CanApply(i)) Apply(i, fails: false);
                if (CanTell(i)) Tell(i);
                moved |= CanRelay(i);
                Relay(i);
            }
            if (!planned && !moved && Status.Phase is RolloutPhase.Complete or RolloutPhase.Halted) break;
            Now += shape.Policy.SoakTime;
        }
        var failed = places.Any(place => place.Phase == ReportPhase.Reverted && place.AtSite == place.AtHub);
        Require(Status.Phase == RolloutPhase.Complete || (Status.Phase == RolloutPhase.Halted && failed), $"stuck: {Status.Phase}: {Status.Reason}");
        if (Status.Phase == RolloutPhase.Complete)
            Require(Enumerable.Range(0, places.Length).All(i => places[i].AtHub.Bundle == Given(i, newest)),
                "complete, and a site was never given the newest release");
    }

    /// <summary>The same for all worlds that go on in the same way; regions may change places.</summary>
    public string Key()
    {
        Span<ulong> key = stackalloc ulong[shape.Count + 1];
        key[0] = (uint)newest + ((ulong)(uint)Status.Phase << 8) + ((ulong)(uint)rollout!.Release << 16)
            + (rollout.CompletedAt is null ? 0UL : 1UL << 24) + (spares << 32);
        var sites = key[1..];
        for (var i = 0; i < sites.Length; i++) sites[i] = Pack(i);
        // Regions are alike, so their order means nothing; that of the sites of one does, by their waves.
        for (var one = 1; one < shape.Regions; one++)
        {
            for (var at = one; at > 0 && sites.Slice(at * shape.Sites, shape.Sites)
                .SequenceCompareTo(sites.Slice((at - 1) * shape.Sites, shape.Sites)) < 0; at--)
            {
                for (var i = 0; i < shape.Sites; i++)
                {
                    ref var left = ref sites[(at - 1) * shape.Sites + i];
                    ref var right = ref sites[at * shape.Sites + i];
                    (left, right) = (right, left);
                }
            }
        }
        return new string(System.Runtime.InteropServices.MemoryMarshal.Cast<ulong, char>(key));
    }

    /// <summary>Everything about a site that decides how it goes on, in 60 bits. Of numbers that only grow, their order is enough.</summary>
    private ulong Pack(int site)
    {
        ref var place = ref places[site];
        ReadOnlySpan<long> sinces =
            [place.AtHub.Since, place.AtRegion.Since, place.AtSite.Since, place.Told!.Since, place.Known!.Since, place.Vouched.Since];
        var packed = 0UL;
        for (var i = 0; i < sinces.Length; i++)
        {
            var rank = 0UL;
            for (var j = 0; j < sinces.Length; j++)
            {
                if (sinces[j] < sinces[i] && sinces[..j].IndexOf(sinces[j]) < 0) rank++;
            }
            packed = packed << 3 | rank;
        }
        ReadOnlySpan<int> bundles =
            [place.AtHub.Bundle, place.AtRegion.Bundle, place.AtSite.Bundle, place.Runs, place.LastHealthy, place.Known.Bundle];
        foreach (var bundle in bundles) packed = packed << 3 | (ulong)(uint)(bundle & 7);
        packed = packed << 3 | (ulong)(uint)place.Phase;
        packed = packed << 3 | (ulong)(uint)place.Told.Phase;
        packed = packed << 3 | (ulong)(uint)place.Known.Phase;
        var member = rollout!.Members.GetValueOrDefault(new SiteId(Names[site]));
        ReadOnlySpan<bool> flags = [place.IsAway, place.IsHeld, IsHeard(site), place.Told.Seq > place.Known.Seq,
            member is not null, member?.MetAt is not null, member?.WaitingSince is not null];
        foreach (var flag in flags) packed = packed << 1 | (flag ? 1UL : 0);
        return packed;
    }

    private IEnumerable<int> Of(int region) => Enumerable.Range(region * shape.Sites, shape.Sites);

    private static int Index(SiteId site) => int.Parse(site.Value[1..], System.Globalization.CultureInfo.InvariantCulture);

    private static int BundleOf(Digest bundle) => Array.IndexOf(Bundles, bundle);

    private bool IsChanging(SiteId site) => places[Index(site)].AtHub.Bundle != Given(Index(site), newest);

    private TargetRelease Release(long number) => shape.Release(number, spares, () => NewRelease(number));

    private TargetRelease NewRelease(long number)
    {
        var policy = shape.Break == Broken.IgnoresBudget ? shape.Policy with { MaxConcurrent = null } : shape.Policy;
        policy = shape.Break == Broken.InterruptsSites ? policy with { IsEmergency = true } : policy;
        return new(number, PolicySet.Only(policy), Enumerable.Range(0, shape.Count).ToDictionary(i => new SiteId(Names[i]), i =>
            new ReleasedSite(Bundles[Given(i, number)], new RegionId($"r{i / shape.Sites}"))
            {
                Choices = SiteChoices.Of(policy.Name, shape.Break == Broken.IgnoresWaves ? 0 : shape.WaveOf(i) < policy.Waves.Count
                    ? shape.WaveOf(i) : null),
            }));
    }

    private PlannerInputs Inputs() => new(Release(newest), rollout, generation,
        Enumerable.Range(0, shape.Count).ToDictionary(i => new SiteId(Names[i]), i => new CurrentLine(places[i].AtHub.Since, Bundles[places[i].AtHub.Bundle])),
        Enumerable.Range(0, shape.Count).ToDictionary(i => new SiteId(Names[i]), Evidence), Freshness.Default, Start - TimeSpan.FromDays(1))
    {
        Target = rollout is null ? null : Release(rollout.Release),
    };

    private SiteEvidence Evidence(int site)
    {
        var place = places[site];
        var (said, line, heard) = (place.Known!, place.AtHub, place.HeardAt);
        if (shape.Break == Broken.CountsStaleReports && said is { Phase: ReportPhase.Healthy } && said.Since < line.Since)
            said = said with { Since = line.Since, Bundle = line.Bundle };
        var isOpen = said.Since < line.Since || said.Phase == ReportPhase.Progressing;
        if (shape.Break == Broken.TakesSilenceForConsent && isOpen) heard = Now - Offline - Offline;
        if (shape.Break == Broken.OverlooksFailures && said.Phase == ReportPhase.Reverted) heard = Now - Offline - Offline;
        var report = new Report(1, new FleetName("fleet"), new SiteId(Names[site]), 1, said.Seq, default, said.Since, said.Since, null,
            Bundles[said.Bundle], said.Phase == ReportPhase.Healthy ? said.Since : 0, said.Phase, [], [], "test");
        return new(report, heard, Bundles[place.LastHealthy], false);
    }
}

/// <summary>A rule does not hold.</summary>
internal sealed class BrokenPromiseException(string what) : Exception(what);
