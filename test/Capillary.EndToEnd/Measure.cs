using System.Diagnostics;
using System.Globalization;
using System.Text.Json;

namespace Capillary.EndToEnd;

/// <summary>`measure`: figures of a running fleet for `./dev bench`, as one line of JSON.</summary>
/// <param name="Sites">Number of sites.</param>
/// <param name="Commits">Commits to time; the first is a warm-up and not counted.</param>
/// <param name="AtOnce">Without waves.</param>
/// <param name="IdleSeconds">How long to leave the agents alone before their memory is read; 0: not read.</param>
/// <param name="Edge">Another agent's executable.</param>
internal sealed record Measure(int Sites, int Commits, bool AtOnce, int IdleSeconds, string? Edge)
{
    public static Measure Parse(string[] arguments)
    {
        return new Measure(Number("--sites", 6), Number("--commits", 5), arguments.Contains("--at-once"), Number("--idle", 0), Value("--edge"));

        string? Value(string name) => arguments.SkipWhile(argument => argument != name).Skip(1).FirstOrDefault();

        int Number(string name, int otherwise) => Value(name) is { } text ? int.Parse(text, CultureInfo.InvariantCulture) : otherwise;
    }

    public async Task<int> RunAsync(CancellationToken stop)
    {
        var folder = Directory.CreateTempSubdirectory("capillary-measure-").FullName;
        var binaries = Binaries.Find();
        await using (var fleet =
            await RunningFleet.StartAsync(Edge is null ? binaries
                : binaries with { Edge = Edge }, Path.Combine(folder, "work"), Sites, PrepareAsync, _ => { }, stop))
        {
            await fleet.ConvergeAsync((await fleet.Repository.GitAsync(stop, "rev-parse", "HEAD")).Trim(), TimeSpan.FromMinutes(3), stop);
            var commits = new List<double>();
            for (var i = 0; i < Commits; i++) commits.Add(await TimeCommitAsync(fleet, i, stop));
            var idle = new List<double>();
            if (IdleSeconds > 0)
            {
                await Task.Delay(TimeSpan.FromSeconds(IdleSeconds), stop);
                idle = [.. fleet.Repository.Sites.Select(site => ResidentMegabytes(fleet.ProcessOf(site.Name)))];
            }
            Console.WriteLine(JsonSerializer.Serialize(new { commitSeconds = commits.Skip(1), idleMegabytes = idle }));
        }
        Directory.Delete(folder, recursive: true);
        return 0;
    }

    private Task PrepareAsync(FleetRepository repository, CancellationToken stop)
    {
        if (!AtOnce) return Task.CompletedTask;
        repository.Edit("rollouts/default.yaml", text => text[..text.IndexOf("spec:", StringComparison.Ordinal)] + "spec:\n  waves: []\n");
        return repository.CommitAsync("everything at once", stop);
    }

    /// <summary>A variable of the whole fleet: every site gets a new bundle.</summary>
    private static async Task<double> TimeCommitAsync(RunningFleet fleet, int round, CancellationToken stop)
    {
        fleet.Repository.Edit("groups/laboratory.yaml", text => Replaced(text, "result_retention_days: ", 100 + round));
        fleet.Repository.Edit("groups/point-of-care.yaml", text =>
            Replaced(text, "Results here are preliminary, notice ", round, "Results here are preliminary"));
        var commit = await fleet.Repository.CommitAsync($"change {round}", stop);
        var start = Stopwatch.GetTimestamp();
        await fleet.ConvergeAsync(commit, TimeSpan.FromMinutes(2), stop);
        return Stopwatch.GetElapsedTime(start).TotalSeconds;
    }

    private static string Replaced(string text, string after, int number, string? first = null)
    {
        var anchor = text.Contains(after, StringComparison.Ordinal) ? after : first!;
        var at = text.IndexOf(anchor, StringComparison.Ordinal);
        var end = at + anchor.Length;
        while (end < text.Length && char.IsAsciiDigit(text[end])) end++;
        return $"{text[..at]}{after}{number.ToString(CultureInfo.InvariantCulture)}{text[end..]}";
    }

    private static double ResidentMegabytes(int process)
    {
        var line = File.ReadLines($"/proc/{process}/status").First(text => text.StartsWith("VmRSS:", StringComparison.Ordinal));
        return double.Parse(line[6..^2].Trim(), CultureInfo.InvariantCulture) / 1024;
    }
}
