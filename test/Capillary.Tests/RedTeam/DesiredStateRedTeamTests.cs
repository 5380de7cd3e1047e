using Capillary.Core.Bundles;
using Capillary.Core.Identity;
using Capillary.Core.Protocol;
using Capillary.Core.Reports;
using Capillary.Core.Trust;
using Capillary.Node.Keys;
using Microsoft.AspNetCore.Http;
using Xunit;
using Xunit.Abstractions;

namespace Capillary.Tests.RedTeam;

/// <summary>What a region with all its own keys can make a real agent accept: nothing.</summary>
public sealed class DesiredStateRedTeamTests(ITestOutputHelper output) : IAsyncLifetime
{
    private readonly RedFleet fleet = new();
    private readonly SigningKey thrownAway = SigningKey.Create();
    private EvilParent evil = null!;
    private System.Net.IPEndPoint evilAt = null!;
    private Score score = null!;
    private Loot first = null!;
    private Loot second = null!;
    private int commits;

    public async Task InitializeAsync()
    {
        score = new Score(output);
        await fleet.StartAsync();
        await fleet.StartHonestRegionAsync();
        foreach (var site in (string[])["basel", "lyon", "tokyo"]) await fleet.JoinAsync(site, NodeKind.Site, fleet.Wire.At);
        fleet.StartSite();
        evil = fleet.EvilParent();
        evilAt = await evil.StartAsync();
        await fleet.UntilAsync("the site to run one", () => fleet.Applied() == "one basel");
        first = new Loot(fleet.Hub.Cell.Value);
        await fleet.ConvergeAsync("two", then: evilAt);
        second = new Loot(fleet.Hub.Cell.Value);
    }

    public async Task DisposeAsync()
    {
        await evil.DisposeAsync();
        await fleet.DisposeAsync();
        thrownAway.Dispose();
    }

    [Fact]
    public async Task RedTeam_no_forged_replayed_or_mixed_desired_state_is_accepted()
    {
        await ForgedPlansAsync();
        await HonestAgainAsync();
        await ReplayedAndMixedLinesAsync();
        await HonestAgainAsync();
        await TrustRootsAsync();
        await HonestAgainAsync();
        await BeaconsAsync();
        await ParentRecordsAsync();
        await HonestAgainAsync();
        await OwnRecordsAsync();
        await HonestAgainAsync();
        await RefusalsAsync();
        await HonestAgainAsync();
        await FloodsAsync();
        await HonestAgainAsync();
        await WrongBytesAsync();
        await HonestAgainAsync();
        score.AssertNothingAccepted(atLeast: 75);
    }

    private async Task ForgedPlansAsync()
    {
        // The bundle that it would like the site to go back to is here and whole.
        var (line, old) = (second.Of("basel"), first.Of("basel").Assignment.Bundle);
        await SayAsync("a checkpoint and a line signed with the region's key", Forgery.Plan(fleet.RegionKey, line, old, 100));
        await SayAsync("the same with a throw-away key", Forgery.Plan(thrownAway, line, old, 100));
        var named = Forgery.Plan(thrownAway, line, old, 100);
        var release = Root.ReleaseKeys[0].Id;
        await SayAsync("a throw-away signature under the release key's id",
            named with { Checkpoint = named.Checkpoint with { Signatures = [new(release, named.Checkpoint.Signatures[0].Sig)] } });
        await SayAsync("the beacon's signature under a checkpoint",
            named with { Checkpoint = named.Checkpoint with { Signatures = second.Beacon.Signatures } });
        await SayAsync("the newest beacon as a checkpoint", Forgery.Desired(second.Beacon, line.Line));
        await SayAsync("the honest checkpoint with a greater generation",
            Forgery.Desired(Forgery.Altered(line.Checkpoint.Envelope, "\"generation\":2", "\"generation\":9"), line.Line));
        await SayAsync("the honest checkpoint with another type",
            Forgery.Desired(line.Checkpoint.Envelope with { PayloadType = PayloadTypes.Record }, line.Line));
        await SayAsync("the honest checkpoint with no signature", Forgery.Desired(line.Checkpoint.Envelope with { Signatures = [] }, line.Line));
    }

    private async Task ReplayedAndMixedLinesAsync()
    {
        var now = fleet.Hub.Cell.Value.Lines[RedFleet.Basel];
        var (old, other, far) = (first.Of("basel"), Newest("lyon"), Newest("tokyo"));
        await SayAsync("an old line with its old checkpoint", Forgery.Honest(old));
        await SayAsync("an old line under the newest checkpoint", Forgery.Desired(now.Checkpoint.Envelope, old.Line));
        await SayAsync("the newest line under an old checkpoint", Forgery.Desired(old.Checkpoint.Envelope, now.Line));
        await SayAsync("another site's line with its valid proof", Forgery.Honest(other));
        await SayAsync("a line of another region's site with its valid proof", Forgery.Honest(far));
        await SayAsync("the line with the proof of another leaf", Forgery.Desired(now.Checkpoint.Envelope, other.Line with { Leaf = now.Line.Leaf }));
        await SayAsync("another site's line with this one's proof", Forgery.Desired(now.Checkpoint.Envelope, now.Line with { Leaf = other.Line.Leaf }));
        await SayAsync("all sites' lines at once", new Frame.Desired(now.Checkpoint.Envelope, [other.Line, far.Line, old.Line], true));
        var changed = now.Assignment with { Since = now.Assignment.Since + 1 };
        await SayAsync("a later line with the honest proof", Leaf(now, changed));
        await SayAsync("the line with another bundle", Leaf(now, now.Assignment with { Bundle = old.Assignment.Bundle }));
        await SayAsync("a later line with another bundle", Leaf(now, changed with { Bundle = old.Assignment.Bundle }));
        await SayAsync("the line with another fallback", Leaf(now, now.Assignment with { Fallback = other.Assignment.Bundle }));
        await SayAsync("another site's line under this one's name", Leaf(other, other.Assignment with { Site = RedFleet.Basel }));
        foreach (var index in (long[])[-1, 2, long.MaxValue])
            await SayAsync($"the proof at place {index}", Forgery.Desired(now.Checkpoint.Envelope, now.Line with { Index = index }));
        await SayAsync("an inner node of the tree as a leaf",
            Forgery.Desired(now.Checkpoint.Envelope, now.Line with { Leaf = [1, .. now.Line.Path[0], .. now.Line.Path[0]], Path = now.Line.Path.Skip(1).ToList() }));
        await SayAsync("a proof that holds null", Forgery.Desired(now.Checkpoint.Envelope, now.Line with { Path = [null!, null!] }));
        // A newer honest checkpoint, whose line for this site is kept back: nothing but the proof stands between it and a forged line.
        await fleet.CommitAsync("kept back");
        var (next, beside) = (Newest("basel"), Newest("lyon"));
        var forged = (next.Assignment with { Bundle = old.Assignment.Bundle, Fallback = null }).ToLeaf();
        await SayAsync("a forged line under a newer checkpoint", Forgery.Desired(next.Checkpoint.Envelope, next.Line with { Leaf = forged }));
        await SayAsync("the same with a neighbour's proof", Forgery.Desired(next.Checkpoint.Envelope, beside.Line with { Leaf = forged }));
        await SayAsync("the same without a proof", Forgery.Desired(next.Checkpoint.Envelope, new ProvenLine(forged, 0, [])));
        await SayAsync("the line before under a newer checkpoint", Forgery.Desired(next.Checkpoint.Envelope, now.Line));
        // Signed material of two generations, put together in every way.
        foreach (var (checkpoint, leaf, path) in from c in Moments from l in Moments from p in Moments where (c != l || l != p) select (c, l, p))
            await SayAsync($"checkpoint {Generation(checkpoint)}, leaf {Generation(leaf)}, proof {Generation(path)}", Forgery.Desired(
                checkpoint.Checkpoint.Envelope, path.Line with { Leaf = leaf.Line.Leaf }));
    }

    private async Task TrustRootsAsync()
    {
        using var rootKey = SigningKey.Load(Path.Combine(fleet.Of("hub"), "keys", "root.pem"));
        var own = fleet.RegionKey;
        await GreetAsync("a trust root signed by the region", query => Greeting(query) with { Chain = [Forgery.Sign(Forgery.Root(Root, own, 2), own)] });
        var twoKeys = Forgery.Root(Root, own, 2) with { RootKeys = [own.Public, thrownAway.Public], Threshold = 2 };
        await GreetAsync("a trust root that the old root signed and its own threshold did not",
            query => Greeting(query) with { Chain = [Forgery.Sign(twoKeys, rootKey, own)] });
        await GreetAsync("a well signed trust root that skips a version",
            query => Greeting(query) with { Chain = [Forgery.Sign(Forgery.Root(Root, own, 3), rootKey, own)] });
        var foreign = Forgery.Root(Root, own, 2) with { Fleet = new FleetName("others") };
        await GreetAsync("a well signed trust root of another fleet", query => Greeting(query) with { Chain = [Forgery.Sign(foreign, rootKey, own)] });
        await SayAsync("a forged trust root in a live session", Greeting(new(LinkProtocol.Version, new NodeName("basel"), 1)) with
        {
            Chain = [Forgery.Sign(Forgery.Root(Root, own, 2), own)],
        });
    }

    private async Task BeaconsAsync()
    {
        var (now, hub) = (fleet.Hub.Cell.Value, fleet.Hub.Keys.Identity.Public.Id);
        var (fleetName, checkpoint) = (fleet.Hub.Fleet, Newest("basel").Checkpoint);
        await SayAsync("a beacon of the future", new Frame.BeaconDown(Forgery.Beacon(fleet.RegionKey, fleetName, fleet.Time.Now.AddYears(9),
            checkpoint.Checkpoint.Generation, checkpoint.Digest)));
        await SayAsync("a beacon that revokes the hub", new Frame.BeaconDown(Forgery.Beacon(thrownAway, fleetName, fleet.Time.Now.AddHours(1),
            checkpoint.Checkpoint.Generation, checkpoint.Digest, hub)));
        await SayAsync("the honest beacon with another time", new Frame.BeaconDown(Forgery.Altered(now.Beacon!, "\"issuedAt\":\"2026", "\"issuedAt\":\"2036")));
        await SayAsync("a checkpoint as a beacon", new Frame.BeaconDown(checkpoint.Envelope));
        await SayAsync("an old beacon", new Frame.BeaconDown(first.Beacon));
        await SayAsync("the newest beacon again", new Frame.BeaconDown(now.Beacon!));
        await GreetAsync("a forged beacon in the greeting", query => Greeting(query) with
        {
            Beacon = Forgery.Beacon(fleet.RegionKey, fleetName, fleet.Time.Now.AddYears(9), 9, checkpoint.Digest),
        });
    }

    private async Task ParentRecordsAsync()
    {
        var region = fleet.RegionRecord;
        await GreetAsync("the hub's record with the region's key on the wire",
            query => Greeting(query) with { Record = fleet.Hub.Cell.Value.OwnRecord.Envelope });
        await GreetAsync("a site's record", query => Greeting(query) with { Record = fleet.Record("lyon").Envelope });
        await GreetAsync("a hub's record of its own making", query => Greeting(query) with
        {
            Record = Forgery.Record(fleet.RegionKey, region with { Node = new NodeName("hub"), Kind = NodeKind.Hub, Region = null, Version = 9 }),
        });
        await GreetAsync("a checkpoint as a record", query => Greeting(query) with { Record = second.Of("basel").Checkpoint.Envelope });
        await using var stranger = fleet.EvilParent(thrownAway);
        fleet.Wire.To = await stranger.StartAsync();
        fleet.Wire.Cut();
        var before = fleet.SiteFacts();
        var outcome = await stranger.GreetAsync(Greeting, fleet.Stop);
        Count("the region's record with another key on the wire", before, outcome == GreetingOutcome.Greeted ? "the site said hello" : null);
        Assert.All(stranger.Heard, frame => Assert.Fail($"the site said {frame.GetType().Name} to a stranger"));
        fleet.Wire.To = evilAt;
        fleet.Wire.Cut();
    }

    private async Task OwnRecordsAsync()
    {
        var own = fleet.Record("basel").Record;
        foreach (var (what, record) in new (string, NodeRecord)[]
        {
            ("other parents", own with { Version = 9, Parents = ["127.0.0.1:1"] }),
            ("another key", own with { Version = 9, IdentityKey = thrownAway.Public }),
            ("a succession that is due", own with { Version = 9, SuccessionDue = true }),
            ("a revocation", own with { Version = 9, State = RecordState.Revoked }),
            ("another region", own with { Version = 9, Region = new RegionId("us") }),
        })
        {
            await SayAsync($"its own record with {what}", Records(Forgery.Record(fleet.RegionKey, record)));
            await SayAsync($"its own record with {what}, by another's hand", Records(Forgery.Record(thrownAway, record)));
        }
        await SayAsync("its honest record with another version", Records(Forgery.Altered(fleet.Record("basel").Envelope, "\"version\":1", "\"version\":9")));
        await SayAsync("its own record again", Records(fleet.Record("basel").Envelope));
        await SayAsync("an empty whole set", new Frame.RecordSet([], true, true));
        await SayAsync("the record of another site", Records(fleet.Record("lyon").Envelope));
        await SayAsync("the records of all", Records(fleet.Record("lyon").Envelope, fleet.Record("tokyo").Envelope, fleet.Record("eu").Envelope));
        await SayAsync("whole sets that never end",
            [.. Enumerable.Range(0, 50).Select(_ => new Frame.RecordSet([fleet.Record("lyon").Envelope], true, false))]);
    }

    private async Task RefusalsAsync()
    {
        foreach (var code in (string[])["old-key", "moved", "revoked", "not-enrolled", "two-sessions", "no-such-code"])
            await SayAsync($"a refusal '{code}' without a cause", new Frame.Refusal(code, "believe me"));
        await GreetWithRefusalAsync("a refusal before the greeting", new Frame.Refusal("revoked", "believe me"));
        await GreetWithRefusalAsync("a refusal of four million letters", new Frame.Refusal("revoked", new string('x', 4_000_000)));
        Assert.True(new FileInfo(Path.Combine(fleet.Site, "link.json")).Length < 2000);
    }

    [Fact]
    public void RedTeam_what_a_refusal_says_is_short_and_plain()
    {
        using var key = SigningKey.Create();
        var root = new TrustRoot(1, new FleetName("labs"), 1, [key.Public], 1, [key.Public], [key.Public]);
        var session = new ChildSession(new NodeName("basel"), TrustState.Begin(Forgery.Sign(root, key)), key.Public.Id, () => throw new InvalidOperationException());
        var refusal = new Frame.Refusal("revoked\n" + new string('c', 1000), "\e[2J\n2026-11-20 all is well" + new string('x', 1_000_000));
        var fail = Assert.IsType<ChildOutput.Fail>(Assert.Single(session.OnFrame(refusal, DateTimeOffset.UnixEpoch)));
        Assert.StartsWith("?[2J?2026-11-20 all is well", fail.Reason, StringComparison.Ordinal);
        Assert.Equal((40, 400), (fail.Code.Length, fail.Reason.Length));
    }

    /// <summary>The thief of a release key works in the region; its owner rotated the key with the root key, and the site has heard of it.</summary>
    [Fact]
    public async Task A_rotated_release_key_signs_nothing_that_counts()
    {
        using var rootKey = SigningKey.Load(Path.Combine(fleet.Of("hub"), "keys", "root.pem"));
        using var next = SigningKey.Create();
        var (stolen, stolenBeacon) = (fleet.Hub.Keys.Release, fleet.Hub.Keys.Beacon);
        var (line, old) = (Newest("basel"), first.Of("basel").Assignment.Bundle);
        var root = Forgery.Sign(Root with { Version = 2, ReleaseKeys = [next.Public], BeaconKeys = [next.Public] }, rootKey);
        var region = Forgery.Record(next, fleet.RegionRecord with { Version = 2 });
        evil.Greeting = _ => new Frame.TrustAnswer([root], region, null);
        (await evil.SessionAsync(fleet.Stop)).Cut();
        await fleet.UntilAsync("the site to know the new root", () => File.Exists(Path.Combine(fleet.Site, "trust", "root-00000002.json")));

        await SayAsync("a plan", Forgery.Plan(stolen, line, old, 100));
        await SayAsync("the newest honest line, proven by the old key", Forgery.Honest(line));
        await SayAsync("the site's record", Records(Forgery.Record(stolen, fleet.Record("basel").Record with { Version = 9, SuccessionDue = true })));
        await SayAsync("a beacon", new Frame.BeaconDown(Forgery.Beacon(stolenBeacon, fleet.Hub.Fleet, fleet.Time.Now.AddYears(9), 9, line.Checkpoint.Digest)));
        await GreetAsync("a parent's record", _ => new Frame.TrustAnswer([root], Forgery.Record(stolen, fleet.RegionRecord with { Version = 9 }), null));
        await GreetAsync("the way back to the old root", _ => new Frame.TrustAnswer(fleet.Hub.Cell.Value.TrustRoots, fleet.Record("eu").Envelope, null));
        score.AssertNothingAccepted(atLeast: 6);

        // The same by the new key counts, so the attacks failed for their key alone.
        await SayAndForgetAsync(Forgery.Plan(next, line, old, 100));
        await fleet.UntilAsync("the site to take what the new key signs", () => fleet.Applied() == "one basel");
    }

    private async Task SayAndForgetAsync(Frame frame)
    {
        await evil.SessionAsync(fleet.Stop);
        await evil.SayAsync(fleet.Stop, frame);
    }

    private async Task FloodsAsync()
    {
        await RawAsync("a frame without an end", async stream =>
        {
            await stream.WriteAsync(new byte[] { 0, 0x40, 0, 0 });
            for (var i = 0; i < 64; i++) await stream.WriteAsync(new byte[1 << 15]);
        });
        await RawAsync("a frame of four gigabytes", stream => stream.WriteAsync(new byte[] { 0xff, 0xff, 0xff, 0xff }).AsTask());
        await RawAsync("a frame of nothing", stream => stream.WriteAsync(new byte[] { 0, 0, 0, 0 }).AsTask());
        await RawAsync("a frame that is no JSON", stream => stream.WriteAsync(new byte[] { 0, 0, 0, 4, 1, 2, 3, 4 }).AsTask());
        var line = Newest("lyon");
        await SayAsync("a hundred thousand lines of others", [.. Enumerable.Range(0, 100).Select(_ =>
            new Frame.Desired(line.Checkpoint.Envelope, [.. Enumerable.Repeat(line.Line, 1000)], false))]);
    }

    private async Task WrongBytesAsync()
    {
        await fleet.CommitAsync("with wrong bytes");
        var honest = evil.Serve;
        var endless = 0L;
        foreach (var (what, serve) in new (string, Func<HttpContext, Digest, Task>)[]
        {
            ("other bytes for a digest", (context, _) => context.Response.Body.WriteAsync(new byte[100]).AsTask()),
            ("the bytes of an older bundle", (context, _) => fleet.ServeAsync(context, first.Of("basel").Assignment.Bundle)),
            ("no bytes", (context, _) => Task.CompletedTask),
            ("bytes without an end", async (context, _) =>
            {
                var some = new byte[1 << 16];
                for (var i = 0; i < 2000 && !context.RequestAborted.IsCancellationRequested; i++)
                {
                    await context.Response.Body.WriteAsync(some, context.RequestAborted);
                    endless += some.Length;
                }
            }),
        })
        {
            var asked = 0;
            evil.Serve = async (context, digest) =>
            {
                Interlocked.Increment(ref asked);
                await serve(context, digest);
            };
            var before = fleet.Applied();
            // The line itself is honest and is accepted; what it names is not there.
            await evil.SayAsync(fleet.Stop, Forgery.Honest(Newest("basel")));
            await fleet.UntilAsync($"the site to ask for content ({what})", () => Volatile.Read(ref asked) > 0);
            score.Count($"wrong content: {what}", fleet.Applied() == before ? null : $"applied '{fleet.Applied()}'");
        }
        Assert.True(new DirectoryInfo(Path.Combine(fleet.Site, "blobs")).EnumerateFiles("*", SearchOption.AllDirectories).Sum(file => file.Length) < 32 << 20);
        output.WriteLine($"{endless} endless bytes were written before the site hung up");
        evil.Serve = honest;
        await fleet.UntilAsync("the site to run it once the bytes are right", () => fleet.Applied() == "with wrong bytes basel");
    }

    /// <summary>
    /// A region can say that the hub keeps what it does not: events are lost at the site then, and the hub hears which as soon as another
    /// parent brings the next ones.
    /// </summary>
    [Fact]
    public async Task RedTeam_numbers_that_a_region_says_are_kept_are_named_as_dropped()
    {
        var record = fleet.Record("basel").Record;
        foreach (var seq in (long[])[-1, long.MinValue, long.MaxValue, EventBatch.MaxNumber, EventBatch.MaxNumber / 2, 1_000_000])
            await SayAsync($"events kept up to {seq}", new Frame.EventsAck(RedFleet.Basel, record.Version, seq));
        await SayAsync("events of another incarnation kept", new Frame.EventsAck(RedFleet.Basel, 99, 5));
        await SayAsync("events of another site kept", new Frame.EventsAck(new SiteId("lyon"), 1, 5));
        await HonestAgainAsync();
        await fleet.UntilAsync("every number to be kept or named as dropped", () =>
        {
            var kept = fleet.Hub.Database.Read(db => Capillary.HubNode.Storage.EventTables.List(db, RedFleet.Basel, 0, 10_000));
            return kept.Any(one => one.Type == Capillary.Core.Reports.SiteEvent.DroppedType) && kept[^1].Type != Capillary.Core.Reports.SiteEvent.DroppedType;
        });
        var expected = 1L;
        foreach (var one in fleet.Hub.Database.Read(db => Capillary.HubNode.Storage.EventTables.List(db, RedFleet.Basel, 0, 10_000)))
        {
            Assert.Equal(expected, one.First);
            expected = one.Last + 1;
        }
    }

    private TrustRoot Root => TrustRoot.Parse(fleet.Hub.Cell.Value.TrustRoots[^1]);

    private OfferedLine Newest(string site) => fleet.Line(site);

    private IEnumerable<OfferedLine> Moments => [first.Of("basel"), second.Of("basel")];

    private static long Generation(OfferedLine line) => line.Checkpoint.Checkpoint.Generation;

    private static Frame.Desired Leaf(OfferedLine like, Assignment assignment) =>
        Forgery.Desired(like.Checkpoint.Envelope, like.Line with { Leaf = assignment.ToLeaf() });

    private static Frame.RecordSet Records(params Envelope[] records) => new(records, false, true);

    private Frame.TrustAnswer Greeting(Frame.TrustQuery query) => fleet.Greeting(query);

    private async Task SayAsync(string attack, params Frame[] frames)
    {
        await evil.SessionAsync(fleet.Stop);
        var before = fleet.SiteFacts();
        await evil.SayAsync(fleet.Stop, frames);
        Count(attack, before, null);
    }

    private async Task RawAsync(string attack, Func<Stream, Task> say)
    {
        var session = await evil.SessionAsync(fleet.Stop);
        var before = fleet.SiteFacts();
        await session.SayAsync(() => say(session.Raw), fleet.Stop);
        Count(attack, before, null);
    }

    private async Task GreetAsync(string attack, Func<Frame.TrustQuery, Frame> greeting)
    {
        await evil.SessionAsync(fleet.Stop);
        var before = fleet.SiteFacts();
        var outcome = await evil.GreetAsync(greeting, fleet.Stop);
        Count(attack, before, outcome == GreetingOutcome.Greeted ? "the site said hello" : null);
    }

    private Task GreetWithRefusalAsync(string attack, Frame.Refusal refusal) => GreetAsync(attack, _ => refusal);

    private void Count(string attack, SortedDictionary<string, string> before, string? accepted) =>
        score.Count(attack, accepted ?? RedFleet.Differs(before, fleet.SiteFacts()));

    private async Task HonestAgainAsync() => await fleet.ConvergeAsync($"honest {++commits}", then: evilAt);
}
