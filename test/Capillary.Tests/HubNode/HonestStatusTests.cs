using Capillary.Core.Identity;
using Capillary.Core.Reports;
using Capillary.HubNode.Api;
using Capillary.Node.Keys;
using Xunit;

namespace Capillary.Tests.HubNode;

/// <summary>Promise 6 at the hub: what is shown has its age, and what cannot be known is said to be so.</summary>
public sealed class HonestStatusTests : IDisposable
{
    private readonly TempFolder folder = new();
    private readonly TestCommits commits = new();
    private readonly List<SigningKey> keys = [];
    private readonly TestHub hub;

    public HonestStatusTests()
    {
        commits.Regions["c"] = "us";
        commits.Commit("c1", "a=1", "b=1", "c=1");
        hub = new TestHub(folder.Path, commits);
        hub.SettleAsync().GetAwaiter().GetResult();
    }

    [Fact]
    public async Task Promise6_a_site_behind_a_lost_region_says_so_at_once_and_since_when()
    {
        keys.Add(hub.EnrollRegion("eu"));
        keys.Add(hub.Enroll("a"));
        hub.Hub.Links.Joined(new NodeName("eu"));
        Assert.Null(await hub.ReportAsync("a", keys[^1], ReportPhase.Healthy, 1));
        Assert.Equal((SiteState.Healthy, (string?)null), (Site("a").State, Site("a").LinkProblem));
        hub.Time.Now += TimeSpan.FromSeconds(30);
        var left = hub.Time.Now;
        hub.Hub.Links.Left(new NodeName("eu"));
        Assert.Equal((SiteState.Healthy, $"region eu is not linked since {left:u}"), (Site("a").State, Site("a").LinkProblem));
        hub.Time.Now += TimeSpan.FromSeconds(61);
        Assert.Equal(SiteState.Stale, Site("a").State);
        hub.Time.Now += TimeSpan.FromMinutes(10);
        Assert.Equal((SiteState.Offline, (DateTimeOffset?)(left - TimeSpan.FromSeconds(30))), (Site("a").State, Site("a").HeardAt));
        Assert.Equal(["eu"], StatusReader.Read(hub.Hub, hub.Time.Now).RegionsNotLinked);
        // A second session of a node that dialled again before the first ended is still a link.
        hub.Hub.Links.Joined(new NodeName("eu"));
        hub.Hub.Links.Joined(new NodeName("eu"));
        hub.Hub.Links.Left(new NodeName("eu"));
        Assert.Null(Site("a").LinkProblem);
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    public async Task Promise6_the_counts_of_states_add_up_whatever_happens(int seed)
    {
        var random = new Random(seed);
        var seq = 0L;
        var held = new Dictionary<string, SigningKey>();
        for (var step = 0; step < 60; step++)
        {
            var site = ((string[])["a", "b", "c", "d"])[random.Next(4)];
            switch (random.Next(8))
            {
                case 0 when site != "d" && hub.Hub.Enrollment.Undeclared(new NodeName(site), NodeKind.Site, null) is null:
                    held[site] = hub.Enroll(site);
                    keys.Add(held[site]);
                    break;
                case 1: hub.Time.Now += TimeSpan.FromSeconds(random.Next(400)); break;
                case 2: hub.Hub.Life.Retire(new SiteId(site), random.Next(2) == 0, "closed", "anna"); break;
                case 3: hub.Hub.Life.Revoke(new NodeName(site), NodeKind.Site, "stolen", "anna"); break;
                case 4:
                    commits.Regions["c"] = random.Next(2) == 0 ? "eu" : "us";
                    commits.Commit($"s{step}", [.. ((string[])["a=1", "b=2", "c=1"]).Where(_ => random.Next(3) > 0).DefaultIfEmpty("b=1")]);
                    break;
                case 5: hub.Hub.Life.Step(); break;
                default:
                    if (held.TryGetValue(site, out var key) && hub.Hub.Cell.Value.Lines.ContainsKey(new SiteId(site)))
                        await hub.ReportAsync(site, key, (ReportPhase)random.Next(6), ++seq);
                    break;
            }
            await hub.SettleAsync();
            AddUp();
        }
    }

    private void AddUp()
    {
        var (status, regions) = (StatusReader.Read(hub.Hub, hub.Time.Now), StatusReader.Regions(hub.Hub));
        Assert.Equal(hub.Hub.Views.All().Count, status.Sites);
        Assert.Equal(status.Sites, status.States.Values.Sum());
        Assert.Equal(status.Sites, regions.Sum(region => region.Sites));
        Assert.All(regions, region => Assert.Equal(region.Sites, region.States.Values.Sum()));
        foreach (var state in status.States) Assert.Equal(state.Value, regions.Sum(region => region.States[state.Key]));
    }

    private Capillary.HubNode.Observe.SiteView Site(string name) => hub.Hub.Views.Find(new SiteId(name))!.Summary;

    public void Dispose()
    {
        hub.Dispose();
        foreach (var key in keys) key.Dispose();
        folder.Dispose();
    }
}
