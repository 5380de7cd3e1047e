using Capillary.Core.Identity;
using Capillary.HubNode.Observe;
using Capillary.HubNode.Publish;
using Capillary.Node.Keys;
using Xunit;

namespace Capillary.Tests.HubNode;

/// <summary>Enrollments that a person has to approve, and who knocks without being declared.</summary>
public sealed class ApprovalTests : IDisposable
{
    private readonly TempFolder folder = new();
    private readonly TestCommits commits = new();
    private readonly SigningKey key = SigningKey.Create();
    private readonly SigningKey other = SigningKey.Create();
    private TestHub hub;

    public ApprovalTests()
    {
        commits.Terms["eu"] = new([], ManualApproval: true, false);
        commits.Commit("c1", "a=1");
        hub = new TestHub(folder.Path, commits);
        hub.SettleAsync().GetAwaiter().GetResult();
    }

    [Fact]
    public void A_proven_node_waits_until_an_operator_approves_it_even_after_a_restart_and_the_codes_end()
    {
        var joiner = new Joiner(hub, "a", NodeKind.Site, key);
        var code = joiner.MakeCode();
        Assert.True(joiner.Join(code) is { Error: null, Record: null, Waiting: true });
        hub.Dispose();
        hub = new TestHub(folder.Path, commits, hub.Time);
        hub.Time.Now += Enrollment.CodeLifetime;
        var again = joiner.At(hub);
        Assert.True(again.Join(code).Waiting);
        Assert.Equal("hub", hub.Hub.Approvals.Open.Single().Via);
        Assert.Contains("not 00000000", Refusal("a", "00000000"));
        Assert.IsType<ApprovalOutcome.Done>(Answer("a", key.Public.Id[..16], true));
        Assert.NotNull(again.Join(code).Record);
        Assert.Contains("used already", again.Join(code).Error!);
        Assert.Empty(hub.Hub.Approvals.Open);
    }

    [Fact]
    public void Of_two_with_one_code_the_one_that_was_meant_comes_in()
    {
        var (first, second) = (new Joiner(hub, "a", NodeKind.Site, key), new Joiner(hub, "a", NodeKind.Site, other));
        var code = first.MakeCode();
        Assert.True(first.Join(code).Waiting);
        Assert.True(second.Join(code).Waiting);
        Assert.Contains("2 nodes wait", Refusal("a", null));
        Assert.IsType<ApprovalOutcome.Done>(Answer("a", other.Public.Id[..16], true));
        Assert.True(first.Join(code).Waiting);
        Assert.NotNull(second.Join(code).Record);
        Assert.Contains("used already", first.Join(code).Error!);
    }

    [Fact]
    public void A_denied_node_is_told_so_and_the_code_still_lets_another_in()
    {
        var (first, second) = (new Joiner(hub, "a", NodeKind.Site, key), new Joiner(hub, "a", NodeKind.Site, other));
        var code = first.MakeCode();
        first.Join(code);
        Assert.IsType<ApprovalOutcome.Done>(Answer("a", null, false));
        Assert.Contains("denied", first.Join(code).Error!);
        Assert.True(second.Join(code).Waiting);
        Assert.IsType<ApprovalOutcome.Done>(Answer("a", null, true));
        Assert.NotNull(second.Join(code).Record);
    }

    [Fact]
    public void A_region_waits_too()
    {
        var joiner = new Joiner(hub, "eu", NodeKind.Region, key);
        var code = joiner.MakeCode();
        Assert.True(joiner.Join(code).Waiting);
        Assert.IsType<ApprovalOutcome.Done>(hub.Hub.Approvals.Answer(new NodeName("eu"), NodeKind.Region, null, true, "tester"));
        Assert.NotNull(joiner.Join(code).Record);
    }

    [Fact]
    public void Who_knocks_undeclared_is_listed_once_and_counted_also_after_a_restart()
    {
        var code = new Joiner(hub, "a", NodeKind.Site, other).MakeCode();
        var joiner = new Joiner(hub, "nobody", NodeKind.Site, key);
        joiner.Join(code);
        joiner.Join(code);
        hub.Hub.Knocks.Keep();
        hub.Dispose();
        hub = new TestHub(folder.Path, commits, hub.Time);
        var knock = hub.Hub.Knocks.All.Single();
        Assert.Equal((new NodeName("nobody"), key.Public.Id, 4L, "hub"), (knock.Node, knock.KeyId, knock.Count, knock.Via));
        Assert.Contains("is not for nobody", knock.Why);
    }

    [Fact]
    public void The_table_of_knocks_is_bounded()
    {
        for (var i = 0; i <= Knocks.Most; i++)
        {
            hub.Time.Now += TimeSpan.FromSeconds(1);
            hub.Hub.Knocks.Add(new NodeName($"n{i}"), key.Public.Id, "hub", "why");
        }
        Assert.Equal(Knocks.Most, hub.Hub.Knocks.All.Count);
        Assert.Equal(new NodeName("n1"), hub.Hub.Knocks.All[0].Node);
    }

    private ApprovalOutcome Answer(string node, string? shown, bool approve) =>
        hub.Hub.Approvals.Answer(new NodeName(node), NodeKind.Site, shown, approve, "tester");

    private string Refusal(string node, string? shown) => Assert.IsType<ApprovalOutcome.Refused>(Answer(node, shown, true)).Reason;

    public void Dispose()
    {
        key.Dispose();
        other.Dispose();
        hub.Dispose();
        folder.Dispose();
    }
}
