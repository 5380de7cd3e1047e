using Capillary.Core.Apply;
using Capillary.Core.Bundles;
using Capillary.Core.Identity;
using Capillary.Core.Reports;
using Capillary.Core.Trust;
using Capillary.Node.Child;
using Capillary.Node.Hosting;
using Capillary.Node.Journal;

namespace Capillary.EdgeAgent;

/// <summary>
/// Says what the site is, signed, on every change and at each beacon; its numbers are reserved durably, so that none is used twice.
/// </summary>
internal sealed class Reporter(NodeIdentity identity, long incarnation, Outbox outbox, DurableFile<Envelope> last,
    DurableFile<ReservedNumbers> numbers, Func<IEnumerable<Condition>> more, TimeProvider time,
    Func<DateTimeOffset?>? beacon = null, Func<long>? events = null)
{
    public const string Agent = "capillary-edge/0.1.0";

    // A burst of changes becomes one report.
    private static readonly TimeSpan Between = TimeSpan.FromMilliseconds(100);
    private static readonly TimeSpan RetryAfter = TimeSpan.FromSeconds(1);

    // Numbers are reserved in blocks, so that a full disk silences the site only when a whole block is used up.
    private const long Block = 1000;
    private readonly WakeSignal changed = new(atOnce: true);
    private long seq;
    private long reserved;

    private NodeRecord Self => identity.Record.Record;

    /// <summary>Something of what a report says changed, or a proof is due.</summary>
    public void Wake() => changed.Wake();

    /// <summary>Makes a report after each wake.</summary>
    /// <param name="accepted">The line accepted now.</param>
    /// <param name="status">What apply says now.</param>
    /// <param name="stop">Ends it.</param>
    public async Task RunAsync(Func<AcceptedLine> accepted, Func<ApplyStatus> status, CancellationToken stop)
    {
        // What an earlier process reserved may have been used: go on behind it.
        if (numbers.Read() is DurableRead<ReservedNumbers>.Found { Value: var found } && found.Incarnation == incarnation)
            seq = reserved = found.Last;
        while (true)
        {
            await changed.WaitAsync(stop);
            while (!Reserve()) await Task.Delay(RetryAfter, time, stop);
            var envelope = identity.Keys.Current.Sign(PayloadTypes.Report, Next(accepted(), status()).ToPayload());
            outbox.Put(new SiteId(Self.Node.Value), envelope);
            Keep(envelope);
            await Task.Delay(Between, time, stop);
        }
    }

    /// <summary>True when the next number is safe to use: a number used twice would make the hub ignore a report.</summary>
    private bool Reserve()
    {
        if (reserved - seq > Block / 2) return true;
        try
        {
            numbers.Write(new ReservedNumbers(incarnation, seq + Block));
            reserved = seq + Block;
            return true;
        }
        catch (IOException)
        {
            return seq < reserved;
        }
    }

    /// <summary>For `capillary-edge status`; nothing depends on it.</summary>
    private void Keep(Envelope envelope)
    {
        try
        {
            last.Write(envelope);
        }
        catch (IOException)
        {
            // A full disk has its own condition.
        }
    }

    private Report Next(AcceptedLine accepted, ApplyStatus status)
    {
        var settled = status.Since == accepted.Since && status.Bundle == status.AttemptedBundle;
        return new Report(1, Self.Fleet, new SiteId(Self.Node.Value), incarnation, ++seq, time.GetUtcNow(), accepted.Generation,
            accepted.Since,
            accepted.Leaf is { } leaf ? Digest.Of(leaf) : null, status.Bundle, settled ? accepted.Since : 0, PhaseOf(status, accepted),
            [.. status.Apps.Select(app =>
                new Core.Reports.AppHealth(new AppName(app.App), app.State == HealthState.Healthy, Short(app.Reason)))],
            [.. more().Concat(status.Conditions.Select(item => new Condition(item.Code, SeverityOf(item.Severity), Short(item.Text)!)))
                .Take(Most)],
            Agent) { Beacon = beacon?.Invoke(), Events = events?.Invoke() };
    }

    private const int Most = 64;

    private static string? Short(string? text) => text is { Length: > 1024 } ? text[..1024] : text;

    private static ReportPhase PhaseOf(ApplyStatus status, AcceptedLine accepted) => status.Phase switch
    {
        ApplyPhase.Idle => accepted.Since == 0 ? ReportPhase.Idle : ReportPhase.Progressing,
        _ when status.Since != accepted.Since => ReportPhase.Progressing,
        ApplyPhase.Held => ReportPhase.Held,
        ApplyPhase.Healthy => ReportPhase.Healthy,
        ApplyPhase.Reverted => ReportPhase.Reverted,
        ApplyPhase.Unhealthy or ApplyPhase.Degraded => ReportPhase.Degraded,
        _ => ReportPhase.Progressing,
    };

    private static Severity SeverityOf(ConditionSeverity severity) => severity switch
    {
        ConditionSeverity.Info => Severity.Info,
        ConditionSeverity.Warning => Severity.Warning,
        _ => Severity.Error,
    };
}

/// <summary>Report numbers that may be used without another write.</summary>
/// <param name="Incarnation">Of the reports.</param>
/// <param name="Last">The last of them.</param>
internal sealed record ReservedNumbers(long Incarnation, long Last);
