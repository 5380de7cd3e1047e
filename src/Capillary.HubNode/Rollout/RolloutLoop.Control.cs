using Capillary.Fleet.Inventory;
using Capillary.Fleet.Rollouts;
using Capillary.HubNode.Storage;

namespace Capillary.HubNode.Rollout;

internal sealed partial class RolloutLoop
{
    private const int StartTries = 5;

    /// <summary>Keeps a rollout from starting further sites.</summary>
    /// <exception cref="Microsoft.Data.Sqlite.SqliteException">The disk is full; nothing changed.</exception>
    public ControlOutcome Pause(string actor, string reason) =>
        Control("rollout.pause", actor, reason, state => RolloutControl.Pause(state, actor, reason, time.GetUtcNow()));

    /// <inheritdoc cref="Pause"/>
    public ControlOutcome Continue(string actor) => Control("rollout.resume", actor, null, RolloutControl.Resume);

    /// <inheritdoc cref="Pause"/>
    public ControlOutcome Abort(string actor, string reason) =>
        Control("rollout.abort", actor, reason, state => RolloutControl.Abort(state, actor, reason, time.GetUtcNow()));

    /// <inheritdoc cref="Pause"/>
    public ControlOutcome Approve(string actor, string role, string? wave) => Control("rollout.approve", actor, wave, state =>
    {
        var policies = (book.Target ?? releases.Newest)?.Policies ?? PolicySet.None;
        return RolloutControl.Approve(state, policies, wave, actor, role, time.GetUtcNow());
    });

    /// <summary>Begins a rollout of the newest release.</summary>
    /// <inheritdoc cref="Pause"/>
    public ControlOutcome Start(StartOrder order)
    {
        lock (gate)
        {
            if (restore.Paused is { } why) return new ControlOutcome.Refused($"the hub signs nothing now: {why}", null);
            if (releases.Newest is not { } release)
                return new ControlOutcome.Refused("no commit has compiled yet", "see: capillary status");
            if (order.Policy is { } policy && !release.Policies.All.ContainsKey(policy))
                return new ControlOutcome.Refused($"release {release.Number} has no rollout policy '{policy}'",
                    $"it has: {string.Join(", ", release.Policies.All.Keys.Order(StringComparer.Ordinal))}");
            if (book.Newest is { Kind: RolloutKind.Forward, Aborted: null } running && running.Release == release.Number
                && order is { Policy: null, IsEmergency: false })
                return new ControlOutcome.Refused($"rollout {running.Id} of release {release.Number} is {Name(status.Phase)} already",
                    "see: capillary rollout show");
            return StartInTurn(order, release);
        }
    }

    private ControlOutcome StartInTurn(StartOrder order, Release release)
    {
        for (var i = 0; i < StartTries; i++)
        {
            var before = book.Newest;
            var decision = Planner.Start(Inputs(release), order, time.GetUtcNow());
            void Note(Microsoft.Data.Sqlite.SqliteConnection db) => JournalTable.Append(db, time.GetUtcNow(), order.By, "rollout.start",
                before is null ? null : new { rollout = before.Id, release = before.Release },
                new { rollout = decision.State!.Id, release = release.Number, policy = order.Policy, emergency = order.IsEmergency });
            if (decision is PlanDecision.Wait)
            {
                database.Write(db =>
                {
                    book.Put(db, decision.State!);
                    Note(db);
                });
                book.Kept(decision.State!);
            }
            // Another generation may come in between, for a record or a key: then it is planned anew.
            else if (!Carry(decision, Note))
            {
                return new ControlOutcome.Refused("the plan cannot be published", "see: capillary status");
            }
            if (book.Newest?.Id == decision.State!.Id)
            {
                Wake();
                return new ControlOutcome.Done(decision.State, $"rollout {decision.State.Id} of release {release.Number} is under way: "
                    + $"{decision.State.Members.Count} sites{(decision.State.Overtook is { } did ? $"; it {did}" : "")}");
            }
        }
        return new ControlOutcome.Refused("other plans came in between each time", "try again");
    }

    /// <summary>Takes the newest rollout back to an older release.</summary>
    /// <param name="release">Its number; null: the one before, that was reached.</param>
    /// <param name="actor">Who wants it.</param>
    /// <param name="reason">Why.</param>
    /// <inheritdoc cref="Pause"/>
    public ControlOutcome Back(long? release, string actor, string reason)
    {
        lock (gate)
        {
            if (restore.Paused is { } why) return new ControlOutcome.Refused($"the hub signs nothing now: {why}", null);
            if (book.Newest is not { } running) return new ControlOutcome.Refused("there is no rollout yet", "see: capillary rollout list");
            var target = release ?? running.Base;
            if (target == 0) return new ControlOutcome.Refused($"no release was reached before release {running.Release}",
                "name one: capillary rollout rollback --to RELEASE, see: capillary release list");
            if (target >= running.Release && running.Kind == RolloutKind.Forward)
                return new ControlOutcome.Refused($"release {target} is not older than release {running.Release}",
                    "see: capillary release list");
            try
            {
                return BackInTurn(target, actor, reason);
            }
            catch (InvalidDataException)
            {
                return new ControlOutcome.Refused($"there is no release {target}", "see: capillary release list");
            }
        }
    }

    private ControlOutcome.Done BackInTurn(long release, string actor, string reason)
    {
        var older = book.Older(release);
        var before = book.Newest!;
        var state = Planner.Back(Inputs(releases.Newest), older.Target, actor, time.GetUtcNow());
        database.Write(db =>
        {
            book.Put(db, state);
            JournalTable.Append(db, time.GetUtcNow(), actor, "rollout.rollback", new { rollout = before.Id, release = before.Release },
                new { rollout = state.Id, release, reason });
        });
        book.Kept(state);
        Wake();
        return new ControlOutcome.Done(state, $"rollout {state.Id} takes {state.Members.Count} sites back to release {release}");
    }

    private ControlOutcome Control(string action, string actor, string? detail, Func<RolloutState?, ControlOutcome> act)
    {
        lock (gate)
        {
            var outcome = act(book.Newest);
            if (outcome is not ControlOutcome.Done done) return outcome;
            database.Write(db =>
            {
                book.Put(db, done.State);
                JournalTable.Append(db, time.GetUtcNow(), actor, action, null,
                    new { rollout = done.State.Id, release = done.State.Release, detail });
            });
            book.Kept(done.State);
            Wake();
            return outcome;
        }
    }

    private static string Name(RolloutPhase phase) => phase.ToString().ToLowerInvariant();
}
