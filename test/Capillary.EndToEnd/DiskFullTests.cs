using System.Text.Json;
using Xunit;
using Xunit.Abstractions;

namespace Capillary.EndToEnd;

/// <summary>
/// One commit meets a full disk at the hub, then at the region, then at the site; at each the old state holds until there is space.
/// </summary>
[Collection(AloneTests.Name)]
public sealed class DiskFullTests(ITestOutputHelper output) : IAsyncLifetime
{
    private const string Region = "eu-central";
    private const string Site = "basel-lab-1";
    private const int ArtifactBytes = 10 << 20;
    private const int Enough = 96;
    private static readonly TimeSpan Deadline = TimeSpan.FromSeconds(60);
    private readonly string folder = Path.Combine(Path.GetTempPath(), $"capillary-e2e-disk-{Environment.ProcessId}");
    private readonly List<SmallDisk> disks = [];
    private RunningFleet? fleet;

    private static CancellationToken Stop => CancellationToken.None;

    public async Task InitializeAsync()
    {
        // The commit's 10 MB fit once into the hub (Git) but not twice (the blob), not into the region, and once into the site.
        foreach (var (node, megabytes) in ((string, int)[])[("hub", 18), (Region, 8), (Site, 24)])
            disks.Add(await SmallDisk.MountAsync(Path.Combine(folder, node), megabytes, Stop));
        fleet = await RunningFleet.StartAsync(folder, 1, output.WriteLine, Stop);
        await fleet.ConvergeAsync(await fleet.Repository.HeadAsync(Stop), Deadline, Stop);
    }

    public async Task DisposeAsync()
    {
        if (fleet is not null) await fleet.DisposeAsync();
        foreach (var disk in disks) await disk.DisposeAsync();
        if (Directory.Exists(folder)) Directory.Delete(folder, recursive: true);
    }

    [SmallDiskFact]
    public async Task Promise8_FullDisks_AreNamed_KeepTheOldState_AndPass()
    {
        var running = fleet!;
        var before = await DesiredAsync();
        running.Repository.AddArtifact(ArtifactBytes);
        var commit = await running.Repository.CommitAsync("an artifact that does not fit", Stop);

        await WaitAsync("the hub to say that its disk is full", async () =>
            (await HubConditionsAsync()).Contains("ReleaseNotKept", StringComparison.Ordinal));
        output.WriteLine(await HubConditionsAsync());
        Assert.Equal(before, await DesiredAsync());
        Assert.Equal("healthy", (await running.Api.SitesAsync(Stop))[0].State);
        await disks[0].GrowAsync(Enough, Stop);

        await WaitAsync("the region to say that its disk is full", () => Task.FromResult(LogHas(Region, "disk is full")));
        Assert.NotEqual(before, await DesiredAsync());
        Assert.True(await Instrument.IsWellAsync(running.Repository.Sites[0], Stop));
        Assert.False(File.Exists(Model));
        await disks[1].GrowAsync(Enough, Stop);

        await WaitAsync("the site to report that its disk is full", async () => await ConditionAsync("DiskFull") is not null);
        output.WriteLine(await ConditionAsync("DiskFull"));
        Assert.Contains("MiB are free", await ConditionAsync("DiskLow"), StringComparison.Ordinal);
        await Instrument.SendAsync(running, running.Repository.Sites[0], Stop);
        Assert.False(File.Exists(Model));
        Assert.Equal("progressing", (await running.Api.SitesAsync(Stop))[0].State);
        await disks[2].GrowAsync(Enough, Stop);

        await running.ConvergeAsync(commit, Deadline, Stop);
        Assert.Equal(ArtifactBytes, new FileInfo(Model).Length);
        Assert.Null(await ConditionAsync("DiskFull"));
        Assert.Equal("[]", await HubConditionsAsync());
    }

    private Task WaitAsync(string what, Func<Task<bool>> holds) => fleet!.WaitAsync(what, holds, Deadline, Stop);

    private string Model => Path.Combine(fleet!.HomeOf(Site), "root", "share", "model.bin");

    private bool LogHas(string node, string text)
    {
        using var reader = new StreamReader(new FileStream(fleet!.LogOf(node), FileMode.Open, FileAccess.Read, FileShare.ReadWrite));
        return reader.ReadToEnd().Contains(text, StringComparison.Ordinal);
    }

    private async Task<string> HubConditionsAsync() => (await fleet!.Api.GetAsync("status", Stop)).GetProperty("conditions").ToString();

    private async Task<string?> DesiredAsync() => (await fleet!.Api.SitesAsync(Stop))[0].DesiredBundle;

    private async Task<string?> ConditionAsync(string code)
    {
        var conditions = (await fleet!.Api.GetAsync($"sites/{Site}", Stop)).GetProperty("conditions").EnumerateArray();
        return conditions.FirstOrDefault(item => item.GetProperty("code").GetString() == code) is { ValueKind: JsonValueKind.Object } found
            ? found.GetProperty("text").GetString()
            : null;
    }
}
