using Xunit;
using Xunit.Abstractions;

namespace Capillary.EndToEnd;

/// <summary>The interlock in a fleet: who says "not now" waits with the update at hand, and nobody else does.</summary>
public sealed class HoldTests(SharedFleet shared, ITestOutputHelper output) : FleetTest(shared, output)
{
    [Fact]
    public async Task HeldSite_FetchesAndDoesNotApply_TheOthersGoOn_AndItAppliesWhenTheHoldEnds()
    {
        var notice = await File.ReadAllTextAsync(RootFile(Poct, "share/notice.txt"));
        var before = (await RowsAsync())[Poct];
        var (code, said, errors) = await EdgeAsync("hold", "--name", "analyzer", "--reason", "run in progress", "--max", "2h");
        Say(said);
        Assert.Equal((0, ""), (code, errors));
        Assert.Equal("healthy", before.GetProperty("state").GetString());

        Repository.Edit("apps/site-notice/templates/notice.txt.j2", text => text.Replace("Results are kept here", "Results stay here"));
        var commit = await Repository.CommitAsync("while an instrument runs", Stop);
        await WaitAsync("the site to be held", async () => (await RowsAsync())[Poct].GetProperty("state").GetString() == "held");
        await WaitAsync("all others to be healthy on it", async () => (await Fleet.Api.SitesAsync(Stop)).Where(site => site.Site != Poct)
            .All(site => site.IsSettled && site.DesiredCommit == commit));

        var row = (await RowsAsync())[Poct];
        Say(row.GetProperty("held").GetString()!);
        Assert.StartsWith("hold 'analyzer' since ", row.GetProperty("held").GetString(), StringComparison.Ordinal);
        Assert.EndsWith("(max 2 h): run in progress", row.GetProperty("held").GetString(), StringComparison.Ordinal);
        Assert.Equal((before.GetProperty("bundle").GetString(), commit),
            (row.GetProperty("bundle").GetString(), row.GetProperty("desired").GetProperty("commit").GetString()));
        Assert.True(IsHere(row.GetProperty("desired").GetProperty("bundle").GetString()!), "the update is not at the site");
        Assert.Equal(notice, await File.ReadAllTextAsync(RootFile(Poct, "share/notice.txt")));
        await WaitAsync("the rollout to name it", async () => (await CliAsync("status")).Contains("run in progress", StringComparison.Ordinal));
        var rollout = (await StatusAsync()).GetProperty("rollout");
        Say(rollout.GetProperty("reason").GetString()!);
        // It keeps nobody else waiting; the count says that one site is still to come.
        Assert.Equal("complete", rollout.GetProperty("phase").GetString());
        Assert.EndsWith("1 held", rollout.GetProperty("reason").GetString(), StringComparison.Ordinal);
        Assert.Contains("run in progress", await CliAsync("site", "list", "--state", "held"), StringComparison.Ordinal);
        var refused = await NodeProcess.TryRunAsync(Fleet.Binaries.Capillary,
            ["site", "override-hold", Poct, "--reason", "too early", "--socket", Fleet.Socket], Stop);
        Assert.Equal(1, refused.Code);
        Assert.Contains("reports no hold that is past its max", refused.Errors, StringComparison.Ordinal);

        // The agent dies, as by a power cut: what a workload said stands.
        await Fleet.KillAsync(Poct);
        Fleet.StartSite(Poct);
        await WaitAsync("the site to be held again", async () => (await EdgeAsync("holds")).Output.Contains("an update waits", StringComparison.Ordinal));
        Assert.Equal(notice, await File.ReadAllTextAsync(RootFile(Poct, "share/notice.txt")));

        Assert.Equal(0, (await EdgeAsync("unhold", "--name", "analyzer")).Code);
        await Fleet.ConvergeAsync(commit, Deadline, Stop);
        Assert.Contains("Results stay here", await File.ReadAllTextAsync(RootFile(Poct, "share/notice.txt")), StringComparison.Ordinal);
        Assert.DoesNotContain(await ConditionsAsync(Poct), condition => condition.Code is "Held" or "HoldOverdue");
    }

    /// <summary>The next test finds no hold of this one, wherever it ended.</summary>
    public override async Task DisposeAsync()
    {
        if (!Fleet.IsStarted(Poct)) Fleet.StartSite(Poct);
        await WaitAsync("the hold to be over", async () => (await EdgeAsync("unhold", "--name", "analyzer")).Code == 0);
    }

    private bool IsHere(string digest) =>
        Directory.EnumerateFiles(Path.Combine(Fleet.HomeOf(Poct), "blobs"), "*", SearchOption.AllDirectories)
            .Any(file => file.Replace("/", "", StringComparison.Ordinal).Contains(digest["sha256:".Length..], StringComparison.Ordinal));

    private Task<(int Code, string Output, string Errors)> EdgeAsync(params string[] arguments) =>
        NodeProcess.TryRunAsync(Fleet.Binaries.Edge, [.. arguments, "--data", Fleet.HomeOf(Poct)], Stop);
}
