using Capillary.Core.Bundles;
using Capillary.Core.Identity;
using Capillary.Core.Reports;
using Capillary.Core.Trust;
using Capillary.Tests.Core.Identity;
using Capillary.Tests.Core.Trust;
using Xunit;

namespace Capillary.Tests.Core.Reports;

/// <summary>Reports: their bytes, and whose word counts.</summary>
public sealed class ReportTests
{
    [Fact]
    public void Payloads_are_written_to_the_bit()
    {
        GoldenFile.Check("report-healthy.payload", TestReports.Healthy.ToPayload());
        GoldenFile.Check("report-degraded.payload", TestReports.Degraded.ToPayload());
        GoldenFile.Check("report-idle.payload", Idle.ToPayload());
    }

    private static Report Idle { get; } = TestReports.Healthy with
    {
        Seq = 1, Generation = 0, Since = 0, Leaf = null, Bundle = null, BundleSince = 0, Phase = ReportPhase.Idle, Apps = [], Conditions = [],
    };

    [Fact]
    public void A_signed_report_reads_back()
    {
        foreach (var report in (Report[])[TestReports.Healthy, TestReports.Degraded, Idle, Idle with { Beacon = TestFleet.Issued, Events = 7 }])
            Assert.Equal(report.ToPayload(), Report.Verify(TestReports.Sign(report), TestFleet.BaselRecord).ToPayload());
    }

    [Fact]
    public void Promise1_a_report_signed_by_another_is_refused()
    {
        Throws(TestReports.Sign(TestReports.Healthy, "lyon"), TestFleet.BaselRecord);
        Throws(TestReports.Sign(TestReports.Healthy, "lyon"), TestFleet.LyonRecord);
        Throws(TestReports.Sign(TestReports.Healthy, "region-eu"), TestFleet.BaselRecord);
        Throws(TestReports.Sign(TestReports.Healthy with { Fleet = new("other") }), TestFleet.BaselRecord);
        Throws(TestReports.Sign(TestReports.Healthy), TestFleet.BaselRecord with { State = RecordState.Revoked });
        Throws(TestReports.Sign(TestReports.Healthy), TestFleet.BaselRecord with { Kind = NodeKind.Region });
    }

    [Fact]
    public void Promise1_a_spoilt_report_is_refused()
    {
        var genuine = TestReports.Sign(TestReports.Degraded);
        foreach (var spoilt in Tamper.Bytes(genuine.Payload))
        {
            Throws(genuine with { Payload = spoilt.Bytes }, TestFleet.BaselRecord);
            _ = Report.ClaimedSite(genuine with { Payload = spoilt.Bytes });
        }
        foreach (var spoilt in Tamper.Bytes(genuine.Signatures[0].Sig))
            Throws(genuine with { Signatures = [genuine.Signatures[0] with { Sig = spoilt.Bytes }] }, TestFleet.BaselRecord);
    }

    /// <summary>A site that was broken into signs what it likes; the hub must be able to show whatever it accepts.</summary>
    [Fact]
    public void Promise8_signed_nonsense_is_refused_or_can_be_shown()
    {
        var payload = TestReports.Degraded.ToPayload();
        var now = TestFleet.Issued;
        foreach (var spoilt in Tamper.Json(payload).Concat(Tamper.Json(TestReports.Healthy.ToPayload())))
        {
            var envelope = TestFleet.Sign(PayloadTypes.Report, spoilt.Bytes, TestKey.Named("basel"));
            _ = Report.ClaimedSite(envelope);
            Report report;
            try
            {
                report = Report.Verify(envelope, TestFleet.BaselRecord);
            }
            catch (TrustFormatException)
            {
                continue;
            }
            var facts = new SiteFacts(false, report, now, 7, TestReports.Bundle, 7);
            Assert.True(Enum.IsDefined(SiteStatus.Derive(facts, Freshness.Default, now)), spoilt.How);
            Assert.True(report.ToPayload().Length > 0 && report.IsNewerThan(null), spoilt.How);
        }
    }

    [Fact]
    public void Limits_hold()
    {
        var report = TestReports.Healthy;
        var condition = report.Conditions[0];
        var long1 = new string('x', 1025);
        foreach (var wrong in (Report[])
            [
                report with { Conditions = [.. Enumerable.Repeat(condition, 101)] }, report with { Conditions = [condition with { Text = long1 }] },
                report with { Apps = [.. Enumerable.Repeat(report.Apps[0], BundleManifest.MaxLayers + 1)] }, report with { Seq = 0 },
                report with { Apps = [report.Apps[0] with { Message = long1 }] }, report with { Since = 8 }, report with { BundleSince = 8 },
                report with { Agent = long1 }, report with { Agent = null! }, report with { Events = -1 },
                report with { Events = EventBatch.MaxNumber + 1 },
            ])
            Throws(TestReports.Sign(wrong), TestFleet.BaselRecord);
    }

    [Fact]
    public void The_claimed_site_is_a_name_or_nothing()
    {
        Assert.Equal(TestFleet.Basel, Report.ClaimedSite(TestReports.Sign(TestReports.Healthy)));
        foreach (var payload in (string[])["", "{}", "[]", "null", "7", """{"site":7}""", """{"site":null}""", """{"site":"A B"}""",
            """{"site":{}}""", """{"site":"\ud800"}"""])
            Assert.Null(Report.ClaimedSite(new Envelope(PayloadTypes.Report, System.Text.Encoding.UTF8.GetBytes(payload), [])));
    }

    [Fact]
    public void Newer_is_by_incarnation_then_seq()
    {
        var report = TestReports.Healthy;
        Assert.True(report.IsNewerThan(null));
        Assert.False(report.IsNewerThan(report));
        Assert.True((report with { Seq = 43 }).IsNewerThan(report));
        Assert.True((report with { Incarnation = 2, Seq = 1 }).IsNewerThan(report));
        Assert.False((report with { Incarnation = 0, Seq = 99 }).IsNewerThan(report));
    }

    private static void Throws(Envelope envelope, NodeRecord record) =>
        Assert.Throws<TrustFormatException>(() => Report.Verify(envelope, record));
}
