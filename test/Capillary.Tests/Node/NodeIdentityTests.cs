using Capillary.Core.Identity;
using Capillary.Core.Protocol;
using Capillary.Core.Trust;
using Capillary.Node.Child;
using Capillary.Node.Hosting;
using Capillary.Tests.Core.Trust;
using Xunit;

namespace Capillary.Tests.Node;

/// <summary>A key succession on a disk, with a power cut after each step: the node always has exactly one identity, and it gets in.</summary>
public sealed class NodeIdentityTests : IDisposable
{
    private readonly string folder = Directory.CreateTempSubdirectory("core-identity-").FullName;

    public void Dispose() => Directory.Delete(folder, recursive: true);

    [Fact]
    public void Promise2_a_power_cut_at_any_step_of_a_succession_leaves_a_node_that_gets_in()
    {
        var home = Join("a");
        Check(home, [Key(home)]);
        using (var identity = Open(home))
        {
            var old = identity.Keys.Current.Public;
            // Step 1: the record that asks for it is durable, and nothing else is.
            var due = identity.Record.Record with { SuccessionDue = true, Version = 2 };
            Check(Cut(home, with: due), [old]);
            Assert.True(identity.Take(Signed(due)));
            // Step 2: the next key stands on disk. The hub has heard of it, or not yet.
            var next = identity.Keys.Next!.Public;
            Check(Cut(home), [old]);
            var after = due with { IdentityKey = next, Previous = old.Id, SuccessionDue = false, Version = 3 };
            Check(Cut(home), [next]);
            // Step 3: the record that names it is durable, and the keys are as they were.
            Check(Cut(home, with: after), [next]);
            Assert.True(identity.Take(Signed(after)));
            Assert.Null(identity.Pending);
            // Step 4: all is done.
            Check(Cut(home), [next]);
            Assert.Equal(next, identity.Keys.Current.Public);
        }
        Assert.False(File.Exists(home.FileOf("identity-next.pem")));
    }

    [Fact]
    public void Promise2_what_a_full_disk_kept_from_beginning_is_begun_later()
    {
        var home = Join("full");
        using var identity = Open(home);
        // A folder in the key's place: no file can be put there.
        Directory.CreateDirectory(home.FileOf("identity-next.pem.tmp"));
        var due = Signed(identity.Record.Record with { SuccessionDue = true, Version = 2 });
        Assert.ThrowsAny<Exception>(() => identity.Take(due));
        Assert.Null(identity.Keys.Next);
        Directory.Delete(home.FileOf("identity-next.pem.tmp"));
        Assert.NotNull(identity.Pending);
        Assert.NotNull(identity.Keys.Next);
    }

    [Fact]
    public void Promise1_an_older_record_is_a_replay_and_asks_for_nothing()
    {
        var home = Join("replay");
        using var identity = Open(home);
        var first = identity.Record.Record;
        var due = first with { SuccessionDue = true, Version = 2 };
        Assert.True(identity.Take(Signed(first with { Version = 3, Parents = ["hub:443"] })));
        Assert.False(identity.Take(Signed(due)));
        Assert.False(identity.Take(Signed(due with { Version = 3 })));
        Assert.Null(identity.Pending);
        // Of another node, or of hardware that took this one's place.
        Assert.False(identity.Take(Signed(due with { Node = new("lyon-lab-2"), Version = 9 })));
        Assert.False(identity.Take(Signed(due with { IdentityKey = TestFleet.Stranger.Public, Version = 9 })));
        var dial = ParentLinkOptions.Of(new NodeSettings(1, TestFleet.Name, first.Node, NodeKind.Site, TestFleet.Eu, ["old:443"], 1), identity, home, null);
        Assert.Equal(["hub", "old"], dial.Signed().Concat(dial.Parents).Select(parent => parent.Host));
    }

    [Fact]
    public void A_record_without_its_key_is_named()
    {
        var home = Join("lost");
        home.KeepRecord(Signed(TestFleet.BaselRecord).Envelope);
        Assert.Contains("identity.pem is not the key", Assert.Throws<InvalidDataException>(() => Open(home)).Message, StringComparison.Ordinal);
    }

    /// <summary>
    /// Opens a copy of the folder as after a power cut. A hub whose record names any of <paramref name="hub"/> lets it in with the first or the
    /// second key it shows, and what the succession says holds under that record.
    /// </summary>
    private static void Check(NodeHome home, PublicKey[] hub)
    {
        using var identity = Open(home);
        var first = identity.Keys.ForDial("parent");
        var second = identity.Keys.Ended("parent", first, refused: true) ? identity.Keys.ForDial("parent") : first;
        foreach (var key in hub) Assert.True(first.Public.Equals(key) || second.Public.Equals(key), $"{key} is not shown");
        if (identity.Pending is not { } pending)
        {
            Assert.False(identity.Record.Record.SuccessionDue);
            return;
        }
        Assert.Equal(identity.Keys.Next!.Public, Succession.Verify(pending, identity.Record.Record).Next);
        // And the power goes again: the same succession is told.
        using var again = Open(Copy(home));
        Assert.Equal(pending.Payload, again.Pending!.Payload);
    }

    private NodeHome Join(string name)
    {
        var home = new NodeHome(Path.Combine(folder, name));
        using var key = home.LoadKey();
        home.KeepRecord(Signed(TestFleet.BaselRecord with { IdentityKey = key.Public }).Envelope);
        return home;
    }

    private static PublicKey Key(NodeHome home)
    {
        using var key = home.LoadKey();
        return key.Public;
    }

    private static NodeHome Cut(NodeHome home, NodeRecord? with = null)
    {
        var copy = Copy(home);
        if (with is not null) copy.KeepRecord(Signed(with).Envelope);
        return copy;
    }

    private static NodeHome Copy(NodeHome home)
    {
        var copy = new NodeHome(home.Folder + "-" + Guid.NewGuid().ToString("n"));
        foreach (var file in Directory.EnumerateFiles(home.Folder)) File.Copy(file, copy.FileOf(Path.GetFileName(file)), overwrite: true);
        return copy;
    }

    private static NodeIdentity Open(NodeHome home) => NodeIdentity.Open(home, [SignedGoldens.Root1]);

    private static SignedRecord Signed(NodeRecord record) => new(record, TestFleet.Sign(record));
}
