using Capillary.Sim;
using Xunit;

namespace Capillary.Tests.Sim;

/// <summary>
/// The whole fleet under faults drawn from a seed: safety after every event, convergence when the faults stop. Repeat a failure with
/// <c>dotnet run --project test/Capillary.Sim -- --seed N --sites S --minutes M --trace</c>.
/// </summary>
public sealed class FleetSimulationTests
{
    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    public void Promise2_a_hundred_sites_stay_safe_and_converge(ulong seed) => Holds(new Options(seed, Sites: 100, Minutes: 8));

    [Fact]
    public void Promise2_small_fleets_stay_safe_and_converge()
    {
        for (var seed = 1000UL; seed < 1006; seed++) Holds(new Options(seed, Sites: 12, Minutes: 15));
    }

    /// <summary>Seeds that once failed.</summary>
    [Theory]
    [InlineData(106, 12, 25)] // A clock set back hid a dead link for ever: ChildSession.OnTick.
    [InlineData(120, 12, 25)] // A report that waited 400 s at a region made the hub show a dead site as healthy.
    [InlineData(107, 12, 25)] // A full disk and a crash made the hub ignore what a site said next.
    [InlineData(23, 12, 15)] // A batch of events that was signed anew with the next key was never sent again.
    [InlineData(1003, 12, 15)] // A batch of events whose acknowledgement was lost below a region was never sent again.
    [InlineData(5023, 8, 40)] // A full disk at the moment of an acknowledgement kept every later batch from going.
    [InlineData(105, 12, 25)] // A disk was copied while a next key lay on it: one succession locks nobody out.
    [InlineData(12, 12, 15)] // The operator of the model moved sites back to a region that was revoked.
    [InlineData(203, 6, 12)] // The same: a second region was revoked while the first was on its way out, and nobody could hear of a copy.
    [InlineData(364, 6, 12)] // A region of the model lost power between its copy of its own record and its identity.
    [InlineData(5022, 8, 40)] // A line that a full disk refused was remembered, acknowledged when it came again, and lost in a crash.
    public void Regressions_hold(ulong seed, int sites, int minutes) => Holds(new Options(seed, Sites: sites, Minutes: minutes));

    [Fact]
    public void One_seed_is_one_run_event_by_event()
    {
        var (first, second) = (new StringWriter(), new StringWriter());
        var options = new Options(7, Sites: 20, Minutes: 6);
        var outcome = new World(options with { Trace = first }).Run();
        var again = new World(options with { Trace = second, CheapFrames = true }).Run();
        Assert.Equal(outcome.TraceHash, again.TraceHash);
        Assert.Equal(first.ToString(), second.ToString());
        Assert.True(outcome.Steps > 1000, "a run without events proves nothing");
        Assert.NotEqual(outcome.TraceHash, new World(options with { Seed = 8 }).Run().TraceHash);
    }

    private static void Holds(Options options)
    {
        var outcome = new World(options).Run();
        Assert.True(outcome.Failure is null, $"seed {options.Seed}: {outcome.Failure}\n{string.Join('\n', outcome.LastEvents)}");
        Assert.True(outcome.Faults.Values.Sum() > 10, "hardly a fault happened");
    }
}
