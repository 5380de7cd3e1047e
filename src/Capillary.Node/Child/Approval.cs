using Capillary.Core.Identity;

namespace Capillary.Node.Child;

/// <summary>
/// Joining where the fleet wants an operator's word first: asks again until it is given, with the same key in the same folder.
/// </summary>
public static class Approval
{
    private static readonly TimeSpan Between = TimeSpan.FromSeconds(5);

    /// <summary>Asks until the answer is final.</summary>
    /// <param name="ask">One request; may be made any number of times.</param>
    /// <param name="kind">What joins.</param>
    /// <param name="say">Told once what is waited for.</param>
    /// <param name="time">The clock.</param>
    /// <param name="stop">Ends the wait; joining again goes on.</param>
    public static async Task<JoinOutcome> WaitAsync(Func<CancellationToken, Task<JoinOutcome>> ask, NodeKind kind, Action<string> say,
        TimeProvider time, CancellationToken stop)
    {
        var answer = await ask(stop);
        if (answer is not JoinOutcome.Waiting waiting) return answer;
        say($"waiting for approval: an operator runs: capillary {kind.ToString().ToLowerInvariant()} approve {waiting.Node}");
        say("(Ctrl-C ends the wait; the same join command goes on with it)");
        while (answer is JoinOutcome.Waiting)
        {
            await Task.Delay(Between, time, stop);
            answer = await ask(stop);
        }
        return answer is JoinOutcome.Failed failed
            ? new JoinOutcome.Failed($"{failed.Reason}. The same join command goes on with the wait")
            : answer;
    }
}
