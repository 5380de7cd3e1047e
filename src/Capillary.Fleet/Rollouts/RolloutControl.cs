using Capillary.Fleet.Documents;
using Capillary.Fleet.Inventory;

namespace Capillary.Fleet.Rollouts;

/// <summary>What an operator's word does to a rollout.</summary>
public abstract record ControlOutcome
{
    private ControlOutcome() { }

    /// <summary>Remember this.</summary>
    public sealed record Done(RolloutState State, string Text) : ControlOutcome;

    /// <summary>Nothing changes.</summary>
    public sealed record Refused(string Reason, string? Hint) : ControlOutcome;
}

/// <summary>Pause, resume, approve, abort: (state, word) -> state, or why not.</summary>
public static class RolloutControl
{
    public static ControlOutcome Pause(RolloutState? state, string by, string reason, DateTimeOffset now) => Live(state) is { } not ? not
        : state!.Paused is { } pause ? new ControlOutcome.Refused($"rollout {state.Id} is paused already, by {pause.By}", null)
        : new ControlOutcome.Done(state with { Paused = new(by, now, reason) },
            $"rollout {state.Id} is paused: sites that have their lines finish, no other starts");

    public static ControlOutcome Resume(RolloutState? state) => Live(state) is { } not ? not
        : state!.Paused is null ? new ControlOutcome.Refused($"rollout {state.Id} is not paused", "see: capillary rollout show")
        : new ControlOutcome.Done(state with { Paused = null }, $"rollout {state.Id} goes on");

    public static ControlOutcome Abort(RolloutState? state, string by, string reason, DateTimeOffset now) => Live(state) is { } not ? not
        : new ControlOutcome.Done(state! with { Aborted = new(by, now, reason), Paused = null },
            $"rollout {state!.Id} is aborted: sites that have their lines keep them; to take them back: capillary rollout rollback");

    /// <summary>An operator with a role says yes to one wave.</summary>
    /// <param name="state">The newest rollout.</param>
    /// <param name="policies">Of its release.</param>
    /// <param name="wave">A wave's name, or policy/wave; null: the one that waits for a yes.</param>
    /// <param name="by">The operator.</param>
    /// <param name="role">The operator's role; <c>admin</c> stands for each role.</param>
    /// <param name="now">The time.</param>
    public static ControlOutcome Approve(RolloutState? state, PolicySet policies, string? wave, string by, string role, DateTimeOffset now)
    {
        if (Live(state) is { } not) return not;
        var gates = state!.Members.Values.Select(member => member.Policy).Distinct().Order(StringComparer.Ordinal)
            .SelectMany(policy => policies.Of(policy).Waves.Where(one => one.Approval is not null)
                .Select(one => (Key: RolloutState.KeyOf(policy, one.Name), one.Name, Gate: one.Approval!)))
            .Where(one => state.MemoryOf(one.Key).OpenedAt is not null && Missing(state, one.Key, one.Gate.Roles).Count > 0).ToList();
        var found = wave is null ? gates : gates.FindAll(one => one.Name == wave || one.Key == wave);
        if (found.Count == 0)
            return new ControlOutcome.Refused(wave is null ? $"no wave of rollout {state.Id} waits for a yes" :
                $"wave '{wave}' of rollout {state.Id} does not wait for a yes", "see: capillary rollout show");
        if (found.Count > 1)
            return new ControlOutcome.Refused("more than one wave waits for a yes",
                $"name one: {string.Join(", ", found.Select(one => one.Key))}");
        var (key, _, gate) = found[0];
        var memory = state.MemoryOf(key);
        // Two roles are two people.
        if (memory.Approvals.Any(yes => yes.Operator == by))
            return new ControlOutcome.Refused($"'{by}' has said yes to wave {key} already", "the other role needs another operator");
        var missing = Missing(state, key, gate.Roles);
        if (missing.Find(one => one == role || role == ApprovalGate.AnyRole) is not { } given)
            return new ControlOutcome.Refused($"wave {key} needs {string.Join(" and ", missing)}; '{by}' is {role}", null);
        var next = memory with { Approvals = memory.Approvals.Add(new(by, given, now)) };
        var approved = state with { Waves = state.Waves.SetItem(key, next) };
        var left = Missing(approved, key, gate.Roles);
        var rest = left.Count > 0 ? $"; it still needs {string.Join(" and ", left)}" : "";
        return new ControlOutcome.Done(approved, $"wave {key} is approved as {given}{rest}");
    }

    /// <summary>Roles of which nobody has said yes to the wave.</summary>
    internal static List<string> Missing(RolloutState state, string key, IReadOnlyList<string> roles) =>
        [.. roles.Where(role => !state.MemoryOf(key).Approvals.Any(yes => yes.Role == role))];

    private static ControlOutcome.Refused? Live(RolloutState? state) => state switch
    {
        null => new("there is no rollout yet", "see: capillary rollout list"),
        { Aborted: not null } => new($"rollout {state.Id} is aborted", "begin another one: capillary rollout start"),
        _ => null,
    };
}
