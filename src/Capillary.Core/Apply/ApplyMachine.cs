namespace Capillary.Core.Apply;

/// <summary>
/// Decides everything about apply at one site: (state, event, now) -> (state, actions). It does nothing itself, so the fleet simulator
/// drives it with a fake host. The one law for who drives it: when a decision says Persist, its state is durable before its first action
/// begins. Then a crash anywhere resumes: the plan is made again from what is owned, and every step can be done twice.
/// </summary>
public static class ApplyMachine
{
    /// <summary>How long <see cref="ConditionCodes.DriftRepaired"/> is shown.</summary>
    public static readonly TimeSpan DriftShown = TimeSpan.FromMinutes(10);

    /// <summary>First and longest wait after a failed step or fetch.</summary>
    public static readonly TimeSpan FirstRetry = TimeSpan.FromSeconds(1);

    /// <inheritdoc cref="FirstRetry"/>
    public static readonly TimeSpan LongestRetry = TimeSpan.FromSeconds(60);

    /// <summary>How often a step that may succeed next time is tried before the attempt has failed.</summary>
    public const int MaxTries = 3;

    /// <summary>The most conditions kept; the oldest repaired drift goes first.</summary>
    public const int MaxConditions = 64;

    /// <param name="state">As it was.</param>
    /// <param name="happened">One event.</param>
    /// <param name="now">By a clock that never goes back within one process.</param>
    public static ApplyDecision Next(ApplyState state, ApplyEvent happened, DateTimeOffset now)
    {
        var turn = new ApplyTurn(state, now);
        turn.Handle(happened);
        return turn.Decision;
    }
}
