using System.Net.NetworkInformation;
using Capillary.Core.Protocol;
using Capillary.Node.Links;

namespace Capillary.Node.Child;

/// <summary>
/// Learns from the kernel that this machine's network changed (a cable, an address, a route), so that a child need not wait for its
/// back-off or for 45 s of silence. An event proves nothing: a live connection is asked, and only one that does not answer is given up.
/// </summary>
internal sealed class LinkWatch(TimeProvider time)
{
    private static readonly TimeSpan AnswerWithin = TimeSpan.FromSeconds(3);

    // One cable makes many events, and an address comes a moment after its link.
    private static readonly TimeSpan Settle = TimeSpan.FromMilliseconds(200);
    private volatile TaskCompletionSource changed = NewSignal();
    private volatile bool gaveUp;

    /// <summary>Listens until it is disposed.</summary>
    public IDisposable Begin()
    {
        NetworkAddressChangedEventHandler addresses = (_, _) => Signal();
        NetworkAvailabilityChangedEventHandler availability = (_, _) => Signal();
        NetworkChange.NetworkAddressChanged += addresses;
        NetworkChange.NetworkAvailabilityChanged += availability;
        return new Listening(() =>
        {
            NetworkChange.NetworkAddressChanged -= addresses;
            NetworkChange.NetworkAvailabilityChanged -= availability;
        });
    }

    /// <summary>Waits so long, or until the network changed; true for the latter.</summary>
    public async Task<bool> WaitAsync(TimeSpan wait, CancellationToken stop)
    {
        var signal = changed.Task;
        // The change that ended a try or a session must not be followed by a wait for the next one.
        if (gaveUp)
        {
            gaveUp = false;
            return true;
        }
        using var either = CancellationTokenSource.CreateLinkedTokenSource(stop);
        var woken = await Task.WhenAny(signal, Task.Delay(wait, time, either.Token)) == signal;
        await either.CancelAsync();
        stop.ThrowIfCancellationRequested();
        if (woken) await Task.Delay(Settle, time, stop);
        return woken;
    }

    /// <summary>While a try or a session goes on: ends it when the network changed and the parent does not answer on it any more.</summary>
    /// <param name="live">The live connection; null while it is being made.</param>
    /// <param name="ended">Cancelled to end it; returns when it is.</param>
    public async Task GuardAsync(Func<LinkConnection?> live, CancellationTokenSource ended)
    {
        try
        {
            while (true)
            {
                await changed.Task.WaitAsync(ended.Token);
                await Task.Delay(Settle, time, ended.Token);
                if (live() is { } connection && await AnswersAsync(connection, ended.Token)) continue;
                gaveUp = true;
                await ended.CancelAsync();
                return;
            }
        }
        catch (OperationCanceledException)
        {
            // It ended by itself.
        }
    }

    private async Task<bool> AnswersAsync(LinkConnection connection, CancellationToken stop)
    {
        using var limit = new CancellationTokenSource(AnswerWithin, time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(limit.Token, stop);
        try
        {
            await connection.AskFleetAsync(either.Token);
            return true;
        }
        catch (Exception e) when (e is HttpRequestException or ProtocolException or IOException)
        {
            return false;
        }
        catch (OperationCanceledException) when (!stop.IsCancellationRequested)
        {
            return false;
        }
    }

    private void Signal() => Interlocked.Exchange(ref changed, NewSignal()).TrySetResult();

    private static TaskCompletionSource NewSignal() => new(TaskCreationOptions.RunContinuationsAsynchronously);

    private sealed class Listening(Action end) : IDisposable
    {
        public void Dispose() => end();
    }
}
