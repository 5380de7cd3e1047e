using Capillary.Core.Bundles;
using Capillary.Core.Reports;
using Capillary.Core.Trust;
using Capillary.Tests.Core.Trust;

namespace Capillary.Tests.Core.Reports;

/// <summary>A report of basel that says all is well with its line of generation 7.</summary>
internal static class TestReports
{
    public static Digest Bundle { get; } = TestFleet.Plan[0].Bundle;

    public static Report Healthy { get; } = new(1, TestFleet.Name, TestFleet.Basel, 1, 42, TestFleet.Issued.AddMinutes(1), 7, 7,
        Digest.Of(TestFleet.Plan[0].ToLeaf()), Bundle, 7, ReportPhase.Healthy,
        [new(new("gateway"), true)], [new("ClockWrong", Severity.Warning, "the clock is 3 h behind")], "0.1.0");

    public static Report Degraded { get; } = Healthy with
    {
        Seq = 43,
        Phase = ReportPhase.Degraded,
        Apps = [new(new("gateway"), false, "http 503"), new(new("viewer"), true)],
        Conditions = [],
    };

    public static Envelope Sign(Report report, string key = "basel") =>
        TestFleet.Sign(PayloadTypes.Report, report.ToPayload(), TestKey.Named(key));
}
