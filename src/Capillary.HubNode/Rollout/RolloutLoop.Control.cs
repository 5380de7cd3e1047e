using Capillary.Fleet.Inventory;
using Capillary.Fleet.Rollouts;
using Capillary.HubNode.Storage;

namespace Capillary.HubNode.Rollout;

internal sealed partial class RolloutLoop
{
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
    /// <param name="order">Whose word it is, and what of the policies it passes over.</param>
    /// <param name="preview">Id of the preview that was seen: refused when what would run differs. Null: whatever it is.</param>
    /// <inheritdoc cref="Pause"/>
    public ControlOutcome Start(StartOrder order, string? preview = null)
    {
        lock (gate)
        {
            if (preview is not null && !RolloutPreview.IsId(preview))
                return new ControlOutcome.Refused($"'{preview}' is no id of a preview", "see ahead first: capillary fleet preview");
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
            var state = Planner.Start(Inputs(release), order, time.GetUtcNow());
            if (preview is not null && RolloutPreview.Difference(preview, RolloutPreview.IdOf(state, release.Target)) is { } other)
                return new ControlOutcome.Refused($"release {release.Number} is not what was previewed: {other}",
                    "look again: capillary fleet preview");
            Become(state, "rollout.start", order.By, new { policy = order.Policy, emergency = order.IsEmergency });
            var overtook = state.Overtook is { } did ? $"; it {did}" : "";
            return new ControlOutcome.Done(state,
                $"rollout {state.Id} of release {release.Number} is under way: {state.Members.Count} sites{overtook}");
        }
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
        var state = Planner.Back(Inputs(releases.Newest), older.Target, actor, time.GetUtcNow());
        Become(state, "rollout.rollback", actor, new { reason });
        return new ControlOutcome.Done(state, $"rollout {state.Id} takes {state.Members.Count} sites back to release {release}");
    }

    private ControlOutcome Control(string action, string actor, string? detail, Func<RolloutState?, ControlOutcome> act)
    {
        lock (gate)
        {
            var outcome = act(book.Newest);
            if (outcome is ControlOutcome.Done done) Become(done.State, action, actor, new { detail });
            return outcome;
        }
    }

    /// <summary>
    /// Durable, in the journal, and shown at once: who waits for what follows must not see the state before. The loop plans next.
    /// </summary>
    private void Become(RolloutState state, string action, string actor, object detail)
    {
        var before = book.Newest;
        database.Write(db =>
        {
            book.Put(db, state);
            JournalTable.Append(db, time.GetUtcNow(), actor, action,
                before is null ? null : new { rollout = before.Id, release = before.Release },
                new { rollout = state.Id, release = state.Release, detail });
        });
        book.Kept(state);
        if (restore.Paused is null) status = Planner.Next(Inputs(releases.Newest), time.GetUtcNow()).Status;
        Wake();
    }

    private static string Name(RolloutPhase phase) => phase.ToString().ToLowerInvariant();
}
