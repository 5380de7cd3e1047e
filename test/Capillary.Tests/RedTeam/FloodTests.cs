using Capillary.Core.Identity;
using Capillary.Core.Protocol;
using Capillary.Tests.Node.Parent;
using Xunit;

namespace Capillary.Tests.RedTeam;

/// <summary>What a flood from its region leaves in an agent's memory.</summary>
[Collection(nameof(AloneCollection))]
public sealed class FloodTests
{
    [Fact]
    public async Task RedTeam_a_hundred_thousand_lines_of_others_leave_nothing_behind()
    {
        await using var fleet = new RedFleet();
        await fleet.StartAsync();
        await fleet.StartHonestRegionAsync();
        foreach (var site in (string[])["basel", "lyon"]) await fleet.JoinAsync(site, NodeKind.Site, fleet.Wire.At);
        fleet.StartSite();
        await using var evil = fleet.EvilParent();
        await fleet.ConvergeAsync("one", then: await evil.StartAsync());
        var line = fleet.Line("lyon");
        // Each line is an object of its own once it was read from the wire; all of them are some 100 MB.
        Frame flood = new Frame.Desired(line.Checkpoint.Envelope, [.. Enumerable.Repeat(line.Line, 1000)], false);
        // The first frames fill pools of buffers, on both sides of the wire; they stay.
        await FloodAsync(10);
        var before = AloneCollection.Settled();
        await FloodAsync(100);
        var kept = AloneCollection.Settled() - before;
        Assert.True(kept < 16 << 20, $"{kept >> 20} MiB of it are kept");

        async Task FloodAsync(int frames)
        {
            for (var i = 0; i < frames; i++) Assert.True(await evil.SayAsync(fleet.Stop, flood));
        }
    }
}
