using Capillary.Core.Identity;
using Capillary.Core.Protocol;
using Capillary.Core.Reports;
using Capillary.Core.Trust;
using Capillary.Fleet.Rollouts;
using Capillary.HubNode.Observe;
using Capillary.HubNode.Publish;
using Capillary.HubNode.Storage;
using Capillary.Node.Hosting;
using Capillary.Node.Parent;
using Microsoft.Data.Sqlite;
using Microsoft.Extensions.Logging;

namespace Capillary.HubNode.Rollout;

/// <summary>
/// Asks the planner whenever something may have changed and publishes what it plans: at once, but at most one plan a second.
/// Level-triggered: a lost wake-up costs no more than <see cref="LookEvery"/>. What operators say of rollouts comes in between two looks.
/// </summary>
internal sealed partial class RolloutLoop(Publisher publisher, ReleaseBook releases, RolloutBook book, SiteBook sites,
    DesiredStateCell cell, HubConditions conditions, SiteLife life, RestoreCheck restore, GateHosts hosts, ManifestReader manifests,
    HubDatabase database, Freshness freshness, TimeProvider time, ILogger<RolloutLoop> log)
{
    private static readonly TimeSpan LookEvery = TimeSpan.FromSeconds(5);
    private static readonly TimeSpan BetweenPlans = TimeSpan.FromSeconds(1);

    // Thousands of reports a second must not mean thousands of looks at the whole fleet.
    private static readonly TimeSpan BetweenLooks = TimeSpan.FromMilliseconds(50);

    private readonly Lock gate = new();
    private readonly WakeSignal wake = new(atOnce: false);
    private readonly DateTimeOffset listeningSince = time.GetUtcNow();
    private volatile RolloutStatus status = new(0, RolloutPhase.Idle, "no release yet", [], []);

    /// <summary>How far the newest release is.</summary>
    public RolloutStatus Status => status;

    /// <summary>Something may have changed.</summary>
    public void Wake() => wake.Wake();

    public async Task RunAsync(CancellationToken stop)
    {
        while (true)
        {
            var published = Step();
            await Task.Delay(published ? BetweenPlans : BetweenLooks, time, stop);
            // The next wave may be open already, when nobody of this one can be heard.
            if (published) continue;
            using var timer = time.CreateTimer(_ => Wake(), null, LookEvery, Timeout.InfiniteTimeSpan);
            await wake.WaitAsync(stop);
        }
    }

    /// <summary>Plans once and publishes what was planned; true when there is more to do at once.</summary>
    public bool Step()
    {
        lock (gate) return Try(StepInTurn);
    }

    private bool Try(Func<bool> act)
    {
        try
        {
            return act();
        }
        catch (Exception e) when (e is IOException or SqliteException or UnauthorizedAccessException)
        {
            return Fail($"{e.Message}; make space on the hub's disk");
        }
        catch (InvalidDataException e)
        {
            return Fail($"{e.Message}; restore the hub's database, or: capillary rollout start");
        }
    }

    private bool StepInTurn()
    {
        var release = releases.Newest;
        // Before the regions told what they hold, nothing can come of a look at the whole fleet.
        if (!restore.Settled.IsCompleted && restore.Paused is { } waits)
        {
            status = new RolloutStatus(book.Newest?.Release ?? 0, RolloutPhase.Paused, $"paused: {waits}", [], []);
            return false;
        }
        var decision = Planner.Next(Inputs(release), time.GetUtcNow());
        if (restore.Paused is { } why)
        {
            status = decision.Status with { Phase = RolloutPhase.Paused, Reason = $"paused: {why}" };
            return false;
        }
        return Carry(decision);
    }

    /// <summary>Makes a decision real: what is remembered is durable together with the plan that goes with it.</summary>
    private bool Carry(PlanDecision decision)
    {
        status = decision.Status;
        hosts.Ask(status);
        if (decision is PlanDecision.NewPlan { Plan: var plan }) return Publish(plan, decision.State);
        if (decision.State is not { } state) return Settle(false);
        book.Keep(state);
        if (((PlanDecision.Wait)decision).RollsBackTo is not { } older) return Settle(false);
        BackInTurn(older, "policy", "too many sites failed");
        return Settle(true);
    }

    private bool Publish(Plan plan, RolloutState? state)
    {
        var outcome = publisher.Publish(plan, book.Older(plan.Release).Commit.Id, db =>
        {
            if (state is not null) book.Put(db, state);
        });
        switch (outcome)
        {
            case PublishOutcome.Published:
                if (state is not null) book.Kept(state);
                LogPublished(plan.Generation, plan.Release, plan.Changes.Count);
                return Settle(true);
            case PublishOutcome.BundleMissing missing:
                return Fail($"bundle {missing.Bundle} of release {plan.Release} is not whole in the hub's blob store");
            default: return true;
        }
    }

    private PlannerInputs Inputs(Release? release)
    {
        var state = cell.Value;
        var lines = new Projected<SiteId, OfferedLine, CurrentLine>(state.Lines, (_, line) =>
            new(line.Assignment.Since, line.Assignment.Bundle));
        var evidence = new Projected<SiteId, SiteSeen, SiteEvidence>(sites.Seen, (site, seen) => new(seen.Report, seen.HeardAt,
            seen.LastHealthy, IsRevoked(state.Records.GetValueOrDefault(new NodeName(site.Value))?.Record)));
        return new(release?.Target, book.Newest, publisher.Generation, lines, evidence, freshness, listeningSince)
        {
            Target = book.Target?.Target,
            ChangedApps = manifests.Between,
            Answers = hosts.Answers,
            Wishes = life.ForPlanner(),
            // After a restore a site may have been well on a bundle that this hub no longer has, and could give to nobody.
            CanOffer = publisher.Has,
        };
    }

    /// <summary>What a resume would do now; null: there is nothing to go on from, for no release is known yet.</summary>
    /// <param name="highest">The highest generation that a region proved.</param>
    public Plan? ResumePlan(long highest)
    {
        if (releases.Newest is not { } release) return null;
        var state = cell.Value;
        var regions = state.Records.Values.Where(item => item.Record.Kind == NodeKind.Site)
            .ToDictionary(item => new SiteId(item.Record.Node.Value), item => item.Record.Region!.Value);
        foreach (var (site, line) in state.Lines) regions.TryAdd(site, line.Region);
        return Planner.Anew(Inputs(release), regions, highest);
    }

    /// <summary>A hub that came back from a backup goes on after every generation that was ever signed; null when it does, else why
    /// not.</summary>
    /// <exception cref="IOException">The disk is full or broken; nothing changed.</exception>
    public string? Resume(string actor)
    {
        var before = publisher.Generation;
        if (restore.Ahead is not { Count: > 0 } ahead) return "nothing is to be resumed: no region holds what this hub does not know";
        if (ResumePlan(ahead.Max(one =>
            one.Generation)) is not { } plan) return "no commit has compiled yet: wait for one, see: capillary status";
        switch (publisher.Publish(plan, releases.Newest!.Commit.Id, _ => { }))
        {
            case PublishOutcome.Published: break;
            case PublishOutcome.BundleMissing missing: return $"bundle {missing.Bundle} is not whole in the hub's blobs: restore blobs/ "
                + $"too";
            default: return "another plan was published meanwhile; try again";
        }
        restore.Resumed(plan.Generation, actor, before);
        return null;
    }

    private static bool IsRevoked(NodeRecord? record) => record?.State == RecordState.Revoked;

    private bool Settle(bool published)
    {
        conditions.Clear(HubConditions.PlanNotPublished);
        return published;
    }

    private bool Fail(string problem)
    {
        if (conditions.Raise(HubConditions.PlanNotPublished, $"the plan cannot be published: {problem}; the last plan stays in force"))
            LogNotPublished(problem);
        return false;
    }

    [LoggerMessage(EventId = 2211, Level = LogLevel.Information,
        Message = "generation {Generation}: release {Release}, {Changes} lines changed")]
    private partial void LogPublished(long generation, long release, int changes);

    [LoggerMessage(EventId = 2212, Level = LogLevel.Error, Message = "the plan cannot be published: {Problem}")]
    private partial void LogNotPublished(string problem);
}
