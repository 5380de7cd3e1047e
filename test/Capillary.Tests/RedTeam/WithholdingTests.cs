using Capillary.Core.Apply;
using Capillary.Core.Bundles;
using Capillary.Core.Identity;
using Capillary.Core.Protocol;
using Capillary.Core.Reports;
using Capillary.Core.Trust;
using Capillary.HubNode.Observe;
using Capillary.HubNode.Storage;
using Capillary.Node.Keys;
using Capillary.Tests.Node.Networks;
using Xunit;

namespace Capillary.Tests.RedTeam;

/// <summary>A region that forges nothing and keeps things back: somebody notices.</summary>
public sealed class WithholdingTests : IAsyncLifetime
{
    private readonly RedFleet fleet = new();

    public async Task InitializeAsync()
    {
        await fleet.StartAsync();
    }

    public async Task DisposeAsync() => await fleet.DisposeAsync();

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(40)]
    public async Task RedTeam_a_dead_site_does_not_stay_healthy(int heldBack)
    {
        await fleet.JoinAsync("basel", NodeKind.Site);
        using var key = SigningKey.Load(Path.Combine(fleet.Site, "identity.pem"));
        using var evil = await HandRegion.JoinAsync(fleet, fleet.RegionKey);
        var stock = new Queue<Envelope>();
        // The site signs at each beacon, as an agent does; the region passes on what it must and keeps the rest for later.
        for (var seq = 1; seq <= 2 * heldBack + 1; seq++)
        {
            Pass(LinkProtocol.BeaconEvery);
            fleet.Hub.Publisher.Beat();
            stock.Enqueue(Sign(key, seq));
            if (stock.Count > heldBack) await evil.SayAsync(Alive, new Frame.ReportUp(stock.Dequeue()));
        }
        var diedAt = fleet.Time.Now;
        if (heldBack == 0) Assert.Equal(SiteState.Healthy, State());
        TimeSpan? healthyFor = null;
        for (var step = 0; step < 2 * 60 * 2; step++)
        {
            Pass(TimeSpan.FromSeconds(30));
            if (step % 10 == 0 && stock.Count > 0) await evil.SayAsync(new Frame.ReportUp(stock.Dequeue()));
            await evil.SayAsync(Alive);
            if (State() == SiteState.Healthy) healthyFor = fleet.Time.Now - diedAt;
        }
        // 11 minutes that a region's word counts, and 90 s of freshness.
        Assert.True(healthyFor is null || healthyFor <= TimeSpan.FromMinutes(12.5), $"the dead site was healthy for {healthyFor}");
        Assert.Equal(SiteState.Offline, State());
    }

    [Fact]
    public async Task RedTeam_withholding_is_noticed()
    {
        using var up = await HandRegion.JoinAsync(fleet, fleet.RegionKey);
        var greetsWith = fleet.Hub.Cell.Value.Beacon;
        var line = Forgery.Honest(fleet.Line("basel"));
        await using var evil = fleet.EvilParent();
        evil.Greeting = _ => new Frame.TrustAnswer([], fleet.Record("eu").Envelope, greetsWith);
        await fleet.JoinAsync("basel", NodeKind.Site, await evil.StartAsync());
        fleet.StartSite();
        await evil.SayAsync(fleet.Stop, line);
        await fleet.UntilAsync("the site to run one", () => fleet.Applied() == "one basel" && Newest(evil)?.Phase == ReportPhase.Healthy);
        await RelayAsync();
        Assert.Equal(SiteState.Healthy, State());

        // The next line is kept back, all else passes: the hub flags it, and does not call the site healthy.
        await fleet.CommitAsync("two");
        Pass(TimeSpan.FromMinutes(5));
        fleet.Hub.Publisher.Beat();
        greetsWith = fleet.Hub.Cell.Value.Beacon;
        await evil.SayAsync(fleet.Stop, new Frame.BeaconDown(greetsWith!));
        await fleet.UntilAsync("a report on the beacon", () => Newest(evil)?.Beacon == fleet.Time.Now);
        await RelayAsync();
        var view = fleet.Hub.Views.Find(RedFleet.Basel)!;
        Assert.True(view.Summary.Unacknowledged);
        Assert.Equal(SiteState.Progressing, view.Summary.State);
        Assert.Equal("one basel", fleet.Applied());

        // Old beacons are passed on as if they were news: the hub sees how old the site's word is.
        Pass(TimeSpan.FromMinutes(30));
        fleet.Hub.Publisher.Beat();
        await evil.SayAsync(fleet.Stop, new Frame.BeaconDown(greetsWith!));
        await RelayAsync();
        Assert.Equal(SiteState.Offline, State());

        // Beacons are kept back too: the site itself says that it may not run the newest.
        Assert.DoesNotContain(Newest(evil)!.Conditions, one => one.Code == ConditionCodes.DesiredStateUnconfirmed);
        fleet.Clock.Pass(TimeSpan.FromMinutes(16));
        await fleet.UntilAsync("the site to say that it is unconfirmed",
            () => Newest(evil)!.Conditions.Any(one => one.Code == ConditionCodes.DesiredStateUnconfirmed));

        async Task RelayAsync()
        {
            await up.SayAsync(Alive);
            await up.SayAsync([.. evil.Reports.Select(report => new Frame.ReportUp(report))]);
        }
    }

    /// <summary>
    /// That the hub keeps a site's events is said by nobody's signature. The site's signed reports number them, so the hub misses them; and
    /// the site still has them when another parent takes over.
    /// </summary>
    [Fact]
    public async Task RedTeam_events_that_are_acknowledged_and_kept_back_are_missed_and_come_later()
    {
        var up = await HandRegion.JoinAsync(fleet, fleet.RegionKey);
        await using var evil = fleet.EvilParent();
        await using var wire = new Relay(await evil.StartAsync());
        await fleet.JoinAsync("basel", NodeKind.Site, wire.At);
        fleet.StartSite();
        await evil.SayAsync(fleet.Stop, Forgery.Honest(fleet.Line("basel")));
        await fleet.UntilAsync("a healthy site with events", () => Newest(evil) is { Phase: ReportPhase.Healthy, Events: > 0 });
        var had = Newest(evil)!.Events!.Value;
        await evil.SayAsync(fleet.Stop, new Frame.EventsAck(RedFleet.Basel, 1, had));
        await PassOnAsync();
        Assert.False(View().Summary.EventsMissing);

        // Events may take a while; 10 minutes after the first report that numbers them they are missed.
        for (var i = 0; i < 2; i++)
        {
            Pass(LinkProtocol.BeaconEvery);
            fleet.Hub.Publisher.Beat();
            await evil.SayAsync(fleet.Stop, new Frame.BeaconDown(fleet.Hub.Cell.Value.Beacon!));
            await fleet.UntilAsync("a report on the beacon", () => Newest(evil)?.Beacon == fleet.Time.Now);
            await PassOnAsync();
        }
        Assert.Equal((true, SiteState.Healthy), (View().Summary.EventsMissing, View().Summary.State));
        var missed = Assert.Single(View().Conditions, one => one.Code == EventGaps.EventsMissing);
        Assert.Contains($"up to number {had}, and this hub keeps them up to 0", missed.Text, StringComparison.Ordinal);

        up.Dispose();
        await fleet.StartHonestRegionAsync();
        wire.To = fleet.Honest;
        wire.Cut();
        await fleet.UntilAsync("the events that were kept back", () => Kept().Count > 0 && Kept()[^1].Last >= had);
        Assert.DoesNotContain(Kept(), one => one.Type == SiteEvent.DroppedType);
        Assert.False(View().Summary.EventsMissing);

        async Task PassOnAsync() => await up.SayAsync([.. evil.Reports.Select(report => new Frame.ReportUp(report)), Alive]);
        List<KeptEvent> Kept() => fleet.Hub.Database.Read(db => EventTables.List(db, RedFleet.Basel, 0, 1000));
    }

    private SiteDetail View() => fleet.Hub.Views.Find(RedFleet.Basel)!;

    private static Frame Alive => new Frame.Alive([RedFleet.Basel]);

    private void Pass(TimeSpan time) => fleet.Time.Now += time;

    private SiteState State() => fleet.Hub.Views.Find(RedFleet.Basel)!.Summary.State;

    private Report? Newest(EvilParent evil) =>
        evil.Reports.LastOrDefault() is { } envelope ? Report.Verify(envelope, fleet.Record("basel").Record) : null;

    private Envelope Sign(SigningKey key, long seq)
    {
        var line = fleet.Line("basel");
        var at = line.Assignment.Since;
        var report = new Report(1, fleet.Hub.Fleet, RedFleet.Basel, 1, seq, fleet.Time.Now, at, at, Digest.Of(line.Line.Leaf),
            line.Assignment.Bundle, at, ReportPhase.Healthy, [], [], "test/1") { Beacon = fleet.Time.Now };
        return key.Sign(PayloadTypes.Report, report.ToPayload());
    }
}
