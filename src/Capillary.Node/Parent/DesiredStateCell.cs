using Capillary.Core.Protocol;

namespace Capillary.Node.Parent;

/// <summary>Holds the newest <see cref="DesiredState"/> and wakes those who wait for another one.</summary>
public sealed class DesiredStateCell(DesiredState first)
{
    private readonly Lock gate = new();
    private TaskCompletionSource changed = NewSignal();
    private volatile DesiredState value = first;

    public DesiredState Value => value;

    /// <summary>Replaces the value by a function of it, and wakes every waiter.</summary>
    public DesiredState Update(Func<DesiredState, DesiredState> change)
    {
        TaskCompletionSource signal;
        DesiredState next;
        lock (gate)
        {
            next = change(value);
            if (next == value) return next;
            value = next;
            (signal, changed) = (changed, NewSignal());
        }
        signal.SetResult();
        return next;
    }

    /// <summary>Returns when the value is another than <paramref name="seen"/>.</summary>
    public async Task<DesiredState> WaitForOtherThanAsync(DesiredState seen, CancellationToken stop)
    {
        while (true)
        {
            Task wait;
            lock (gate)
            {
                if (!ReferenceEquals(value, seen)) return value;
                wait = changed.Task;
            }
            await wait.WaitAsync(stop);
        }
    }

    private static TaskCompletionSource NewSignal() => new(TaskCreationOptions.RunContinuationsAsynchronously);
}
