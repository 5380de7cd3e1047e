using Capillary.Core.Apply;
using Capillary.Core.Bundles;
using Microsoft.Extensions.Logging;

namespace Capillary.EdgeAgent.Apply;

/// <summary>Long work of a target: one thing after another, off the loop. What came of it comes back as an event.</summary>
internal sealed class OffLoop(ApplyPort port, ILogger log)
{
    private Task last = Task.CompletedTask;

    /// <summary>Nothing is under way.</summary>
    public bool IsIdle => last.IsCompleted;

    /// <summary>What is under way, and what waits for it, has ended.</summary>
    public Task EndAsync() => last;

    /// <param name="act">Gives its answer; null: nobody waits for one.</param>
    /// <param name="failed">What is told when it could not be done; null: nothing.</param>
    public void Run(Func<Task<ApplyEvent?>> act, Func<StepException, ApplyEvent?> failed) => last = last.ContinueWith(
        _ => GuardedAsync(act, failed), CancellationToken.None, TaskContinuationOptions.None, TaskScheduler.Default).Unwrap();

    private async Task GuardedAsync(Func<Task<ApplyEvent?>> act, Func<StepException, ApplyEvent?> failed)
    {
        ApplyEvent? answer;
        try
        {
            answer = await act();
        }
        catch (OperationCanceledException) when (port.Stop.IsCancellationRequested)
        {
            return; // the next process does it again
        }
        catch (Exception e)
        {
            if (e is not (StepException or BundleFormatException or IOException or UnauthorizedAccessException
                or OperationCanceledException)) ApplyLog.Bug(log, e);
            answer = failed(e switch
            {
                StepException known => known,
                BundleFormatException => new StepException(ConditionCodes.BundleInvalid, "", e.Message, true),
                OperationCanceledException => new StepException(ConditionCodes.ApplyFailed, "", "something newer is to be applied", false),
                _ => new StepException(ConditionCodes.ApplyFailed, "", e.Message, false),
            });
        }
        if (answer is not null) port.Send(answer);
    }
}
