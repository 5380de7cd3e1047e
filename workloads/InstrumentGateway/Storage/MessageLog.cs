using System.Buffers;
using System.Threading.Channels;

namespace InstrumentGateway.Storage;

/// <summary>Where a log is and how large its segments grow (the default is what sites run).</summary>
internal sealed record LogOptions(string Path, long SegmentBytes = 64L << 20);

/// <summary>
/// The durable store. One writer takes all that waits, writes it in one piece and syncs once (group commit), then answers:
/// so what is answered <see cref="AppendOutcome.Stored"/> survives a power cut. The writer decides about duplicates too,
/// so two connections can't store one id twice. When a write fails, the log says so, and tries again on its own.
/// </summary>
internal sealed partial class MessageLog : IAsyncDisposable
{
    private const int MaxBatchBytes = 8 << 20;
    private const int KeptCapacity = 1 << 20;
    private const int MaxWaiting = 1024;
    private static readonly TimeSpan ProbeInterval = TimeSpan.FromSeconds(2);

    private readonly DataFolder folder;
    private readonly MessageIndex index;
    private readonly SegmentWriter writer;
    private readonly TimeProvider time;
    private readonly ILogger log;
        private readonly Channel<Request> queue = Channel.CreateBounded<Request>(MaxWaiting);
    private ArrayBufferWriter<byte> buffer = new();
    private volatile LogState state;

    private MessageLog(DataFolder folder, Recovered recovered, LogOptions options, TimeProvider time, ILogger log)
    {
        this.folder = folder;
        this.time = time;
        this.log = log;
        index = recovered.Index;
        writer = new(folder, recovered.LastSegment, recovered.Continue, options.SegmentBytes);
        state = new(null, recovered.Bytes, recovered.LastSegment, recovered.Torn, recovered.Damaged);
        Newest = recovered.Newest;
        Probe();
        Completion = Task.Run(RunAsync, CancellationToken.None);
    }

    private sealed record Request(LogRecord Record)
    {
        public TaskCompletionSource<AppendOutcome> Answer { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);
        public AppendOutcome Outcome { get; set; }
    }

    /// <summary>The newest accepted messages found at start, oldest first.</summary>
    public IReadOnlyList<LogRecord> Newest { get; }

    public LogState State => state;

    /// <summary>Ends when the log is disposed; faults only by a bug, after which nothing more is acknowledged.</summary>
    public Task Completion { get; }

    /// <summary>Claims the folder and recovers what is in it. Throws <see cref="IOException"/> if either can't be.</summary>
    public static MessageLog Open(LogOptions options, TimeProvider time, ILogger log)
    {
        var folder = DataFolder.Open(options.Path);
        try
        {
            var recovered = Recovery.Run(folder);
            LogRecovered(log, recovered.LastSegment, recovered.Bytes, recovered.Torn, recovered.Damaged);
            return new(folder, recovered, options, time, log);
        }
        catch
        {
            folder.Dispose();
            throw;
        }
    }

    /// <summary>Keeps a record. Not to be cancelled: a sender must get the answer that the disk gave.</summary>
    public async Task<AppendOutcome> AppendAsync(LogRecord record)
    {
        var request = new Request(record);
        await queue.Writer.WriteAsync(request, CancellationToken.None);
        return await request.Answer.Task;
    }

    /// <summary>Writes what waits, then lets go of the folder.</summary>
    public async ValueTask DisposeAsync()
    {
        queue.Writer.TryComplete();
        await Completion.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        writer.Dispose();
        folder.Dispose();
    }

    private async Task RunAsync()
    {
        var batch = new List<Request>();
        try
        {
            while (await WaitAsync())
            {
                var bytes = 0;
                while (bytes < MaxBatchBytes && queue.Reader.TryRead(out var request))
                {
                    batch.Add(request);
                    bytes += request.Record.Content.Length;
                }

                Commit(batch);
                foreach (var request in batch)
                    request.Answer.SetResult(request.Outcome);
                batch.Clear();
            }
        }
        catch (Exception e)
        {
            queue.Writer.TryComplete(e);
            foreach (var request in batch)
                request.Answer.TrySetException(e);
            while (queue.Reader.TryRead(out var waiting))
                waiting.Answer.TrySetException(e);
            throw;
        }
    }

    // While the disk refuses, the log tries by itself: a site must turn healthy again without traffic.
    private async ValueTask<bool> WaitAsync()
    {
        var waiting = queue.Reader.WaitToReadAsync(CancellationToken.None).AsTask();
        while (state.Problem is not null)
        {
            using var end = new CancellationTokenSource();
            var delay = Task.Delay(ProbeInterval, time, end.Token);
            var first = await Task.WhenAny(waiting, delay);
            await end.CancelAsync();
            if (first == waiting)
                break;
            Probe();
        }

        return await waiting;
    }

    private void Probe() => Attempt(writer.TryWrite);

    private void Commit(List<Request> batch)
    {
        // A large message must not hold its memory for ever.
        if (buffer.Capacity > KeptCapacity)
            buffer = new();
        buffer.ResetWrittenCount();
        var pending = new Dictionary<UInt128, UInt128>();
        foreach (var request in batch)
            request.Outcome = Decide(request.Record, pending);
        if (buffer.WrittenCount == 0)
            return;
        if (!Attempt(() => writer.Append(buffer.WrittenSpan)))
        {
            // A duplicate of a record in this very batch is no more durable than that record.
            foreach (var request in batch.Where(r => r.Outcome == AppendOutcome.Stored || pending.ContainsKey(r.Record.Id)))
                request.Outcome = AppendOutcome.Failed;
            return;
        }

        foreach (var request in batch.Where(r => r.Outcome == AppendOutcome.Stored))
            index.Add(request.Record, writer.Number);
        state = state with { Bytes = state.Bytes + buffer.WrittenCount };
    }

    private AppendOutcome Decide(LogRecord record, Dictionary<UInt128, UInt128> pending)
    {
        if (record.Kind == RecordKind.Rejected)
        {
            // A sender that repeats a bad message for ever must not fill the disk with it.
            if (index.IsKeptAsRejected(record.ContentHash))
                return AppendOutcome.Duplicate;
        }
        else if (index.ContentOf(record.Id) is { } known || pending.TryGetValue(record.Id, out known))
        {
            return known == record.ContentHash ? AppendOutcome.Duplicate : AppendOutcome.Conflict;
        }
        else
        {
            pending.Add(record.Id, record.ContentHash);
        }

        record.Write(buffer);
        return AppendOutcome.Stored;
    }

    private bool Attempt(Action write)
    {
        try
        {
            write();
            if (state.Problem is not null)
                LogWorksAgain(log);
            if (writer.Number > state.Segment)
                index.Opened(writer.Number);
            state = state with { Problem = null, Segment = writer.Number };
            return true;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            if (state.Problem is null)
                LogFails(log, e.Message);
            state = state with { Problem = e.Message };
            return false;
        }
    }

    [LoggerMessage(101, LogLevel.Information, "Store opened: segment {Segment}, {Bytes} bytes, {Torn} torn, {Damaged} damaged")]
    private static partial void LogRecovered(ILogger log, int segment, long bytes, int torn, int damaged);

    [LoggerMessage(102, LogLevel.Error, "Store can't write, nothing is acknowledged with AA until it can: {Reason}")]
    private static partial void LogFails(ILogger log, string reason);

    [LoggerMessage(103, LogLevel.Information, "Store writes again")]
    private static partial void LogWorksAgain(ILogger log);
}
