using Capillary.Core.Identity;
using Capillary.HubNode.Api;
using Xunit;

namespace Capillary.Tests.HubNode;

/// <summary>A hub whose disk is full keeps the last good state, says so, and recovers by itself when there is space again.</summary>
public sealed class DiskFullTests
{
    [SmallDiskTheory]
    [InlineData(64, "ReleaseNotKept")] // Not even the release's blobs fit.
    [InlineData(-1, "PlanNotPublished")] // The release fits, the plan's transaction does not.
    public async Task The_last_good_state_stays_until_there_is_space(int leaveKilobytes, string condition)
    {
        using var folder = new TempFolder();
        using var disk = new SmallDisk(folder.Path, "6m");
        await RunAsync(folder.Of("hub"), folder.Of("filler"), leaveKilobytes, condition);
    }

    private static async Task RunAsync(string data, string filler, int leaveKilobytes, string condition)
    {
        var commits = new TestCommits();
        commits.Commit("c1", "a=1", "b=1");
        using var hub = new TestHub(data, commits);
        await hub.SettleAsync();
        var before = hub.Hub.Cell.Value;
        commits.Commit("c2", [.. Enumerable.Range(0, 200).Select(i => $"a{i}={new string('x', 4000)}{i}")]);
        if (leaveKilobytes < 0) await hub.Hub.Commits.SyncAsync(CancellationToken.None);
        Fill(filler, Math.Max(0, leaveKilobytes));
        await hub.SettleAsync();
        Assert.Equal(condition, Assert.Single(hub.Hub.Conditions.All).Code);
        Assert.Contains("make space", StatusReader.Read(hub.Hub, hub.Time.Now).Conditions[0].Text);
        Assert.Equal(before.Generation, hub.Hub.Cell.Value.Generation);
        Assert.Equal(before.Lines[new SiteId("a")], hub.Hub.Cell.Value.Lines[new SiteId("a")]);
        File.Delete(filler);
        await hub.SettleAsync();
        Assert.Empty(hub.Hub.Conditions.All);
        Assert.Equal(2, hub.Hub.Publisher.Generation);
        Assert.Equal(202, hub.Hub.Cell.Value.Lines.Count);
    }

    private static void Fill(string filler, int leaveKilobytes)
    {
        using (var file = new FileStream(filler, FileMode.Create, FileAccess.Write, FileShare.None, 0))
        {
            var block = new byte[4096];
            try
            {
                while (true) file.Write(block);
            }
            catch (IOException)
            {
                // Full.
            }
            file.SetLength(Math.Max(0, file.Length - leaveKilobytes * 1024L));
        }
    }
}
