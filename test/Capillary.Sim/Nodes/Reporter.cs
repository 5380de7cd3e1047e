using System.Text;
using Capillary.Core.Apply;
using Capillary.Core.Bundles;
using Capillary.Core.Identity;
using Capillary.Core.Reports;
using Capillary.Core.Trust;

namespace Capillary.Sim.Nodes;

/// <summary>Signs what a site says of itself: on every change, at each beacon, and when a link is live.</summary>
internal sealed class Reporter(SiteProcess agent, SimSite site, Identity identity, UpLink link)
{
    private const string Document = "seq";
    private const long Reserve = 1000;
    private static readonly TimeSpan Together = TimeSpan.FromMilliseconds(500);
    private long seq;
    private long reserved;
    private bool planned;
    private bool urgent;
    private (ApplyStatus Status, AcceptedLine Accepted)? said;

    /// <summary>Says it soon, together with what changes meanwhile; when nothing changed, only if <paramref name="now"/>.</summary>
    public void Say(bool now)
    {
        urgent |= now;
        if (planned) return;
        planned = true;
        agent.After(Together, Speak);
    }

    private void Speak()
    {
        planned = false;
        var status = ApplyStatus.Of(agent.State);
        if (!urgent && said is { } last && last.Accepted == agent.Accepted && last.Status.SameAs(status)) return;
        if (!TryNext())
        {
            planned = true;
            agent.After(TimeSpan.FromSeconds(2), Speak);
            return;
        }
        (urgent, said) = (false, (status, agent.Accepted));
        var report = Build(status);
        site.World.Safety.Said(site, report);
        link.Put(site.Id, identity.Keys.Current.Sign(PayloadTypes.Report, report.ToPayload()));
    }

    // Numbers are reserved in blocks, so that a full disk silences nobody and a crash repeats none.
    private bool TryNext()
    {
        try
        {
            if (reserved == 0) seq = reserved = Process.ToNumber(site.Disk.Read(Document));
            if (site.World.Broken == Mutation.SiteForgetsReportNumbers) return TryNextInMemory();
            if (seq == reserved)
            {
                site.Disk.Replace(Document, Encoding.ASCII.GetBytes($"{reserved + Reserve}"));
                reserved += Reserve;
            }
            seq++;
            return true;
        }
        catch (IOException)
        {
            return false;
        }
    }

    private bool TryNextInMemory()
    {
        reserved = ++seq;
        try
        {
            site.Disk.Replace(Document, Encoding.ASCII.GetBytes($"{seq}"));
        }
        catch (IOException)
        {
            seq += Reserve;
        }
        return true;
    }

    private Report Build(ApplyStatus status)
    {
        var accepted = agent.Accepted;
        var attempt = agent.State.Attempt;
        var bundleSince = status.Bundle is { } bundle && bundle == attempt?.Bundle ? attempt.Since : 0;
        return new Report(1, site.World.Authority.Fleet, site.Id, site.Incarnation, seq, site.Clock, accepted.Generation, accepted.Since,
            accepted.Leaf is null ? null : Digest.Of(accepted.Leaf), status.Bundle, bundleSince, PhaseOf(status, accepted),
            [.. status.Apps.Select(app => new Core.Reports.AppHealth(new AppName(app.App), app.State == HealthState.Healthy, app.Reason))],
            [.. status.Conditions.Select(item => new Condition(item.Code, SeverityOf(item.Severity), item.Text))], "sim");
    }

    private ReportPhase PhaseOf(ApplyStatus status, AcceptedLine accepted)
    {
        if (status.Phase == ApplyPhase.Idle && accepted.Since == 0) return ReportPhase.Idle;
        if (agent.State.Attempt?.Since != accepted.Since) return ReportPhase.Progressing;
        return status.Phase switch
        {
            ApplyPhase.Healthy => ReportPhase.Healthy,
            ApplyPhase.Reverted => ReportPhase.Reverted,
            ApplyPhase.Degraded or ApplyPhase.Unhealthy => ReportPhase.Degraded,
            _ => ReportPhase.Progressing,
        };
    }

    private static Severity SeverityOf(ConditionSeverity severity) => severity switch
    {
        ConditionSeverity.Info => Severity.Info,
        ConditionSeverity.Warning => Severity.Warning,
        _ => Severity.Error,
    };
}
