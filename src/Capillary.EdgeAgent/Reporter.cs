using Capillary.Core.Apply;
using Capillary.Core.Bundles;
using Capillary.Core.Identity;
using Capillary.Core.Reports;
using Capillary.Core.Trust;
using Capillary.Node.Child;
using Capillary.Node.Journal;
using Capillary.Node.Keys;

namespace Capillary.EdgeAgent;

/// <summary>Says what the site is, signed, on every change and at each beacon; durable before it is sent, so that a number is never used twice.</summary>
internal sealed class Reporter(NodeRecord self, SigningKey identity, Outbox outbox, DurableFile<Envelope> file, TimeProvider time)
{
    public const string Agent = "capillary-edge/0.1.0";

    // A burst of changes becomes one report.
    private static readonly TimeSpan Between = TimeSpan.FromMilliseconds(100);
    private readonly SemaphoreSlim changed = new(1, 1);
    private long seq;

    /// <summary>Something of what a report says changed, or a proof is due.</summary>
    public void Wake()
    {
        try
        {
            changed.Release();
        }
        catch (SemaphoreFullException)
        {
            // Already woken; the level is what counts.
        }
    }

    /// <summary>Makes a report after each wake.</summary>
    /// <param name="accepted">The line accepted now.</param>
    /// <param name="status">What apply says now.</param>
    /// <param name="stop">Ends it.</param>
    /// <exception cref="IOException">The disk takes no report.</exception>
    public async Task RunAsync(Func<AcceptedLine> accepted, Func<ApplyStatus> status, CancellationToken stop)
    {
        seq = LastSeq();
        while (true)
        {
            await changed.WaitAsync(stop);
            var envelope = identity.Sign(PayloadTypes.Report, Next(accepted(), status()).ToPayload());
            // A full disk must not silence the site: the report goes out all the same, and only the number's durability is lost.
            try
            {
                file.Write(envelope);
            }
            catch (IOException)
            {
                seq += 1000;
            }
            outbox.Put(new SiteId(self.Node.Value), envelope);
            await Task.Delay(Between, time, stop);
        }
    }

    private long LastSeq()
    {
        if (file.Read() is not DurableRead<Envelope>.Found { Value: var envelope }) return 0;
        try
        {
            var last = Report.Verify(envelope, self);
            return last.Incarnation == self.Version ? last.Seq : 0;
        }
        catch (TrustFormatException)
        {
            return 0;
        }
    }

    private Report Next(AcceptedLine accepted, ApplyStatus status)
    {
        var settled = status.Since == accepted.Since && status.Bundle == status.AttemptedBundle;
        return new Report(1, self.Fleet, new SiteId(self.Node.Value), self.Version, ++seq, time.GetUtcNow(), accepted.Generation, accepted.Since,
            accepted.Leaf is { } leaf ? Digest.Of(leaf) : null, status.Bundle, settled ? accepted.Since : 0, PhaseOf(status, accepted),
            [.. status.Apps.Select(app => new Core.Reports.AppHealth(new AppName(app.App), app.State == HealthState.Healthy, Short(app.Reason)))],
            [.. status.Conditions.Select(item => new Condition(item.Code, SeverityOf(item.Severity), Short(item.Text)!)).Take(Most)], Agent);
    }

    private const int Most = 64;

    private static string? Short(string? text) => text is { Length: > 1024 } ? text[..1024] : text;

    private static ReportPhase PhaseOf(ApplyStatus status, AcceptedLine accepted) => status.Phase switch
    {
        ApplyPhase.Idle => accepted.Since == 0 ? ReportPhase.Idle : ReportPhase.Progressing,
        _ when status.Since != accepted.Since => ReportPhase.Progressing,
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
