using System.Collections.Immutable;
using Capillary.Core.Identity;
using Capillary.Core.Protocol;
using Capillary.Core.Trust;
using Capillary.Node.Blobs;
using Capillary.RegionNode;
using Capillary.Tests.Core.Protocol;
using Capillary.Tests.Core.Trust;
using Microsoft.Extensions.Logging.Abstractions;
using Xunit;

namespace Capillary.Tests.RegionNode;

/// <summary>A region's records are the exact set the hub sent; what left it is forgotten, also when a power cut came in between.</summary>
public sealed class MirrorTests : IDisposable
{
    private readonly string folder = Directory.CreateTempSubdirectory("core-mirror-").FullName;

    public void Dispose() => Directory.Delete(folder, recursive: true);

    [Fact]
    public void Promise5_a_set_that_was_cut_drops_nobody()
    {
        var (state, mirror) = Open();
        mirror.Take([Of(TestFleet.EuRecord), Of(TestFleet.BaselRecord), Of(TestFleet.LyonRecord)], full: true, complete: true);
        // A set is cut after its first frame; the next session only adds, as ChildSession says it: it ends no set.
        mirror.Take([Of(TestFleet.BaselRecord with { Version = 2 })], full: true, complete: false);
        mirror.Take([Of(TestFleet.LyonRecord with { Version = 2 })], full: false, complete: false);
        Assert.Equal(3, state.Held.Records.Count);
        mirror.Take([Of(TestFleet.EuRecord), Of(TestFleet.BaselRecord with { Version = 2 })], full: true, complete: true);
        Assert.Equal(["basel-lab-1", "region-eu"], Nodes(state));
        Assert.Equal(["basel-lab-1", "region-eu"], Nodes(Open().State));
    }

    [Fact]
    public void Promise1_an_older_record_replaces_none()
    {
        var (state, mirror) = Open();
        mirror.Take([Of(TestFleet.BaselRecord with { Version = 3, State = RecordState.Revoked })], full: true, complete: true);
        mirror.Take([Of(TestFleet.BaselRecord with { Version = 2 })], full: false, complete: false);
        Assert.Equal(RecordState.Revoked, state.Held.Records[TestFleet.BaselRecord.Node].Record.State);
        Assert.Equal(RecordState.Revoked, Open().State.Held.Records[TestFleet.BaselRecord.Node].Record.State);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Promise5_the_line_of_a_site_that_left_is_forgotten(bool powerCut)
    {
        var (_, mirror) = Open();
        mirror.Take([Of(TestFleet.EuRecord), Of(TestFleet.BaselRecord), Of(TestFleet.LyonRecord)], full: true, complete: true);
        mirror.Take(TestFleet.Signed(7, TestFleet.Plan), [TestFleet.Proof(0), TestFleet.Proof(2)], complete: true);
        Assert.Equal(2, Lines());
        NodeRecord[] gone = [TestFleet.BaselRecord with { Region = TestFleet.Us, MovedFrom = [TestFleet.Eu], Version = 2 },
            TestFleet.LyonRecord with { State = RecordState.Revoked, Version = 2 }];
        if (powerCut) foreach (var record in gone) new MirrorStore(folder, NullLogger.Instance).Keep(Of(record));
        else mirror.Take([.. gone.Select(Of)], full: false, complete: false);
        var (state, again) = Open();
        Assert.Equal(0, Lines());
        Assert.Equal(3, state.Held.Records.Count);
        Assert.Equal(7, again.Newest!.Checkpoint.Generation);
    }

    /// <summary>After a rotation only the new proof holds; the same line under a later checkpoint takes the place of the old one.</summary>
    [Fact]
    public void Promise5_a_line_that_is_proven_anew_is_kept()
    {
        var (state, mirror) = Open();
        mirror.Take([Of(TestFleet.EuRecord), Of(TestFleet.BaselRecord)], full: true, complete: true);
        mirror.Take(TestFleet.Signed(7, TestFleet.Plan), [TestFleet.Proof(0)], complete: true);
        state.Update(held => held with { TrustRoots = [SignedGoldens.Root1, SignedGoldens.Root2] });
        mirror.Take(TestFleet.Signed(8, TestFleet.Plan, TestFleet.NextRelease), [TestFleet.Proof(0)], complete: true);
        var (loaded, again) = Open([SignedGoldens.Root1, SignedGoldens.Root2]);
        Assert.Equal(8, again.Newest!.Checkpoint.Generation);
        Assert.Equal(8, loaded.Held.Generation);
        Assert.Equal(1, Lines());
    }

    /// <summary>Remembered and not on disk, it would be acknowledged when it comes again, and lost in a crash.</summary>
    [Fact]
    public void Promise5_a_line_that_the_disk_did_not_take_is_kept_when_it_comes_again()
    {
        var (_, mirror) = Open();
        mirror.Take([Of(TestFleet.EuRecord), Of(TestFleet.BaselRecord)], full: true, complete: true);
        // What cannot be replaced stands for a disk that is full.
        var inTheWay = Directory.CreateDirectory(Path.Combine(folder, "lines", $"{TestFleet.BaselRecord.Node}.json"));
        Assert.ThrowsAny<SystemException>(() => mirror.Take(TestFleet.Signed(7, TestFleet.Plan), [TestFleet.Proof(0)], complete: true));
        inTheWay.Delete();
        mirror.Take(TestFleet.Signed(7, TestFleet.Plan), [TestFleet.Proof(0)], complete: true);
        Assert.Equal((1, 1), (Lines(), Open().Mirror.Progress().Lines));
    }

    private int Lines() => Directory.GetFiles(Path.Combine(folder, "lines"), "*.json").Length;

    private (RegionState State, Mirror Mirror) Open(IReadOnlyList<Envelope>? roots = null)
    {
        roots ??= [SignedGoldens.Root1];
        var store = new MirrorStore(folder, NullLogger.Instance);
        var state = new RegionState(new DesiredState(roots, Of(TestFleet.EuRecord), null,
            store.LoadRecords(roots).ToImmutableDictionary(item => item.Record.Node), ImmutableDictionary<SiteId, OfferedLine>.Empty, 0, []));
        return (state, new Mirror(store, new BlobStore(Path.Combine(folder, "blobs")), state, TestFleet.Eu, TimeProvider.System, NullLogger.Instance));
    }

    private static SignedRecord Of(NodeRecord record) => TestSessions.Signed(record);

    private static string[] Nodes(RegionState state) => [.. state.Held.Records.Keys.Select(node => node.Value).Order(StringComparer.Ordinal)];
}
