using Capillary.Core.Identity;
using Capillary.Core.Reports;
using Capillary.Core.Trust;
using Capillary.HubNode.Publish;
using Capillary.Node.Child;
using Capillary.Node.Hosting;
using Capillary.Node.Keys;
using Xunit;

namespace Capillary.Tests.HubNode;

public sealed class EnrollmentTests : IDisposable
{
    private readonly TempFolder folder = new();
    private readonly TestCommits commits = new();
    private readonly TestHub hub;

    public EnrollmentTests()
    {
        commits.Commit("c1", "a=1", "b=1");
        hub = new TestHub(folder.Path, commits);
        hub.SettleAsync().GetAwaiter().GetResult();
    }

    [Fact]
    public void A_declared_site_with_its_code_gets_a_record()
    {
        using var key = hub.Enroll("a");
        var record = hub.Hub.Cell.Value.Records[new NodeName("a")].Record;
        Assert.Equal((NodeKind.Site, new RegionId("eu"), 1L), (record.Kind, record.Region!.Value, record.Version));
        Assert.True(record.IdentityKey.Equals(key.Public));
    }

    [Fact]
    public void A_code_lets_in_once()
    {
        using var key = SigningKey.Create();
        var joiner = new Joiner(hub, "a", NodeKind.Site, key);
        var code = joiner.MakeCode();
        Assert.Null(joiner.Join(code).Error);
        Assert.Contains("used already", joiner.Join(code).Error!);
    }

    [Fact]
    public void Two_handshakes_of_one_code_let_one_in()
    {
        using var key = SigningKey.Create();
        var joiner = new Joiner(hub, "a", NodeKind.Site, key);
        var code = joiner.MakeCode();
        var (one, two) = (joiner.Ask(joiner.First(code)), joiner.Ask(joiner.First(code)));
        Assert.Null(joiner.Ask(joiner.Second(code, one)).Error);
        Assert.Contains("used already", joiner.Ask(joiner.Second(code, two)).Error!);
    }

    [Fact]
    public void A_code_expires()
    {
        using var key = SigningKey.Create();
        var joiner = new Joiner(hub, "a", NodeKind.Site, key);
        var code = joiner.MakeCode();
        hub.Time.Now += Enrollment.CodeLifetime;
        Assert.Contains("expired", joiner.Join(code).Error!);
    }

    [Fact]
    public void A_wrong_code_is_unknown_and_a_wrong_proof_is_counted()
    {
        using var key = SigningKey.Create();
        var joiner = new Joiner(hub, "a", NodeKind.Site, key);
        Assert.Contains("does not know", joiner.Join(JoinCode.Create(new byte[JoinCode.EntropyBytes])).Error!);
        var code = joiner.MakeCode();
        for (var i = 0; i < 5; i++)
        {
            var offer = joiner.Ask(joiner.First(code));
            Assert.Contains("does not fit", joiner.Ask(joiner.Second(code, offer) with { Proof = new byte[32] }).Error!);
        }
        Assert.Contains("too many", joiner.Join(code).Error!);
    }

    [Fact]
    public void A_relay_that_swaps_the_key_gains_nothing()
    {
        using var key = SigningKey.Create();
        using var evil = SigningKey.Create();
        var joiner = new Joiner(hub, "a", NodeKind.Site, key);
        var code = joiner.MakeCode();
        var swapped = joiner.First(code) with { Key = evil.Public };
        var offer = joiner.Ask(swapped);
        // The node sees that the hub proved something over another key.
        Assert.NotEqual(joiner.Transcript(offer).HubProof(EnrollmentTranscript.KeyOf(code, hub.Hub.Fleet)), offer.Proof);
        // And should it go on all the same, its proof does not fit the key that the relay gave.
        Assert.Contains("does not fit", joiner.Ask(joiner.Second(code, offer) with { Key = evil.Public }).Error!);
        // A key swapped between the steps is no continuation.
        var honest = joiner.Ask(joiner.First(code));
        Assert.Contains("not open", joiner.Ask(joiner.Second(code, honest) with { Key = evil.Public }).Error!);
        Assert.False(hub.Hub.Cell.Value.Records.ContainsKey(new NodeName("a")));
    }

    [Fact]
    public void Only_what_is_declared_can_be_enrolled()
    {
        Assert.Contains("not declared", Refusal("nowhere", NodeKind.Site));
        Assert.Contains("not declared", Refusal("nowhere", NodeKind.Region));
        Assert.Contains("hub's own", Refusal("hub", NodeKind.Site));
    }

    [Fact]
    public async Task New_hardware_supersedes_the_old_key()
    {
        using var old = hub.Enroll("a");
        Assert.Null(await hub.ReportAsync("a", old, ReportPhase.Healthy, 1));
        using var fresh = hub.Enroll("a");
        Assert.Equal(2, hub.Hub.Cell.Value.Records[new NodeName("a")].Record.Version);
        Assert.Null(hub.Hub.Cell.Value.ActiveRecord(new NodeName("a"), old.Public.Id));
        Assert.Equal(SiteState.Pending, hub.Hub.Views.Find(new SiteId("a"))!.Summary.State);
        Assert.Contains("not signed", (await hub.ReportAsync("a", old, ReportPhase.Healthy, 2))!);
        Assert.Null(await hub.ReportAsync("a", fresh, ReportPhase.Healthy, 1));
        Assert.Equal(SiteState.Healthy, hub.Hub.Views.Find(new SiteId("a"))!.Summary.State);
    }

    [Fact]
    public void Old_handshakes_make_room()
    {
        using var key = SigningKey.Create();
        var joiner = new Joiner(hub, "a", NodeKind.Site, key);
        var code = joiner.MakeCode();
        var oldest = joiner.Ask(joiner.First(code));
        for (var i = 0; i < PendingHandshakes.Most; i++) joiner.Ask(joiner.First(code));
        Assert.Contains("not open", joiner.Ask(joiner.Second(code, oldest)).Error!);
    }

    [Fact]
    public async Task A_node_joins_over_a_real_link()
    {
        using var stop = new CancellationTokenSource(TimeSpan.FromSeconds(30));
        var running = hub.Hub.RunAsync(stop.Token);
        var endpoint = await hub.Hub.Listening.WaitAsync(stop.Token);
        using var key = SigningKey.Create();
        var code = new Joiner(hub, "eu", NodeKind.Region, key).MakeCode();
        using var home = new TempFolder();
        var file = new JoinFile(1, hub.Hub.Fleet, new NodeName("eu"), NodeKind.Region, [$"127.0.0.1:{endpoint.Port}"],
            hub.Hub.Cell.Value.TrustRoots[0].Digest, code.ToString());
        var joined = Assert.IsType<JoinOutcome.Joined>(await Joining.JoinAsync(new NodeHome(home.Of("eu")), JoinTarget.Of(file), stop.Token));
        Assert.Equal(new RegionId("eu"), joined.Record.Region);
        await stop.CancelAsync();
        await running;
    }

    private string Refusal(string node, NodeKind kind) =>
        Assert.IsType<CodeOutcome.Refused>(hub.Hub.Enrollment.MakeCode(new NodeName(node), kind, null, "tester", TimeSpan.FromHours(1))).Reason;

    public void Dispose()
    {
        hub.Dispose();
        folder.Dispose();
    }
}
