using Capillary.Core.Identity;
using Capillary.Core.Protocol;
using Capillary.Core.Trust;
using Capillary.HubNode.Publish;
using Capillary.Node.Child;
using Xunit;

namespace Capillary.Tests.HubNode;

/// <summary>A hub that dies between any two steps of publishing comes back with everything it told anybody, and goes on.</summary>
public sealed class PublishOrderTests
{
    private sealed class Crash : Exception;

    public static TheoryData<int> Steps => [.. Enum.GetValues<PublishStep>().Select(step => (int)step)];

    [Theory]
    [MemberData(nameof(Steps))]
    public async Task A_crash_at_any_step_loses_nothing_that_was_offered(int step)
    {
        using var folder = new TempFolder();
        var commits = new TestCommits();
        commits.Commit("c1", "a=1", "b=1");
        using (var hub = new TestHub(folder.Path, commits)) await hub.SettleAsync();
        commits.Commit("c2", "a=2", "b=1", "c=1");
        DesiredState offered;
        using (var hub = new TestHub(folder.Path, commits, null, options => options with { Reached = at => Throw(at, (PublishStep)step) }))
        {
            await Assert.ThrowsAsync<Crash>(hub.SettleAsync);
            offered = hub.Hub.Cell.Value;
        }
        using (var hub = new TestHub(folder.Path, commits))
        {
            Assert.True(hub.Hub.Publisher.Generation >= offered.Generation);
            foreach (var (site, line) in offered.Lines)
                Assert.True(hub.Hub.Cell.Value.Lines[site].Assignment.Since >= line.Assignment.Since);
            HoldsWhatItOffers(hub);
            await hub.SettleAsync();
            HoldsWhatItOffers(hub);
            Assert.Equal(2, hub.Hub.Publisher.Generation);
            Assert.Equal(2, hub.Hub.Releases.Newest!.Number);
            Assert.Equal(TestCommits.BundleOf("2"), hub.Hub.Cell.Value.Lines[new SiteId("a")].Assignment.Bundle);
            Assert.Equal(1, hub.Hub.Cell.Value.Lines[new SiteId("b")].Assignment.Since);
        }
    }

    [Fact]
    public async Task Unchanged_lines_keep_the_checkpoint_that_proved_them()
    {
        using var folder = new TempFolder();
        var commits = new TestCommits();
        commits.Commit("c1", "a=1", "b=1", "c=1");
        using var hub = new TestHub(folder.Path, commits);
        await hub.SettleAsync();
        var before = hub.Hub.Cell.Value.Lines[new SiteId("b")];
        commits.Commit("c2", "a=2", "b=1", "c=1");
        await hub.SettleAsync();
        Assert.Same(before, hub.Hub.Cell.Value.Lines[new SiteId("b")]);
        Assert.Equal(2, hub.Hub.Cell.Value.Lines[new SiteId("a")].Checkpoint.Checkpoint.Generation);
        Assert.Equal(3, hub.Hub.Cell.Value.Lines[new SiteId("a")].Checkpoint.Checkpoint.Size);
        HoldsWhatItOffers(hub);
    }

    [Fact]
    public async Task A_plan_of_another_parent_or_without_its_blobs_is_not_signed()
    {
        using var folder = new TempFolder();
        var commits = new TestCommits();
        commits.Commit("c1", "a=1");
        using var hub = new TestHub(folder.Path, commits);
        await hub.SettleAsync();
        var missing = TestCommits.BundleOf("never kept");
        Capillary.Fleet.Rollouts.Plan Plan(long parent) =>
            new(parent + 1, parent, 1, [new(new SiteId("a"), new RegionId("eu"), parent + 1, missing, null, "")]);
        Assert.IsType<PublishOutcome.Overtaken>(hub.Hub.Publisher.Publish(Plan(0), "c1", _ => { }));
        Assert.Equal(missing, Assert.IsType<PublishOutcome.BundleMissing>(hub.Hub.Publisher.Publish(Plan(1), "c1", _ => { })).Bundle);
        Assert.Equal(1, hub.Hub.Publisher.Generation);
    }

    [Fact]
    public async Task A_commit_that_does_not_compile_changes_nothing_and_is_kept_with_its_diagnostics()
    {
        using var folder = new TempFolder();
        var commits = new TestCommits();
        commits.Commit("c1", "a=1");
        using var hub = new TestHub(folder.Path, commits);
        await hub.SettleAsync();
        commits.Break("c2");
        await hub.SettleAsync();
        Assert.Equal(1, hub.Hub.Releases.Newest!.Number);
        Assert.Equal("CommitFailed", Assert.Single(hub.Hub.Conditions.All).Code);
        commits.Vanish();
        await hub.SettleAsync();
        Assert.Contains(hub.Hub.Conditions.All, condition => condition.Code == "GitUnreachable");
        commits.Commit("c3", "a=3");
        await hub.SettleAsync();
        Assert.Empty(hub.Hub.Conditions.All);
        Assert.Equal(2, hub.Hub.Publisher.Generation);
    }

    [Fact]
    public async Task Two_hubs_never_share_a_folder()
    {
        using var folder = new TempFolder();
        var commits = new TestCommits();
        using var hub = new TestHub(folder.Path, commits);
        await hub.SettleAsync();
        Assert.Contains("another hub", Assert.Throws<InvalidDataException>(() => new TestHub(folder.Path, commits)).Message);
    }

    private static void Throw(PublishStep at, PublishStep wanted)
    {
        if (at == wanted) throw new Crash();
    }

    /// <summary>Every line is proven by its checkpoint, and its bundle is whole.</summary>
    private static void HoldsWhatItOffers(TestHub hub)
    {
        var state = hub.Hub.Cell.Value;
        var root = TrustChain.Extend(TrustChain.Begin(state.TrustRoots[0]), state.TrustRoots);
        foreach (var (site, line) in state.Lines)
        {
            var checkpoint = VerifiedCheckpoint.Verify(line.Checkpoint.Envelope, root);
            Assert.IsType<AcceptResult.Accepted>(Acceptance.Accept(AcceptedLine.None, site, checkpoint, line.Line));
            Assert.True(BlobFetcher.IsComplete(hub.Hub.Blobs, line.Assignment.Bundle));
        }
        Assert.Equal(state.Generation, Beacon.Verify(state.Beacon!, root).Generation);
    }
}
