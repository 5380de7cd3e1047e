using System.Threading.Channels;
using Capillary.Core.Apply;
using Capillary.Core.Bundles;
using Capillary.Node.Journal;
using Microsoft.Extensions.Logging;

namespace Capillary.EdgeAgent.Apply;

/// <summary>What came of bringing a bundle's blobs here.</summary>
internal abstract record FetchOutcome
{
    private FetchOutcome() { }

    /// <summary>Manifest, layers and artifacts are here, checked, and stay.</summary>
    public sealed record Ready : FetchOutcome;

    /// <summary>Not now; asked again with back-off.</summary>
    /// <param name="Reason">Why not.</param>
    /// <param name="Wait">The site's own quiet hours keep it away, and nothing is wrong.</param>
    public sealed record Missing(string Reason, bool Wait = false) : FetchOutcome;
}

/// <summary>
/// Makes this site what it was assigned to be. Drives <see cref="ApplyMachine"/>: one loop takes events one by one, makes the state
/// durable, then has the target act. What runs goes on when it ends, and is found again when it begins.
/// </summary>
internal sealed partial class SiteApply
{
    private readonly string folder;
    private readonly TimeSpan beat;
    private readonly IApplyTarget target;
    private readonly Func<Digest, CancellationToken, Task<FetchOutcome>> fetch;
    private readonly TimeProvider time;
    private readonly ILogger log;
    private readonly DurableFile<ApplyState> journal;
    private readonly long startTicks;
    private readonly DateTimeOffset startTime;

    /// <summary>
    /// At most: a beat, an assignment, a few words of the target, one answer each of fetch, load, step and drift, and what a few workloads
    /// ask at once.
    /// </summary>
    private readonly Channel<ApplyEvent> events = Channel.CreateBounded<ApplyEvent>(256);
    private DesiredBundle? assigned;
    private int assigning;
    private int beating;
    private ApplyStatus status = ApplyStatus.Of(ApplyState.Initial);

    /// <param name="folder">Absolute folder for durable state, 0700, made when missing.</param>
    /// <param name="target">Carries out what is decided.</param>
    /// <param name="beat">How often the target looks around.</param>
    /// <param name="fetch">Brings all blobs of a bundle here; may take long, and is cancelled by a newer assignment.</param>
    /// <param name="time">The clock.</param>
    /// <param name="log">Events 4000–4099.</param>
    public SiteApply(string folder, IApplyTarget target, TimeSpan beat, Func<Digest, CancellationToken, Task<FetchOutcome>> fetch,
        TimeProvider time, ILogger log)
    {
        (this.folder, this.target, this.beat, this.fetch, this.time, this.log) = (folder, target, beat, fetch, time, log);
        (startTicks, startTime) = (time.GetTimestamp(), time.GetUtcNow());
        journal = new DurableFile<ApplyState>($"{folder}/apply.json", ApplyJson.Default.ApplyState);
    }

    /// <summary>Raised after <see cref="Status"/> changed, on the loop: do not block.</summary>
    public event Action? Changed;

    /// <summary>What holds now; safe from any thread.</summary>
    public ApplyStatus Status => Volatile.Read(ref status);

    /// <summary>The newest assignment. May be called again with the same one, at any time, from any thread.</summary>
    public void Assign(DesiredBundle desired)
    {
        if (Volatile.Read(ref assigned) is { } known && known.Since >= desired.Since) return;
        Volatile.Write(ref assigned, desired);
        if (Interlocked.Exchange(ref assigning, 1) == 0) events.Writer.TryWrite(new ApplyEvent.Assigned(desired));
    }

    /// <summary>Runs until stopped; the step in flight is finished first. One per state folder.</summary>
    /// <exception cref="IOException">Another process has the state folder, or it cannot be used.</exception>
    public async Task RunAsync(CancellationToken stop)
    {
        MakePrivate(folder);
        await using var guard = new FileStream($"{folder}/lock", FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None);
        var loop = new ApplyLoop(this, stop);
        await using var timer = time.CreateTimer(_ => Beat(), null, beat, beat);
        try
        {
            loop.Begin();
            begun.TrySetResult();
            await foreach (var next in events.Reader.ReadAllAsync(stop)) loop.Take(next);
        }
        catch (OperationCanceledException) when (stop.IsCancellationRequested)
        {
            // Asked to end.
        }
        finally
        {
            await loop.EndAsync();
        }
    }

    private DateTimeOffset Now => startTime + time.GetElapsedTime(startTicks);

    /// <summary>One beat at a time is in the queue, however slow the loop.</summary>
    private void Beat()
    {
        if (Interlocked.Exchange(ref beating, 1) == 0) events.Writer.TryWrite(new ApplyEvent.Tick());
    }

    private void Show(ApplyStatus next)
    {
        var before = status;
        if (before.SameAs(next)) return;
        if (before.Phase != next.Phase) ApplyLog.Phase(log, next.Phase.ToString(), next.Since, next.AttemptedBundle?.Text);
        foreach (var condition in next.Conditions)
        {
            if (!before.Conditions.Contains(condition)) ApplyLog.Condition(log, condition.Code, condition.Subject, condition.Text);
        }
        Volatile.Write(ref status, next);
        Changed?.Invoke();
    }

    internal static void MakePrivate(string path)
    {
        if (OperatingSystem.IsWindows()) throw new PlatformNotSupportedException("host sites run Linux");
        Directory.CreateDirectory(path, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
    }
}
