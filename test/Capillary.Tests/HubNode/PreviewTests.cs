using System.Text;
using System.Text.Json;
using Capillary.Core.Bundles;
using Capillary.Core.Identity;
using Capillary.Core.Reports;
using Capillary.Fleet.Documents;
using Capillary.Fleet.Inventory;
using Capillary.Fleet.Rollouts;
using Capillary.HubNode.Api;
using Capillary.HubNode.Rollout;
using Capillary.Node.Keys;
using Xunit;

namespace Capillary.Tests.HubNode;

/// <summary>What a hub says of a commit before it is merged, and a start that holds to it.</summary>
public sealed class PreviewTests : IDisposable
{
    private static readonly string[] Sites = ["a", "b", "c"];

    private static readonly RolloutPolicy ByHand = new("default", [new Wave("canary") { SoakTime = TimeSpan.FromMinutes(5) }, new Wave("everyone")])
    {
        StartsByHand = true,
    };

    private readonly TempFolder folder = new();
    private readonly TestCommits commits = new() { Policies = PolicySet.Only(ByHand) };
    private readonly MovedTime time = new();
    private readonly Dictionary<string, SigningKey> keys = [];
    private long seq;

    [Fact]
    public async Task What_was_previewed_starts_and_nothing_else()
    {
        using var hub = await RunningAsync();
        var other = Seen(await PreviewAsync(hub, "3"));
        var before = Seen(await PreviewAsync(hub, "2"));
        Assert.NotEqual(before.Id, other.Id);
        await hub.SettleAsync();
        Assert.Equal("release 2 is not what was previewed: the release is another", Refusal(hub, other.Id));
        Assert.Equal("'7' is no id of a preview", Refusal(hub, "7"));
        var done = Assert.IsType<ControlOutcome.Done>(hub.Hub.Rollout.Start(new("ada", null, false), before.Id));
        Assert.Equal(2, done.State.Release);
    }

    [Fact]
    public async Task Other_policies_or_other_sites_at_the_canary_are_not_what_was_previewed()
    {
        using var hub = await RunningAsync();
        var id = Seen(await PreviewAsync(hub, "2")).Id;
        var slow = ByHand with { Name = "slow", MaxConcurrent = new(1, false) };
        commits.Policies = commits.Policies! with { All = new Dictionary<string, RolloutPolicy> { ["default"] = ByHand, ["slow"] = slow } };
        Commit("c2", "2");
        await hub.SettleAsync();
        Assert.Equal("release 2 is not what was previewed: its policies are others", Refusal(hub, id));
        var now = Seen(await PreviewAsync(hub, "2")).Id;
        Assert.Equal("release 2 is not what was previewed: other sites are in the first wave", Refusal(hub, now, "slow"));
        Assert.IsType<ControlOutcome.Done>(hub.Hub.Rollout.Start(new("ada", null, false), now));
    }

    [Fact]
    public async Task It_says_what_moves_what_waits_who_is_at_risk_and_how_long_it_took_before()
    {
        using var hub = await RunningAsync();
        time.Now += TimeSpan.FromMinutes(11);
        Assert.Null(await hub.ReportAsync("b", keys["b"], ReportPhase.Held, ++seq));
        var preview = Seen(await PreviewAsync(hub, "22222"));
        Assert.Equal([("a", "canary", RiskKind.Absent), ("b", "everyone", RiskKind.Held), ("c", "everyone", RiskKind.Absent)],
            preview.Sites.Select(site => (site.Site.Value, site.Wave, site.Risk)));
        Assert.Contains(preview.Verdicts, verdict => verdict is
            { Policy: null, Waits: true, Text: "policy 'default' starts by hand: capillary rollout start" });
        Assert.Contains(preview.Verdicts, verdict => verdict.Text == "every site of wave canary is at risk: it may vouch for nothing");
        Assert.Equal(("eu", 3, 5 + ManifestOf("22222").Length, 3 * (5L + ManifestOf("22222").Length)),
            Assert.Single(preview.Regions) is var eu ? (eu.Region.Value, eu.Sites, (int)eu.RegionBytes, eu.SiteBytes) : default);
        // The first rollout went through the canary in no time but its soak.
        Assert.Equal([(300L, 1), (0L, 1)], preview.Waves.Select(wave => (wave.ExpectedSeconds!.Value, wave.PastRollouts)));
        Assert.Equal((300, true), (preview.ExpectedSeconds, preview.IsExpectationWhole));
    }

    [Fact]
    public async Task A_bundle_that_it_does_not_know_is_asked_for()
    {
        using var hub = await RunningAsync();
        var wish = await WishAsync("2");
        Assert.Equal([TestCommits.BundleOf("2")], hub.Hub.Rollout.Preview(wish with { Manifests = [] }).Missing);
        Assert.Empty(hub.Hub.Rollout.Preview(wish with { Manifests = [] } with
        {
            Sites = wish.Sites.ToDictionary(site => site.Key, site => site.Value with { Bundle = TestCommits.BundleOf("1") }),
        }).Preview!.Sites);
    }

    [Theory]
    [InlineData("""{"policies":null,"sites":{},"manifests":[]}""")]
    [InlineData("""{"sites":{},"manifests":[]}""")]
    [InlineData("""{"policies":{"default":null,"all":{"x":{"name":"x","waves":null}},"ofApps":{}},"sites":{},"manifests":[]}""")]
    public void Half_a_commit_is_none(string json) =>
        Assert.Throws<JsonException>(() => JsonSerializer.Deserialize<PreviewWish>(json, ApiJson.Strict));

    public void Dispose()
    {
        foreach (var key in keys.Values) key.Dispose();
        folder.Dispose();
    }

    /// <summary>A hub whose sites are well on the first release.</summary>
    private async Task<TestHub> RunningAsync()
    {
        Commit("c1", "1");
        var hub = new TestHub(folder.Path, commits, time);
        await hub.SettleAsync();
        foreach (var site in Sites) keys[site] = hub.Enroll(site);
        // Else the canary would be absent, and its wave would pass at once.
        hub.Hub.Sites.HeardOf([.. Sites.Select(site => new SiteId(site))]);
        Assert.IsType<ControlOutcome.Done>(hub.Hub.Rollout.Start(new("ada", null, false)));
        await hub.SettleAsync();
        await HealthyAsync(hub, "a");
        time.Now += TimeSpan.FromMinutes(5);
        await HealthyAsync(hub, Sites);
        Assert.Equal(RolloutPhase.Complete, hub.Hub.Rollout.Status.Phase);
        return hub;
    }

    private void Commit(string commit, string text) => commits.Commit(commit, ["canary", "everyone"],
        new() { ["a"] = (text, 0), ["b"] = (text, 1), ["c"] = (text, 1) });

    private async Task<PreviewAnswer> PreviewAsync(TestHub hub, string text) => hub.Hub.Rollout.Preview(await WishAsync(text));

    /// <summary>What the command line would send; the commit is there from then on.</summary>
    private async Task<PreviewWish> WishAsync(string text)
    {
        Commit("c2", text);
        var compiled = Assert.IsType<CommitOutcome.Compiled>(await commits.LookAsync(null, CancellationToken.None));
        var json = JsonSerializer.Serialize(new PreviewWish(compiled.Content.Policies, compiled.Content.Sites.ToDictionary(
            site => site.Key.Value, site => site.Value), [ManifestOf(text)]), JsonSerializerOptions.Web);
        return JsonSerializer.Deserialize<PreviewWish>(json, ApiJson.Strict)!;
    }

    private static string ManifestOf(string text)
    {
        var layer = Blob.Of(Encoding.UTF8.GetBytes(text));
        return Encoding.UTF8.GetString(new BundleManifest([new(MediaTypes.App, layer.Digest, layer.Content.Length, "app")], []).ToBytes());
    }

    private static RolloutPreview Seen(PreviewAnswer answer)
    {
        Assert.Empty(answer.Missing);
        return answer.Preview!;
    }

    private static string Refusal(TestHub hub, string id, string? policy = null) =>
        Assert.IsType<ControlOutcome.Refused>(hub.Hub.Rollout.Start(new("ada", policy, false), id)).Reason;

    private async Task HealthyAsync(TestHub hub, params string[] sites)
    {
        foreach (var site in sites)
        {
            if (hub.Hub.Cell.Value.Lines.ContainsKey(new SiteId(site)))
                Assert.Null(await hub.ReportAsync(site, keys[site], ReportPhase.Healthy, ++seq));
            await hub.SettleAsync();
        }
    }
}
