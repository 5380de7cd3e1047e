using Capillary.Core.Bundles;
using Capillary.Core.Identity;
using Capillary.Core.Protocol;
using Capillary.Core.Reports;
using Capillary.Core.Trust;
using Capillary.HubNode.Storage;
using Capillary.Node.Keys;
using Xunit;
using Xunit.Abstractions;

namespace Capillary.Tests.RedTeam;

/// <summary>What a region with all its own keys can make a real hub believe of its sites: nothing that they did not sign.</summary>
public sealed class ReportRedTeamTests(ITestOutputHelper output) : IAsyncLifetime
{
    private readonly RedFleet fleet = new();
    private readonly SigningKey thrownAway = SigningKey.Create();
    private SigningKey basel = null!;
    private SigningKey tokyo = null!;
    private Score score = null!;
    private HandRegion evil = null!;

    public async Task InitializeAsync()
    {
        score = new Score(output);
        await fleet.StartAsync();
        foreach (var site in (string[])["basel", "lyon", "tokyo"]) await fleet.JoinAsync(site, NodeKind.Site);
        (basel, tokyo) = (Key("basel"), Key("tokyo"));
        evil = await HandRegion.JoinAsync(fleet, fleet.RegionKey);
    }

    public async Task DisposeAsync()
    {
        evil.Dispose();
        await fleet.DisposeAsync();
        foreach (var key in (SigningKey[])[thrownAway, basel, tokyo]) key.Dispose();
    }

    [Fact]
    public async Task RedTeam_no_forged_or_replayed_report_is_accepted()
    {
        var (was, now) = (Sign(basel, Report("basel", 1, ReportPhase.Healthy)), Sign(basel, Report("basel", 2, ReportPhase.Degraded)));
        var (early, late) = (Sign(basel, Events("basel", 1, "one", "two")), Sign(basel, Events("basel", 3, "three")));
        await evil.SayAsync(new Frame.ReportUp(was), new Frame.ReportUp(now), new Frame.EventsUp(early), new Frame.EventsUp(late));
        await fleet.UntilAsync("the honest events", () => Kept().Count == 3);
        Assert.Equal(2, fleet.Hub.Sites.Seen[RedFleet.Basel].Report!.Seq);

        await ReportsAsync(was, now);
        await EventsAsync(early, late);
        await AboutOthersAsync();
        await HellosAsync();
        score.AssertNothingAccepted(atLeast: 50);

        // After all of it the site's own word still counts.
        var last = Report("basel", 3, ReportPhase.Healthy);
        evil.Dispose();
        evil = await HandRegion.JoinAsync(fleet, fleet.RegionKey);
        await evil.SayAsync(new Frame.ReportUp(Sign(basel, last)), new Frame.EventsUp(Sign(basel, Events("basel", 4, "four"))));
        await fleet.UntilAsync("the fourth event", () => Kept().Count >= 4);
        Assert.Equal(["one", "two", "three", "four"], Kept().Select(one => one.Text));
        Assert.Equal(4, fleet.Hub.Database.Read(db => EventTables.List(db, null, 0, 1000)).Count);
        Assert.Equal((3, ReportPhase.Healthy), (fleet.Hub.Sites.Seen[RedFleet.Basel].Report!.Seq, fleet.Hub.Sites.Seen[RedFleet.Basel].Report!.Phase));
    }

    private async Task ReportsAsync(Envelope was, Envelope now)
    {
        var better = Report("basel", 9, ReportPhase.Healthy);
        await SayAsync("a report signed with the region's key", Up(Sign(fleet.RegionKey, better)));
        await SayAsync("a report signed with a throw-away key", Up(Sign(thrownAway, better)));
        await SayAsync("a report under the site's key id", Up(Sign(thrownAway, better) with { Signatures = [new(basel.Public.Id, Sign(thrownAway, better).Signatures[0].Sig)] }));
        await SayAsync("a report without a signature", Up(Sign(thrownAway, better) with { Signatures = [] }));
        await SayAsync("an old report again", Up(was));
        await SayAsync("the newest report again", Up(now));
        await SayAsync("an old report with a newer number", Up(Forgery.Altered(was, "\"seq\":1", "\"seq\":8")));
        await SayAsync("the newest report with a better phase", Up(Forgery.Altered(now, "degraded", "healthy")));
        await SayAsync("an old report of a later incarnation", Up(Forgery.Altered(was, "\"incarnation\":1", "\"incarnation\":2")));
        await SayAsync("the old report's signature under the new one", Up(now with { Signatures = was.Signatures }));
        await SayAsync("a report as another document", Up(was with { PayloadType = PayloadTypes.Events }));
        await SayAsync("its report as one of its neighbour", Up(Forgery.Altered(now, "\"site\":\"basel\"", "\"site\":\"lyon\"")));
        await SayAsync("a report of its neighbour, signed by it", Up(Sign(basel, Report("basel", 9, ReportPhase.Healthy) with { Site = new SiteId("lyon") })));
        await SayAsync("a well signed report of another region's site", Up(Sign(tokyo, Report("tokyo", 1, ReportPhase.Healthy))));
        await SayAsync("a report of a site that nobody enrolled", Up(Sign(thrownAway, Report("basel", 1, ReportPhase.Healthy) with { Site = new SiteId("nice") })));
        await SayAsync("a report of the region itself", Up(Sign(fleet.RegionKey, Report("basel", 1, ReportPhase.Healthy) with { Site = new SiteId("eu") })));
        await SayAsync("a report of the hub", Up(Sign(fleet.RegionKey, Report("basel", 1, ReportPhase.Healthy) with { Site = new SiteId("hub") })));
        await SayAsync("a report that is no document", Up(fleet.RegionKey.Sign(PayloadTypes.Report, [1, 2, 3])));
        await SayAsync("a report of a generation that nobody published", Up(Sign(fleet.RegionKey, better with { Generation = 999 })));
    }

    private async Task EventsAsync(Envelope early, Envelope late)
    {
        await SayAsync("events signed with the region's key", Tell(Sign(fleet.RegionKey, Events("basel", 4, "forged"))));
        await SayAsync("events signed with a throw-away key", Tell(Sign(thrownAway, Events("basel", 4, "forged"))));
        await SayAsync("events again", Tell(early), Tell(late), Tell(early));
        await SayAsync("events with later numbers", Tell(Forgery.Altered(late, "\"first\":3", "\"first\":4")));
        await SayAsync("events of a later incarnation", Tell(Forgery.Altered(late, "\"incarnation\":1", "\"incarnation\":2")));
        await SayAsync("events with another text", Tell(Forgery.Altered(late, "three", "thre3")));
        await SayAsync("its events as those of its neighbour", Tell(Forgery.Altered(late, "\"site\":\"basel\"", "\"site\":\"lyon\"")));
        await SayAsync("a forged dropped range", Tell(Sign(fleet.RegionKey, Events("basel", 4, "x") with
        {
            Events = [new SiteEvent(fleet.Time.Now, SiteEvent.DroppedType, Dropped: new DroppedEvents(4, 1_000_000, "believe me"))],
        })));
        await SayAsync("well signed events of another region's site", Tell(Sign(tokyo, Events("tokyo", 1, "one"))));
        await SayAsync("events of a site that nobody enrolled", Tell(Sign(thrownAway, Events("nice", 1, "one"))));
        await SayAsync("a report as events", Tell(Sign(basel, Report("basel", 5, ReportPhase.Healthy))));
        // What the site signed and the region held back is kept in its order or not at all.
        await SayAsync("well signed events behind a hole", Tell(Sign(basel, Events("basel", 9, "nine"))));
        await SayAsync("well signed events of an incarnation that is not there yet", Tell(Sign(basel, Events("basel", 1, "one") with { Incarnation = 9 })));
    }

    private async Task AboutOthersAsync()
    {
        var record = fleet.Record("basel").Record;
        foreach (var (what, signers) in new (string, SigningKey[])[]
        {
            ("the region's key", [fleet.RegionKey]), ("the new key alone", [thrownAway]), ("the region's and the new key", [fleet.RegionKey, thrownAway]),
            ("the old key alone", [basel]),
        })
        {
            var payload = new Succession(1, fleet.Hub.Fleet, record.Node, basel.Public, thrownAway.Public).ToPayload();
            await SayAsync($"a succession of its site, signed with {what}", new Frame.SuccessionUp(new Envelope(PayloadTypes.Succession, payload,
                [.. signers.Select(key => key.SignatureOf(PayloadTypes.Succession, payload))])));
        }
        var far = new Succession(1, fleet.Hub.Fleet, new NodeName("tokyo"), tokyo.Public, thrownAway.Public).ToPayload();
        await SayAsync("a well signed succession of another region's site", new Frame.SuccessionUp(new Envelope(PayloadTypes.Succession, far,
            [tokyo.SignatureOf(PayloadTypes.Succession, far), thrownAway.SignatureOf(PayloadTypes.Succession, far)])));
        await SayAsync("life of another region's site", new Frame.Alive([new SiteId("tokyo")]));
        await SayAsync("life of a site that nobody enrolled", new Frame.Alive([new SiteId("nice"), new SiteId("hub"), new SiteId("eu")]));
        await SayAsync("life of a site that never reported", new Frame.Alive([new SiteId("lyon")]));
        await SayAsync("copied keys of other's nodes", new Frame.CloneUp([.. ((string[])["tokyo", "hub", "eu", "nice"]).Select(node =>
            new CloneSighting(new NodeName(node), tokyo.Public.Id, CloneSign.TwoSessions, 5, fleet.Time.Now))]));
        foreach (var (what, forged) in new (string, NodeRecord)[]
        {
            ("another key", record with { Version = 9, IdentityKey = thrownAway.Public }), ("a revocation", record with { Version = 9, State = RecordState.Revoked }),
            ("the hub's name", record with { Version = 9, Node = new NodeName("hub"), Kind = NodeKind.Hub, Region = null }),
            ("a name that nobody knows", record with { Version = 1, Node = new NodeName("nice") }),
        })
            await SayAsync($"a record with {what}", new Frame.RecordSet([Forgery.Record(fleet.RegionKey, forged)], true, true));
        await SayAsync("the records of all", new Frame.RecordSet([.. fleet.Hub.Cell.Value.Records.Values.Select(item => item.Envelope)], true, true));
        await SayAsync("frames that only a parent sends", new Frame.BeaconDown(fleet.Hub.Cell.Value.Beacon!));
        await SayAsync("lines for the hub", Forgery.Honest(fleet.Line("basel")));
    }

    private async Task HellosAsync()
    {
        var line = fleet.Line("basel");
        var forged = Forgery.Plan(fleet.RegionKey, line, line.Assignment.Bundle, 1_000_000).Checkpoint;
        foreach (var (what, key, node, checkpoint) in new (string, SigningKey, string, Envelope?)[]
        {
            ("a generation that nobody published", fleet.RegionKey, "eu", null), ("a forged checkpoint", fleet.RegionKey, "eu", forged),
            ("an altered checkpoint", fleet.RegionKey, "eu", Forgery.Altered(line.Checkpoint.Envelope, "\"generation\":1", "\"generation\":9")),
            ("its site's name", fleet.RegionKey, "basel", null), ("another region's site's name", fleet.RegionKey, "tokyo", null),
            ("the hub's name", fleet.RegionKey, "hub", null), ("its own name and another key", thrownAway, "eu", null),
        })
        {
            var before = Facts();
            using var other = await HandRegion.JoinAsync(fleet, key, node, 1_000_000, checkpoint);
            score.Count($"a hello with {what}", RedFleet.Differs(before, Facts()));
        }
        // Whatever it claims to have, it is sent what it cannot prove to have.
        using var again = await HandRegion.JoinAsync(fleet, fleet.RegionKey, "eu", 1_000_000, forged);
        Assert.Contains(again.Heard, frame => frame is Frame.Desired);
    }

    private async Task SayAsync(string attack, params Frame[] frames)
    {
        var before = Facts();
        // Whatever counted as a sign of life would bear this time.
        fleet.Time.Now += TimeSpan.FromMilliseconds(1);
        if (!await evil.SayAsync(frames))
        {
            evil.Dispose();
            evil = await HandRegion.JoinAsync(fleet, fleet.RegionKey);
        }
        score.Count(attack, RedFleet.Differs(before, Facts()));
    }

    private SortedDictionary<string, string> Facts()
    {
        var facts = fleet.HubFacts();
        foreach (var (site, seen) in fleet.Hub.Sites.Seen.Where(item => item.Value.Report is not null)) facts[$"heard {site}"] = $"{seen.HeardAt:O}";
        return facts;
    }

    private static Frame Up(Envelope report) => new Frame.ReportUp(report);

    private static Frame Tell(Envelope batch) => new Frame.EventsUp(batch);

    private SigningKey Key(string site) => SigningKey.Load(Path.Combine(fleet.Of(site), "identity.pem"));

    private Report Report(string site, long seq, ReportPhase phase)
    {
        var line = fleet.Line(site);
        return new Report(1, fleet.Hub.Fleet, new SiteId(site), 1, seq, fleet.Time.Now, line.Assignment.Since, line.Assignment.Since,
            Digest.Of(line.Line.Leaf), line.Assignment.Bundle, line.Assignment.Since, phase, [], [], "test/1");
    }

    private EventBatch Events(string site, long first, params string[] texts) => new(1, fleet.Hub.Fleet, new SiteId(site), 1, first,
        [.. texts.Select(text => new SiteEvent(fleet.Time.Now, "test", Text: text))]);

    private static Envelope Sign(SigningKey key, Report report) => key.Sign(PayloadTypes.Report, report.ToPayload());

    private static Envelope Sign(SigningKey key, EventBatch batch) => key.Sign(PayloadTypes.Events, batch.ToPayload());

    private List<KeptEvent> Kept() => fleet.Hub.Database.Read(db => EventTables.List(db, RedFleet.Basel, 0, 1000));
}
