using System.Text.Json;
using Xunit;
using Xunit.Abstractions;

namespace Capillary.EndToEnd;

/// <summary>A hub alone: what it says before there is anything to say.</summary>
[Collection(AloneTests.Name)]
public sealed class FirstStartTests(ITestOutputHelper output) : IDisposable
{
    private static readonly TimeSpan Deadline = TimeSpan.FromSeconds(30);
    private readonly string folder = Directory.CreateTempSubdirectory("capillary-e2e-").FullName;

    private static CancellationToken Stop => CancellationToken.None;

    public void Dispose() => Directory.Delete(folder, recursive: true);

    [Fact]
    public async Task Promise8_EmptyRepository_IsNamed_AndTheFirstCommitIsTaken()
    {
        var binaries = Binaries.Find();
        var (home, repository) = (Path.Combine(folder, "hub"), Path.Combine(folder, "fleet"));
        await NodeProcess.RunAsync("git", ["init", "--quiet", "--bare", "--initial-branch=main", repository], Stop);
        await NodeProcess.RunAsync(binaries.Capillary, ["hub", "init", "--data", home, "--fleet", "medical-edge"], Stop);
        await using var hub = NodeProcess.Start("hub", Path.Combine(folder, "hub.log"), binaries.Capillary,
            ["hub", "run", "--data", home, "--repo", repository, "--listen", "127.0.0.1:0"]);
        using var api = new HubApi(Path.Combine(home, "api.sock"));
        var text = await WaitForAsync(api, "GitUnreachable");
        output.WriteLine(text);
        Assert.Contains("main", text, StringComparison.Ordinal);
        var made = await FleetRepository.CreateAsync(binaries, Path.Combine(folder, "made"), 1, Stop);
        await made.GitAsync(Stop, "push", "--quiet", repository, "main:refs/heads/main");
        using var limit = new CancellationTokenSource(Deadline);
        while ((await api.GetAsync("status", limit.Token)).GetProperty("release").GetInt64() != 1) await Task.Delay(50, limit.Token);
        Assert.Equal(0, (await api.GetAsync("status", Stop)).GetProperty("conditions").GetArrayLength());
    }

    private static async Task<string> WaitForAsync(HubApi api, string code)
    {
        using var limit = new CancellationTokenSource(Deadline);
        while (true)
        {
            try
            {
                var conditions = (await api.GetAsync("status", limit.Token)).GetProperty("conditions").EnumerateArray();
                var found = conditions.FirstOrDefault(item => item.GetProperty("code").GetString() == code);
                if (found.ValueKind == JsonValueKind.Object) return found.GetProperty("text").GetString()!;
            }
            catch (HttpRequestException)
            {
                // It is starting.
            }
            await Task.Delay(50, limit.Token);
        }
    }
}
