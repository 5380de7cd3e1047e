using System.Diagnostics;
using System.Globalization;
using Xunit;

// Tests with a network of their own mostly wait; those of the shared fleet count seconds and run alone, after them.
[assembly: CollectionBehavior(MaxParallelThreads = 4)]

namespace Capillary.EndToEnd;

/// <summary>Two regions and four sites that most tests share; each test finds them converged on the first state.</summary>
public sealed class SharedFleet : IAsyncLifetime
{
    public const string Name = "one fleet";
    private static readonly TimeSpan FirstDeadline = TimeSpan.FromSeconds(120);
    private static readonly TimeSpan Deadline = TimeSpan.FromSeconds(60);
    private readonly string folder = Path.Combine(Path.GetTempPath(), $"capillary-e2e-{Environment.ProcessId}");
    private RunningFleet? fleet;
    private string? first;
    private bool failed;

    /// <summary>How long the first convergence took.</summary>
    internal TimeSpan Started { get; private set; }

    public async Task InitializeAsync()
    {
        var clock = Stopwatch.StartNew();
        fleet = await RunningFleet.StartAsync(folder, 4, _ => { }, CancellationToken.None);
        first = await fleet.Repository.HeadAsync(CancellationToken.None);
        await fleet.ConvergeAsync(first, FirstDeadline, CancellationToken.None);
        Started = clock.Elapsed;
    }

    /// <summary>The fleet with every process running and the first state everywhere, whatever an earlier test left.</summary>
    internal async Task<RunningFleet> ReadyAsync()
    {
        var ready = fleet!;
        foreach (var node in (string[])["hub", .. ready.Regions, .. ready.Repository.Sites.Select(site => site.Name)])
        {
            if (!ready.IsStarted(node)) await ready.StartAsync(node, CancellationToken.None);
        }
        var commit = await ready.Repository.ReturnToAsync(first!, CancellationToken.None);
        try
        {
            await ready.ConvergeAsync(commit, Deadline, CancellationToken.None);
        }
        catch (HarnessException)
        {
            failed = true;
            throw;
        }
        return ready;
    }

    /// <summary>Keeps the work folder for a look at its logs.</summary>
    internal void Keep() => failed = true;

    public async Task DisposeAsync()
    {
        if (fleet is not null) await fleet.DisposeAsync();
        var keep = failed || Environment.GetEnvironmentVariable("CAPILLARY_KEEP") is not null;
        if (!keep && Directory.Exists(folder)) Directory.Delete(folder, recursive: true);
        else Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"the work folder is kept: {folder}"));
    }
}

/// <summary>Tests of one running fleet, one after the other.</summary>
[CollectionDefinition(SharedFleet.Name, DisableParallelization = true)]
public sealed class SharedFleetTests : ICollectionFixture<SharedFleet>;

/// <summary>Tests with a fleet of their own that want the machine for themselves.</summary>
[CollectionDefinition(Name, DisableParallelization = true)]
public sealed class AloneTests
{
    public const string Name = "alone";
}
