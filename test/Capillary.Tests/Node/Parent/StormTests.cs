using System.Diagnostics;
using Xunit;
using Xunit.Abstractions;

namespace Capillary.Tests.Node.Parent;

/// <summary>A region restarts and all its children dial at once; how fast they are back is measured by the figure <c>storm</c>.</summary>
[Collection(nameof(AloneCollection))]
public sealed class StormTests(ITestOutputHelper output)
{
    private const int Children = 2000;

    [Fact]
    public async Task Two_thousand_children_come_back_after_their_parent_restarted()
    {
        await using var parent = new RealParent(Children);
        await parent.StartAsync();
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(parent.Stop);
        var lost = 0;
        var running = Enumerable.Range(0, Children).Select(index => Task.Run(() => parent.Link(index, status =>
        {
            if (!status.IsLive) Interlocked.Increment(ref lost);
        }).RunAsync(stop.Token))).ToList();
        await AllLiveAsync();
        await parent.RestartAsync();
        var clock = Stopwatch.StartNew();
        await AllLiveAsync();
        output.WriteLine($"all back {clock.Elapsed.TotalSeconds:0.0} s after the parent listened again");
        Assert.True(lost >= Children, $"only {lost} links were lost");
        await stop.CancelAsync();
        await Task.WhenAll(running);

        async Task AllLiveAsync()
        {
            while (parent.Server.Sessions < Children) await Task.Delay(20, parent.Stop);
        }
    }
}
