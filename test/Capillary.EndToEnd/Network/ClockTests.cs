using System.Globalization;
using Xunit;
using Xunit.Abstractions;

namespace Capillary.EndToEnd.Network;

/// <summary>A clock at 1970 or ten years ahead decides nothing: every tier boots, proves its peers and converges.</summary>
public abstract class ClockTest(ITestOutputHelper output) : NetworkTest(output)
{
    private protected const string FakeTime = FakeTimeFactAttribute.Library;

    private protected const string ClockWrong = "ClockWrong";

    // Late in 1970: libfaketime lets .NET's timers wait for ever when the time it shows is less than the machine is up.
    private static readonly TimeSpan Since1970 = DateTimeOffset.UtcNow - new DateTimeOffset(1970, 10, 1, 0, 0, 0, TimeSpan.Zero);

    private protected static readonly (string Name, string Setting)[] Clocks =
        [("1970", string.Create(CultureInfo.InvariantCulture, $"-{Since1970.TotalSeconds:0}s")), ("+10 years", "+3650d")];

    private protected async Task RestartAsync(string node, string? clock)
    {
        await Fleet.KillAsync(node);
        Net.SetEnvironment(node, clock is null ? [] : [$"LD_PRELOAD={FakeTime}", $"FAKETIME={clock}", "DONT_FAKE_MONOTONIC=1"]);
        await Fleet.StartAsync(node, Stop);
    }

    private protected async Task<bool> SaysClockWrongAsync() =>
        (await Fleet.Api.GetAsync($"sites/{Site}", Stop)).GetProperty("conditions").EnumerateArray()
            .Any(item => item.GetProperty("code").GetString() == ClockWrong);
}

/// <summary>The site's clock is wrong, then its region's.</summary>
public sealed class ClockBelowTests(ITestOutputHelper output) : ClockTest(output)
{
    [NetworkFact(Needs = FakeTime)]
    public async Task WrongClockOfASite_ItStillProvesItsParentAndConverges()
    {
        foreach (var (name, clock) in Clocks)
        {
            var log = Fleet.LogEnd(Site);
            await RestartAsync(Site, clock);
            await WaitForLinkAsync(Site, log);
            await ConvergeAsync(await CommitNoticeAsync($"the site's clock is at {name}"));
            var line = Fleet.LogSince(Site, log).Split('\n')[0];
            Say(line);
            Assert.False(line.StartsWith($"{DateTime.UtcNow.Year}-", StringComparison.Ordinal), "the clock is not faked");
            await WaitAsync("the site to name its clock", SaysClockWrongAsync);
        }
        await RestartAsync(Site, null);
        await ConvergeAsync(await CommitNoticeAsync("the site's clock is right"));
        await WaitAsync("the site's clock to be right", async () => !await SaysClockWrongAsync());
    }

    [NetworkFact(Needs = FakeTime)]
    public async Task WrongClockOfARegion_ItStillServesAndConverges()
    {
        foreach (var (name, clock) in Clocks)
        {
            await RestartAsync(Region, clock);
            await ConvergeAsync(await CommitNoticeAsync($"the region's clock is at {name}"));
        }
        await RestartAsync(Region, null);
        await ConvergeAsync(await CommitNoticeAsync("the region's clock is right"));
        Assert.False(await SaysClockWrongAsync());
    }
}

/// <summary>The hub restarts with a wrong clock, and later with the right one.</summary>
public sealed class ClockOfTheHubTests(ITestOutputHelper output) : ClockTest(output)
{
    [NetworkFact(Needs = FakeTime)]
    public async Task WrongClockOfTheHub_TheFleetConverges_AndSoItDoesWhenTheClockIsRightAgain()
    {
        foreach (var (name, clock) in Clocks)
        {
            await RestartAsync("hub", clock);
            await ConvergeAsync(await CommitNoticeAsync($"the hub's clock is at {name}"), TimeSpan.FromMinutes(2));
            await RestartAsync("hub", null);
            await ConvergeAsync(await CommitNoticeAsync($"the hub's clock is right after {name}"), TimeSpan.FromMinutes(2));
        }
    }
}
