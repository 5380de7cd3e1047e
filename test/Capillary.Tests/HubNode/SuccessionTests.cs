using Capillary.Core.Bundles;
using Capillary.Core.Identity;
using Capillary.Core.Reports;
using Capillary.Core.Trust;
using Capillary.HubNode;
using Capillary.HubNode.Publish;
using Capillary.HubNode.Storage;
using Capillary.Node.Keys;
using Xunit;

namespace Capillary.Tests.HubNode;

/// <summary>New identity keys of sites, regions and the hub.</summary>
public sealed class SuccessionTests : IDisposable
{
    private readonly TempFolder folder = new();
    private readonly TestCommits commits = new();
    private readonly MovedTime time = new();
    private TestHub hub;

    public SuccessionTests()
    {
        commits.Commit("c1", "a=1", "b=1", "c=1");
        hub = new TestHub(folder.Path, commits, time);
        hub.SettleAsync().GetAwaiter().GetResult();
    }

    private NodeRecord RecordOf(string node) => hub.Hub.Cell.Value.Records[new NodeName(node)].Record;

    /// <summary>A succession that was asked for: no other is taken.</summary>
    private string? Take(string node, SigningKey old, SigningKey next)
    {
        hub.Hub.Successions.Ask(new NodeName(node), "tester");
        return hub.Hub.Successions.Take(Sign(node, old, next), RecordOf(node));
    }

    /// <summary>Whoever stole a key cannot make the node his own with it.</summary>
    [Fact]
    public void A_succession_that_nobody_asked_for_is_refused()
    {
        using var old = hub.Enroll("a");
        using var next = SigningKey.Create();
        var before = RecordOf("a");
        Assert.Contains("no new key was asked of 'a'", hub.Hub.Successions.Take(Sign("a", old, next), before), StringComparison.Ordinal);
        Assert.Equal(before, RecordOf("a"));
    }

    private Envelope Sign(string node, SigningKey old, SigningKey next)
    {
        var payload = new Succession(1, hub.Hub.Fleet, new NodeName(node), old.Public, next.Public).ToPayload();
        return new Envelope(PayloadTypes.Succession, payload,
            [old.SignatureOf(PayloadTypes.Succession, payload), next.SignatureOf(PayloadTypes.Succession, payload)]);
    }

    private void Restart(Func<HubOptions, HubOptions>? change = null)
    {
        hub.Dispose();
        hub = new TestHub(folder.Path, commits, time, change);
    }

    [Fact]
    public void A_succession_gives_the_next_record_and_may_be_said_again()
    {
        using var old = hub.Enroll("a");
        using var next = SigningKey.Create();
        hub.Hub.Successions.Ask(new NodeName("a"), "tester");
        Assert.True(RecordOf("a").SuccessionDue);
        Assert.NotNull(hub.Hub.Views.Find(new SiteId("a"))!.Key!.SuccessionSince);
        var said = Sign("a", old, next);
        Assert.Null(hub.Hub.Successions.Take(said, RecordOf("a")));
        var record = RecordOf("a");
        Assert.Equal((next.Public.Id, old.Public.Id, 3L, false), (record.IdentityKey.Id, record.Previous, record.Version, record.SuccessionDue));
        Assert.Null(hub.Hub.Views.Find(new SiteId("a"))!.Key!.SuccessionSince);
        Assert.Null(hub.Hub.Successions.Take(said, record));
        Assert.Equal(3, RecordOf("a").Version);
        Restart();
        Assert.Null(hub.Hub.Successions.Take(said, RecordOf("a")));
        Assert.Equal((3L, next.Public.Id), (RecordOf("a").Version, RecordOf("a").IdentityKey.Id));
        Assert.Equal(["node.succeed", "node.rotate-key", "node.enroll"], Actions().Take(3));
    }

    [Fact]
    public void A_key_that_any_node_ever_had_is_no_next_key()
    {
        using var old = hub.Enroll("a");
        using var other = hub.Enroll("b");
        using var next = SigningKey.Create();
        Assert.Null(Take("a", old, next));
        Assert.Contains("of 'b'", Take("a", next, other)!);
        Assert.Contains("of 'a'", Take("a", next, old)!);
        Assert.Contains("of a key that 'a' no longer has", Take("a", old, SigningKey.Create())!);
        Assert.Equal(next.Public.Id, RecordOf("a").IdentityKey.Id);
    }

    [Fact]
    public void A_revoked_node_has_no_next_key_and_its_old_one_is_in_the_beacon()
    {
        using var old = hub.Enroll("a");
        hub.Hub.Records.Issue(new NodeName("a"), "tester", "node.revoke", record => record! with { State = RecordState.Revoked });
        Assert.Contains("not active", Take("a", old, SigningKey.Create())!);
        Assert.Equal([old.Public.Id], Revoked());
        time.Now += Revocations.InBeaconFor;
        hub.Hub.Publisher.Beat();
        Assert.Empty(Revoked());
    }

    [Fact]
    public void A_replaced_key_is_in_the_beacon_a_succeeded_one_is_not()
    {
        using var old = hub.Enroll("a");
        using var next = SigningKey.Create();
        Assert.Null(Take("a", old, next));
        Assert.Empty(Revoked());
        using var fresh = hub.Enroll("a");
        Assert.Equal([next.Public.Id], Revoked());
        Assert.Null(RecordOf("a").Previous);
    }

    [Fact]
    public void The_hubs_old_key_is_in_the_beacon_when_somebody_else_may_have_it()
    {
        var first = hub.Hub.Keys.Identity.Public.Id;
        var done = Assert.IsType<AskOutcome.Done>(hub.Hub.Successions.Ask(HubFolder.HubNode, "tester"));
        Assert.Equal((done.KeyId, done.KeyId), (hub.Hub.Keys.Identity.Public.Id, hub.Hub.Cell.Value.OwnRecord.Record.IdentityKey.Id));
        Assert.Empty(Revoked());
        hub.Hub.Successions.Ask(HubFolder.HubNode, "tester", revokesOld: true);
        Assert.Equal(((string[])[first, done.KeyId]).Order(), Revoked().Order());
    }

    [Fact]
    public void A_hub_that_may_not_sign_records_yet_signs_none()
    {
        using var old = hub.Enroll("a");
        using var next = SigningKey.Create();
        hub.Hub.Records.Closed = () => "it was restored";
        Assert.Contains("it was restored", Take("a", old, next)!);
        Assert.Contains("it was restored", Assert.IsType<AskOutcome.Refused>(hub.Hub.Successions.Ask(new NodeName("a"), "tester")).Reason);
        time.Now += TimeSpan.FromDays(91);
        hub.Hub.Successions.Step();
        Assert.Equal((1, 1), (RecordOf("a").Version, hub.Hub.Cell.Value.OwnRecord.Record.Version));
        hub.Hub.Records.Closed = () => null;
        Assert.Null(Take("a", old, next));
    }

    [Fact]
    public void A_beacon_carries_few_revocations()
    {
        hub.Hub.Database.Write(db =>
        {
            for (var i = 0; i < Revocations.MostInBeacon + 50; i++) Revocations.Add(db, Digest.Of([(byte)i]).Hex, time.Now.AddMinutes(i));
        });
        time.Now += TimeSpan.FromDays(1);
        hub.Hub.Publisher.Beat();
        var revoked = Revoked();
        Assert.Equal(Revocations.MostInBeacon, revoked.Count);
        Assert.Equal(Digest.Of([149]).Hex, revoked[0]);
    }

    [Fact]
    public async Task Keys_are_replaced_by_age_few_at_a_time_and_only_of_sites_that_are_heard()
    {
        Restart(options => options with { SuccessionsAtOnce = 1 });
        using var a = hub.Enroll("a");
        time.Now += TimeSpan.FromMinutes(1);
        using var b = hub.Enroll("b");
        using var c = hub.Enroll("c");
        hub.Hub.Successions.Step();
        Assert.Empty(Due());
        time.Now += TimeSpan.FromDays(91);
        hub.Hub.Successions.Step();
        Assert.Empty(Due());
        Assert.Equal(2, hub.Hub.Cell.Value.OwnRecord.Record.Version);
        await hub.ReportAsync("a", a, ReportPhase.Healthy, 1);
        await hub.ReportAsync("b", b, ReportPhase.Healthy, 1);
        hub.Hub.Successions.Step();
        hub.Hub.Successions.Step();
        Assert.Equal(["a"], Due());
        using var next = SigningKey.Create();
        Assert.Null(Take("a", a, next));
        hub.Hub.Successions.Step();
        Assert.Equal(["b"], Due());
    }

    [Fact]
    public async Task A_report_of_the_key_before_is_not_lost_at_a_restart_one_of_replaced_hardware_is()
    {
        using var old = hub.Enroll("a");
        using var replaced = hub.Enroll("b");
        await hub.ReportAsync("a", old, ReportPhase.Healthy, 1);
        await hub.ReportAsync("b", replaced, ReportPhase.Healthy, 1);
        using var one = SigningKey.Create();
        using var two = SigningKey.Create();
        Assert.Null(Take("a", old, one));
        Assert.Null(Take("a", one, two));
        using var fresh = hub.Enroll("b");
        Restart();
        Assert.Equal(1, hub.Hub.Sites.Seen[new SiteId("a")].Report?.Seq);
        Assert.False(hub.Hub.Sites.Seen.ContainsKey(new SiteId("b")));
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void The_hubs_own_key_survives_a_crash_before_and_after_its_record(bool recordKept)
    {
        var keys = Path.Combine(folder.Path, "keys");
        var (current, next) = (Path.Combine(keys, "identity.pem"), Path.Combine(keys, "identity-next.pem"));
        var before = File.ReadAllBytes(current);
        if (recordKept) hub.Hub.Successions.Ask(HubFolder.HubNode, "tester");
        else hub.Hub.Keys.Next(KeyUse.Identity);
        hub.Dispose();
        // The moment between the record and the move of the file.
        if (recordKept) File.Move(current, next);
        if (recordKept) File.WriteAllBytes(current, before);
        File.SetUnixFileMode(current, UnixFileMode.UserRead | UnixFileMode.UserWrite);
        hub = new TestHub(folder.Path, commits, time);
        var own = hub.Hub.Cell.Value.OwnRecord.Record;
        Assert.Equal(recordKept ? 2 : 1, own.Version);
        Assert.Equal(own.IdentityKey, hub.Hub.Keys.Identity.Public);
        Assert.Equal(recordKept, !File.ReadAllBytes(current).AsSpan().SequenceEqual(before));
        Assert.False(File.Exists(next));
    }

    [Fact]
    public void A_site_whose_region_changes_gets_its_line_under_a_new_proof()
    {
        using var key = hub.Enroll("a");
        var before = hub.Hub.Publisher.Generation;
        hub.Hub.Records.Issue(new NodeName("a"), "tester", "node.move",
            record => record!.MovedTo(new RegionId("us"), ["us.example.org:443"], wasHere: true));
        var line = hub.Hub.Cell.Value.Lines[new SiteId("a")];
        Assert.Equal((before + 1, "us", before), (line.ProvenAt, line.Region.Value, line.Assignment.Since));
        var root = HubStart.NewestRoot(hub.Hub.Cell.Value.TrustRoots);
        Assert.Equal(before + 1, VerifiedCheckpoint.Verify(line.Checkpoint.Envelope, root).Checkpoint.Generation);
        Restart();
        Assert.Equal("us", hub.Hub.Cell.Value.Lines[new SiteId("a")].Region.Value);
        Assert.Equal(before + 1, hub.Hub.Publisher.Generation);
        Assert.False(hub.Hub.Rollout.Step());
    }

    private List<string> Due() => [.. hub.Hub.Cell.Value.Records.Values.Where(item => item.Record.SuccessionDue)
        .Select(item => item.Record.Node.Value).Order()];

    private IReadOnlyList<string> Revoked() =>
        Beacon.Verify(hub.Hub.Cell.Value.Beacon!, HubStart.NewestRoot(hub.Hub.Cell.Value.TrustRoots)).Revocations;

    private List<string> Actions() => [.. hub.Hub.Database.Read(db => JournalTable.List(db, long.MaxValue, 20)).Select(entry => entry.Action)];

    public void Dispose()
    {
        hub.Dispose();
        folder.Dispose();
    }
}
