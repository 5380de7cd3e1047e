using System.Threading.Channels;
using Capillary.Core.Apply;
using Capillary.Core.Bundles;
using Capillary.Node.Journal;
using Microsoft.Extensions.Logging;

namespace Capillary.EdgeAgent.Apply.Host;

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
/// Makes this host what it was assigned to be. Drives <see cref="ApplyMachine"/>: one loop takes events one by one, makes the state
/// durable, then acts; files are written by one task beside it. Services run on when it ends, and are found again when it begins.
/// </summary>
internal sealed partial class HostApply
{
    private readonly HostApplyOptions options;
    private readonly Func<Digest, CancellationToken, Task<FetchOutcome>> fetch;
    private readonly TimeProvider time;
    private readonly ILogger log;
    private readonly Accounts accounts;
    private readonly SiteAllowList allow;
    private readonly BundleReader bundles;
    private readonly HostFiles files;
    private readonly DurableFile<ApplyState> journal;
    private readonly long startTicks;
    private readonly DateTimeOffset startTime;

    /// <summary>At most: a beat, an assignment, and one answer each of fetch, load, step and drift.</summary>
    private readonly Channel<ApplyEvent> events = Channel.CreateBounded<ApplyEvent>(64);
    private DesiredBundle? assigned;
    private int assigning;
    private int beating;
    private ApplyStatus status = ApplyStatus.Of(ApplyState.Initial);

    /// <param name="options">The site's own settings.</param>
    /// <param name="blobs">The path of a local blob, or null.</param>
    /// <param name="fetch">Brings all blobs of a bundle here; may take long, and is cancelled by a newer assignment.</param>
    /// <param name="time">The clock.</param>
    /// <param name="log">Events 4000–4099.</param>
    public HostApply(
        HostApplyOptions options,
        Func<Digest, string?> blobs,
        Func<Digest, CancellationToken, Task<FetchOutcome>> fetch,
        TimeProvider time,
        ILogger log)
    {
        options.Validate();
        (this.options, this.fetch, this.time, this.log) = (options, fetch, time, log);
        (startTicks, startTime) = (time.GetTimestamp(), time.GetUtcNow());
        accounts = new Accounts(options);
        allow = options.ToAllowList(accounts);
        bundles = new BundleReader(blobs);
        files = new HostFiles(options, allow, accounts, bundles);
        journal = new DurableFile<ApplyState>($"{options.StateFolder}/apply.json", ApplyJson.Default.ApplyState);
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
        foreach (var folder in (string[])[options.StateFolder, $"{options.StateFolder}/services", $"{options.StateFolder}/logs"])
            MakePrivate(folder);
        await using var guard = new FileStream($"{options.StateFolder}/lock", FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None);
        var loop = new ApplyLoop(this, stop);
        await using var timer = time.CreateTimer(_ => Beat(), null, options.Beat, options.Beat);
        try
        {
            loop.Begin();
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
        if (before.Phase != next.Phase) HostLog.Phase(log, next.Phase.ToString(), next.Since, next.AttemptedBundle?.Text);
        foreach (var condition in next.Conditions)
        {
            if (!before.Conditions.Contains(condition)) HostLog.Condition(log, condition.Code, condition.Subject, condition.Text);
        }
        Volatile.Write(ref status, next);
        Changed?.Invoke();
    }

    private static void MakePrivate(string path)
    {
        if (OperatingSystem.IsWindows()) throw new PlatformNotSupportedException("host sites run Linux");
        Directory.CreateDirectory(path, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
    }
}
