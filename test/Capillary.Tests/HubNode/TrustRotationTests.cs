using Capillary.Core.Identity;
using Capillary.Core.Trust;
using Capillary.HubNode;
using Capillary.HubNode.Publish;
using Capillary.HubNode.Storage;
using Capillary.Node.Keys;
using Xunit;

namespace Capillary.Tests.HubNode;

/// <summary>The next trust root: nothing before it, everything after it.</summary>
public sealed class TrustRotationTests : IDisposable
{
    private readonly TempFolder folder = new();
    private readonly TestCommits commits = new();
    private readonly MovedTime time = new();
    private readonly SigningKey[] rootKeys = [.. Enumerable.Range(0, 3).Select(_ => SigningKey.Create())];
    private TestHub hub;

    public TrustRotationTests()
    {
        commits.Commit("c1", "a=1", "b=1");
        HubFolder.Init(folder.Path, new FleetName("labs"), new RootKeys([.. rootKeys.Select(key => key.Public)], 2, rootKeys[..2]), time.Now);
        hub = new TestHub(folder.Path, commits, time);
        hub.SettleAsync().GetAwaiter().GetResult();
        hub.Enroll("a").Dispose();
    }

    private string KeyFile(string name) => Path.Combine(folder.Path, "keys", name);

    private Envelope Prepare(bool release, bool beacon, params SigningKey[] signers)
    {
        var prepared = Assert.IsType<RotationOutcome.Prepared>(hub.Hub.Rotation.Prepare(new RotationWish(release, beacon, null, null)));
        return Sign(prepared.Payload, signers);
    }

    private static Envelope Sign(byte[] payload, params SigningKey[] signers) => new(PayloadTypes.TrustRoot, payload,
        [.. signers.Select(key => key.SignatureOf(PayloadTypes.TrustRoot, payload))]);

    private RotationOutcome Submit(Envelope envelope) => hub.Hub.Rotation.Submit(envelope, "tester");

    /// <summary>All that is offered holds under the newest root, and nothing of it under the one before.</summary>
    private void AllHolds(bool onlyUnderNewest)
    {
        var state = hub.Hub.Cell.Value;
        var (newest, before) = (HubStart.NewestRoot(state.TrustRoots), TrustRoot.Parse(state.TrustRoots[^2]));
        foreach (var record in state.Records.Values.Append(state.OwnRecord))
        {
            NodeRecord.Verify(record.Envelope, newest);
            if (onlyUnderNewest) Assert.Throws<TrustFormatException>(() => NodeRecord.Verify(record.Envelope, before));
        }
        foreach (var line in state.Lines.Values)
        {
            VerifiedCheckpoint.Verify(line.Checkpoint.Envelope, newest);
            if (onlyUnderNewest) Assert.Throws<TrustFormatException>(() => VerifiedCheckpoint.Verify(line.Checkpoint.Envelope, before));
            Assert.True(MerkleTree.Verify(MerkleTree.HashLeaf(line.Line.Leaf), line.Line.Index, line.Checkpoint.Checkpoint.Size,
                line.Line.Path, line.Checkpoint.Checkpoint.Root));
        }
        Beacon.Verify(state.Beacon!, newest);
    }

    [Fact]
    public async Task Two_of_three_root_keys_replace_release_and_beacon_key_in_one_step()
    {
        var before = hub.Hub.Cell.Value;
        var applied = Assert.IsType<RotationOutcome.Applied>(Submit(Prepare(true, true, rootKeys[1], rootKeys[2])));
        Assert.Equal((2L, 2), (applied.Version, applied.Records));
        AllHolds(onlyUnderNewest: true);
        var after = hub.Hub.Cell.Value;
        var (old, now) = (before.Lines[new SiteId("a")], after.Lines[new SiteId("a")]);
        Assert.Equal((old.ProvenAt + 1, old.Assignment), (now.ProvenAt, now.Assignment));
        Assert.Equal(2, after.Records[new NodeName("a")].Record.Version);
        Assert.False(File.Exists(KeyFile("release-next.pem")));
        Assert.Equal(HubStart.NewestRoot(after.TrustRoots).ReleaseKeys[0], SigningKey.Load(KeyFile("release.pem")).Public);
        // It goes on: a rollout under the new key, and a restart.
        commits.Commit("c2", "a=2", "b=1");
        await hub.SettleAsync();
        hub.Dispose();
        hub = new TestHub(folder.Path, commits, time);
        AllHolds(onlyUnderNewest: true);
        Assert.Null(hub.Hub.Database.Read(JournalTable.FirstBroken));
    }

    [Fact]
    public void Too_few_or_foreign_signatures_change_nothing()
    {
        using var stranger = SigningKey.Create();
        var before = hub.Hub.Cell.Value;
        Assert.Contains("1 of 2", Refused(Prepare(true, true, rootKeys[0])));
        Assert.Contains("1 of 2", Refused(Prepare(true, true, rootKeys[0], stranger)));
        Assert.Contains("1 of 2", Refused(Prepare(true, true, rootKeys[0], rootKeys[0])));
        Assert.Same(before, hub.Hub.Cell.Value);
    }

    [Fact]
    public void New_root_keys_need_a_threshold_of_the_old_and_of_the_new()
    {
        using var fourth = SigningKey.Create();
        using var fifth = SigningKey.Create();
        var wish = new RotationWish(false, false, [fourth.Public, fifth.Public], 2);
        var payload = Assert.IsType<RotationOutcome.Prepared>(hub.Hub.Rotation.Prepare(wish)).Payload;
        Assert.Contains("1 of 2 required root keys of version 2", Refused(Sign(payload, rootKeys[0], rootKeys[1], fourth)));
        Assert.Contains("1 of 2 required root keys of version 1", Refused(Sign(payload, rootKeys[0], fourth, fifth)));
        var generation = hub.Hub.Publisher.Generation;
        var signed = Sign(payload, rootKeys[0], rootKeys[1], fourth, fifth);
        Assert.Equal(0, Assert.IsType<RotationOutcome.Applied>(Submit(signed)).Records);
        // Nothing was signed by another key, so nothing is proven anew.
        Assert.Equal(generation, hub.Hub.Publisher.Generation);
        AllHolds(onlyUnderNewest: false);
        Assert.IsType<RotationOutcome.Applied>(Submit(signed));
        Assert.Equal(2, hub.Hub.Cell.Value.TrustRoots.Count);
    }

    [Fact]
    public void Keys_that_the_hub_does_not_have_are_refused()
    {
        using var foreign = SigningKey.Create();
        var root = HubStart.NewestRoot(hub.Hub.Cell.Value.TrustRoots);
        var payload = (root with { Version = 2, ReleaseKeys = [foreign.Public] }).ToPayload();
        Assert.Contains("not one that this hub made", Refused(Sign(payload, rootKeys[0], rootKeys[1])));
        Assert.Contains("begin anew", Refused(Sign((root with { Version = 3 }).ToPayload(), rootKeys[0], rootKeys[1])));
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void A_crash_before_the_transaction_leaves_nothing_and_one_after_it_leaves_all(bool applied)
    {
        string[] names = ["release", "beacon"];
        var old = names.ToDictionary(name => name, name => File.ReadAllBytes(KeyFile($"{name}.pem")));
        var envelope = Prepare(true, true, rootKeys[0], rootKeys[2]);
        if (applied) Submit(envelope);
        hub.Dispose();
        foreach (var name in names.Where(_ => applied))
        {
            // The moment between the transaction and the move of the files.
            File.Move(KeyFile($"{name}.pem"), KeyFile($"{name}-next.pem"));
            File.WriteAllBytes(KeyFile($"{name}.pem"), old[name]);
            File.SetUnixFileMode(KeyFile($"{name}.pem"), UnixFileMode.UserRead | UnixFileMode.UserWrite);
        }
        hub = new TestHub(folder.Path, commits, time);
        Assert.Equal(applied ? 2 : 1, hub.Hub.Cell.Value.TrustRoots.Count);
        // A ceremony that takes days outlives a restart.
        Assert.Equal(!applied, File.Exists(KeyFile("release-next.pem")));
        Assert.IsType<RotationOutcome.Applied>(Submit(envelope));
        AllHolds(onlyUnderNewest: true);
        Assert.False(File.Exists(KeyFile("release-next.pem")));
    }

    [Fact]
    public void A_key_that_fits_nothing_stops_the_hub_and_says_which()
    {
        hub.Dispose();
        File.Delete(KeyFile("release.pem"));
        SigningKey.LoadOrCreate(KeyFile("release.pem")).Dispose();
        Assert.Contains("release.pem", Assert.Throws<InvalidDataException>(() => new TestHub(folder.Path, commits, time)).Message);
    }

    private string Refused(Envelope envelope) => Assert.IsType<RotationOutcome.Refused>(Submit(envelope)).Reason;

    public void Dispose()
    {
        hub.Dispose();
        folder.Dispose();
        foreach (var key in rootKeys) key.Dispose();
    }
}
