using Capillary.Core.Apply;
using Capillary.Core.Bundles;
using Xunit;

namespace Capillary.Tests.Core.Apply;

/// <summary>What waits for an hour of the day is told apart from what is missing.</summary>
public sealed class BlobsWaitTests
{
    private static readonly DateTimeOffset Now = new(2026, 11, 20, 12, 0, 0, TimeSpan.Zero);

    [Fact]
    public void Waiting_blobs_show_until_they_come_and_are_asked_for_again()
    {
        var state = Next(ApplyState.Initial, new ApplyEvent.Assigned(new DesiredBundle(Digest.Of("bundle"u8), null, 1)));
        state = Next(state, new ApplyEvent.BlobsMissing(1, "until 19:00", Wait: true));
        var waits = Assert.Single(state.Conditions);
        Assert.Equal((ConditionCodes.BlobsWait, ConditionSeverity.Info, "until 19:00"), (waits.Code, waits.Severity, waits.Text));
        var later = ApplyMachine.Next(state, new ApplyEvent.Tick(), Now + ApplyMachine.LongestRetry);
        Assert.Contains(later.Actions, action => action is ApplyAction.Fetch);

        state = Next(state, new ApplyEvent.BlobsMissing(1, "no link"));
        Assert.Equal([ConditionCodes.BlobsMissing], state.Conditions.Select(condition => condition.Code));
        state = Next(state, new ApplyEvent.BlobsMissing(1, "until 19:00", Wait: true));
        Assert.Equal([ConditionCodes.BlobsWait], state.Conditions.Select(condition => condition.Code));
        Assert.Empty(Next(state, new ApplyEvent.BlobsReady(1)).Conditions);
    }

    private static ApplyState Next(ApplyState state, ApplyEvent happened) => ApplyMachine.Next(state, happened, Now).State;
}
