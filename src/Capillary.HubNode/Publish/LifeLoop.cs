using Capillary.HubNode.Observe;
using Capillary.Node.Hosting;
using Microsoft.Data.Sqlite;
using Microsoft.Extensions.Logging;

namespace Capillary.HubNode.Publish;

/// <summary>Takes the wishes for sites' lives on whenever something may have changed, and writes down who knocked.</summary>
internal sealed partial class LifeLoop(SiteLife life, RecordRenewal renewal, Knocks knocks, HubConditions conditions, TimeProvider time,
    ILogger<LifeLoop> log)
{
    private static readonly TimeSpan LookEvery = TimeSpan.FromSeconds(5);

    // Reports of a whole fleet wake it; once in this time is soon enough.
    private static readonly TimeSpan BetweenLooks = TimeSpan.FromMilliseconds(200);

    private readonly WakeSignal wake = new(atOnce: false);

    public void Wake() => wake.Wake();

    public async Task RunAsync(CancellationToken stop)
    {
        while (true)
        {
            var more = Step();
            await Task.Delay(BetweenLooks, time, stop);
            if (more) continue;
            using var timer = time.CreateTimer(_ => Wake(), null, LookEvery, Timeout.InfiniteTimeSpan);
            await wake.WaitAsync(stop);
        }
    }

    private bool Step()
    {
        try
        {
            renewal.Step();
            var more = life.Step();
            knocks.Keep();
            if (conditions.Clear(HubConditions.SiteLifeWaits)) LogGoesOn();
            return more;
        }
        catch (Exception e) when (e is IOException or SqliteException)
        {
            if (conditions.Raise(HubConditions.SiteLifeWaits,
                $"retirements, moves and addresses wait: {e.Message}; make space on the hub's disk"))
                LogWaits(e.Message);
            return false;
        }
    }

    [LoggerMessage(EventId = 2161, Level = LogLevel.Error, Message = "the lives of sites wait: {Problem}")]
    private partial void LogWaits(string problem);

    [LoggerMessage(EventId = 2162, Level = LogLevel.Information, Message = "the lives of sites go on")]
    private partial void LogGoesOn();
}
