using System.Collections.Concurrent;
using System.Collections.Immutable;
using Capillary.Core.Apply;

namespace Capillary.EdgeAgent.Apply;

/// <summary>How the interlock stands after a question, all of it durable.</summary>
/// <param name="Refusal">Why what was asked is not done; null: it is.</param>
/// <param name="Ended">There was a hold of that name, and it is over.</param>
/// <param name="Applying">An attempt is under way.</param>
/// <param name="Waiting">A newer assignment is here and waits for the holds.</param>
/// <param name="Holds">Those that stand.</param>
/// <param name="Now">When that is so, by the clock that ages holds.</param>
internal sealed record HoldsTold(string? Refusal, bool Ended, bool Applying, bool Waiting, ImmutableArray<Hold> Holds, DateTimeOffset Now);

/// <content>Questions of workloads go through the loop as all that happens, and are answered once the loop's state is durable.</content>
internal sealed partial class SiteApply
{
    // One of equal content is still another question.
    private readonly ConcurrentDictionary<ApplyEvent, TaskCompletionSource<HoldsTold>> questions = new(ReferenceEqualityComparer.Instance);
    private readonly TaskCompletionSource begun = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private ApplyState kept = ApplyState.Initial;

    /// <summary>Completes when the state folder is this process's and its state is read: no other agent runs here.</summary>
    public Task Begun => begun.Task;

    /// <summary>The holds as they stand; safe from any thread.</summary>
    public HoldsTold Holds => Told(null, false, Volatile.Read(ref kept));

    /// <summary>Has a hold begin; answers when that is durable, or refused. From any thread.</summary>
    public Task<HoldsTold> HoldAsync(ApplyEvent.Held asked, CancellationToken stop) => AskAsync(asked, stop);

    /// <summary>Ends a hold; answers when that is durable.</summary>
    public Task<HoldsTold> UnholdAsync(ApplyEvent.Unheld asked, CancellationToken stop) => AskAsync(asked, stop);

    private async Task<HoldsTold> AskAsync(ApplyEvent asked, CancellationToken stop)
    {
        var answer = new TaskCompletionSource<HoldsTold>(TaskCreationOptions.RunContinuationsAsynchronously);
        questions[asked] = answer;
        try
        {
            await events.Writer.WriteAsync(asked, stop);
            return await answer.Task.WaitAsync(stop);
        }
        finally
        {
            questions.TryRemove(asked, out _);
        }
    }

    private HoldsTold Told(string? refusal, bool ended, ApplyState state) =>
        new(refusal, ended, state.IsUnderWay, state.IsHeldBack, state.Holds, Now);

    private sealed partial class ApplyLoop
    {
        private (ApplyEvent Asked, string? Refusal, bool Ended)? question;

        /// <summary>What its answer will need, before it is decided.</summary>
        private void Hear(ApplyEvent happened) => question = happened switch
        {
            ApplyEvent.Held e => (e, Hold.Refusal(state.Holds, e), false),
            ApplyEvent.Unheld e => (e, null, state.Holds.Any(hold => hold.Name == e.Name)),
            _ => null,
        };

        /// <summary>The state is durable: whoever asked may know.</summary>
        private void Answer(ApplyState before)
        {
            Volatile.Write(ref site.kept, state);
            if (question is { } heard)
            {
                if (site.questions.TryGetValue(heard.Asked, out var answer))
                    answer.TrySetResult(site.Told(heard.Refusal, heard.Ended, state));
            }
            else if (before.Holds != state.Holds)
            {
                foreach (var hold in before.Holds.Where(hold => state.Holds.All(left => left.Name != hold.Name)))
                    ApplyLog.Overridden(site.log, hold.ToString());
            }
            question = null;
        }
    }
}
