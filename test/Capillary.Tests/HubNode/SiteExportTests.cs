using Capillary.Core.Identity;
using Capillary.Core.Protocol;
using Capillary.Core.Trust;
using Capillary.HubNode.Publish;
using Capillary.Node.Carry;
using Capillary.Node.Keys;
using Xunit;

namespace Capillary.Tests.HubNode;

public sealed class SiteExportTests : IDisposable
{
    private readonly TempFolder folder = new();
    private readonly TestCommits commits = new();
    private readonly SealingKey key = SealingKey.Create();

    [Fact]
    public async Task What_cannot_be_carried_is_refused_with_what_to_do()
    {
        using var hub = await StartAsync();
        Assert.IsType<ExportOutcome.Unknown>(Prepare(hub, "x"));
        Refused(hub, "a", "has not joined yet", "capillary site enroll a");
        using var identity = hub.Enroll("a");
        Change(hub, "a", record => record with { SealingKey = null });
        Refused(hub, "a", "has no sealing key", "capillary site enroll a");
        Change(hub, "a", record => record with { SealingKey = key.Public, State = RecordState.Revoked });
        Refused(hub, "a", "was revoked", "capillary site enroll a");
        Change(hub, "a", record => record with { SealingKey = key.Public, State = RecordState.Active });
        Assert.IsType<ExportOutcome.Ready>(Prepare(hub, "a"));
        hub.Hub.Cell.Update(state => state with { Lines = state.Lines.Remove(new SiteId("a")) });
        Refused(hub, "a", "has no line yet", "capillary status");
    }

    [Fact]
    public async Task The_plan_says_what_the_stream_brings()
    {
        using var hub = await StartAsync();
        using var identity = hub.Enroll("a");
        Change(hub, "a", record => record with { SealingKey = key.Public });
        var export = Assert.IsType<ExportOutcome.Ready>(Prepare(hub, "a")).Export;
        using var stream = new MemoryStream();
        await export.WriteAsync(stream, CancellationToken.None);
        stream.Position = 0;
        var told = new List<long>();
        var carry = await new CarryWriter(folder.Path).WriteAsync(stream, _ => { }, told.Add, CancellationToken.None);
        var manifest = CarryManifest.Read(Path.Combine(carry.Path, CarryManifest.FileName));
        Assert.Equal(export.Plan.Bytes, manifest.Files.Sum(file => file.Size));
        Assert.Equal(export.Plan.Blobs + 1, manifest.Files.Count);
        Assert.Equal((key.Public.Id, 1L, "a-1"), (manifest.SealingKey, manifest.Generation, Path.GetFileName(carry.Path)));
        Assert.NotEmpty(told);
        // Each export has keys of its own: no two are alike.
        using var second = new MemoryStream();
        await export.WriteAsync(second, CancellationToken.None);
        Assert.NotEqual(stream.ToArray(), second.ToArray());
    }

    [Fact]
    public async Task A_stream_that_is_cut_anywhere_leaves_nothing_behind()
    {
        using var hub = await StartAsync();
        using var identity = hub.Enroll("a");
        Change(hub, "a", record => record with { SealingKey = key.Public });
        using var stream = new MemoryStream();
        await Assert.IsType<ExportOutcome.Ready>(Prepare(hub, "a")).Export.WriteAsync(stream, CancellationToken.None);
        var whole = stream.ToArray();
        var to = Directory.CreateDirectory(folder.Of("stick")).FullName;
        for (var cut = 0; cut < whole.Length; cut += 101)
        {
            var part = new MemoryStream(whole[..cut]);
            await Assert.ThrowsAsync<InvalidDataException>(() =>
                new CarryWriter(to).WriteAsync(part, _ => { }, _ => { }, CancellationToken.None));
            Assert.Empty(Directory.EnumerateFileSystemEntries(to));
        }
    }

    [Theory]
    [InlineData("../evil")]
    [InlineData("blob-0001.sealed")]
    [InlineData("blob-0000x.sealed")]
    [InlineData("carry.json.sealed")]
    public async Task A_file_of_another_name_is_never_written(string name)
    {
        using var stream = new MemoryStream();
        var plan = new CarryPlan(1, new FleetName("labs"), new SiteId("a"), 1, 10, 1, 0).ToBytes();
        await CarryStream.WriteHeadAsync(stream, CarryStream.PlanName, plan.Length, CancellationToken.None);
        stream.Write(plan);
        await CarryStream.WriteHeadAsync(stream, name, 1, CancellationToken.None);
        stream.WriteByte(1);
        stream.Position = 0;
        var to = Directory.CreateDirectory(folder.Of("stick")).FullName;
        await Assert.ThrowsAsync<InvalidDataException>(() =>
            new CarryWriter(to).WriteAsync(stream, _ => { }, _ => { }, CancellationToken.None));
        Assert.Empty(Directory.EnumerateFileSystemEntries(to));
    }

    private async Task<TestHub> StartAsync()
    {
        commits.Commit("c1", "a=1");
        var hub = new TestHub(folder.Of("hub"), commits);
        await hub.SettleAsync();
        return hub;
    }

    private static void Change(TestHub hub, string site, Func<NodeRecord, NodeRecord> change)
    {
        var node = new NodeName(site);
        var record = change(hub.Hub.Cell.Value.Records[node].Record);
        var signed = new SignedRecord(record, hub.Hub.Keys.Release.Sign(PayloadTypes.Record, record.ToPayload()));
        hub.Hub.Cell.Update(state => state with { Records = state.Records.SetItem(node, signed) });
    }

    private static ExportOutcome Prepare(TestHub hub, string site) =>
        SiteExport.Prepare(hub.Hub.Cell.Value, hub.Hub.Blobs, hub.Hub.Sites.Seen.GetValueOrDefault(new SiteId(site)), new SiteId(site), false);

    private static void Refused(TestHub hub, string site, string reason, string hint)
    {
        var refused = Assert.IsType<ExportOutcome.Refused>(Prepare(hub, site));
        Assert.Contains(reason, refused.Reason, StringComparison.Ordinal);
        Assert.Contains(hint, refused.Hint, StringComparison.Ordinal);
    }

    public void Dispose()
    {
        key.Dispose();
        folder.Dispose();
    }
}
