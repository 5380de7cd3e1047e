using Capillary.Core.Apply;
using Capillary.Core.Identity;
using Capillary.Core.Reports;
using Capillary.Core.Trust;
using Capillary.EdgeAgent;
using Capillary.Node.Child;
using Capillary.Node.Journal;
using Capillary.Node.Hosting;
using Capillary.Sim;
using Xunit;

namespace Capillary.Tests.EdgeAgent;

public sealed class ReporterTests : IDisposable
{
    private readonly string folder = Directory.CreateTempSubdirectory("capillary-reporter-").FullName;

    /// <summary>A number used twice would make the hub ignore a report, and its rollout wait for ever.</summary>
    [Fact]
    public async Task A_restarted_agent_goes_on_behind_every_number_it_may_have_used()
    {
        var authority = new Authority();
        var home = new NodeHome(folder);
        using var key = home.LoadKey();
        var record = authority.SignRecord(new NodeName("a"), NodeKind.Site, new RegionId("eu"), key.Public);
        home.KeepJoined(new(1, authority.Fleet, record.Record.Node, NodeKind.Site, new("eu"), ["127.0.0.1:1"], 1), record.Envelope, authority.TrustRoots);
        using var self = NodeIdentity.Open(home, authority.TrustRoots);
        var first = await FirstSeqAsync(self);
        // The last report was not kept, as on a full disk; the reservation was.
        File.Delete(Path.Combine(folder, "report.json"));
        Assert.True(await FirstSeqAsync(self) > first);
    }

    public void Dispose() => Directory.Delete(folder, recursive: true);

    private async Task<long> FirstSeqAsync(NodeIdentity self)
    {
        using var stop = new CancellationTokenSource(TimeSpan.FromSeconds(20));
        var outbox = new Outbox();
        var reporter = new Reporter(self, 1, outbox, new DurableFile<Envelope>(Path.Combine(folder, "report.json"), EdgeJson.Default.Envelope),
            new DurableFile<ReservedNumbers>(Path.Combine(folder, "numbers.json"), EdgeJson.Default.ReservedNumbers), () => [], TimeProvider.System);
        var running = reporter.RunAsync(() => AcceptedLine.None, () => ApplyStatus.Of(ApplyState.Initial), stop.Token);
        await outbox.WaitForChangeAsync(stop.Token);
        await stop.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => running);
        return Report.Verify(outbox.All.Single().Report, self.Record.Record).Seq;
    }
}
