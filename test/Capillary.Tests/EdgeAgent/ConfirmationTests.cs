using Capillary.Core.Apply;
using Capillary.EdgeAgent;
using Xunit;

namespace Capillary.Tests.EdgeAgent;

public sealed class ConfirmationTests : IDisposable
{
    private static readonly DateTimeOffset Signed = new(2026, 11, 20, 12, 0, 0, TimeSpan.Zero);
    private readonly TwoClocks clocks = new() { Wall = Signed };
    private readonly Confirmation confirmation;

    public ConfirmationTests() => confirmation = new Confirmation(Signed, () => { }, clocks);

    public void Dispose() => confirmation.Dispose();

    [Fact]
    public void A_site_that_hears_no_newer_beacon_says_that_it_may_not_run_the_newest()
    {
        Assert.Empty(Codes());
        clocks.Pass(TimeSpan.FromMinutes(15));
        Assert.Empty(Codes());
        clocks.Pass(TimeSpan.FromMinutes(1));
        Assert.Equal([ConditionCodes.DesiredStateUnconfirmed], Codes());
        confirmation.Heard(Signed.AddMinutes(16), fresh: true);
        Assert.Empty(Codes());
    }

    /// <summary>Silence is counted by a clock that nobody sets.</summary>
    [Fact]
    public void A_clock_that_is_set_says_nothing_of_silence()
    {
        clocks.Wall = Signed.AddYears(10);
        Assert.Empty(Codes());
        clocks.Wall = Signed;
        clocks.Pass(TimeSpan.FromHours(1));
        clocks.Wall = Signed;
        Assert.Equal([ConditionCodes.DesiredStateUnconfirmed], Codes());
    }

    [Fact]
    public void A_clock_behind_signed_time_is_wrong_at_once()
    {
        clocks.Wall = new DateTimeOffset(1970, 1, 1, 0, 0, 0, TimeSpan.Zero);
        Assert.Equal([ConditionCodes.ClockWrong], Codes());
        clocks.Wall = Signed.AddMinutes(-4);
        Assert.Empty(Codes());
    }

    /// <summary>The first beacon of a session may be as old as the region's own outage; only a later one measures the clock.</summary>
    [Fact]
    public void A_clock_ahead_is_wrong_when_a_fresh_beacon_shows_it()
    {
        clocks.Wall = Signed.AddYears(10);
        confirmation.Heard(Signed.AddMinutes(5), fresh: false);
        Assert.Empty(Codes());
        confirmation.Heard(Signed.AddMinutes(10), fresh: true);
        Assert.Equal([ConditionCodes.ClockWrong], Codes());
        clocks.Wall = Signed.AddMinutes(15);
        confirmation.Heard(Signed.AddMinutes(15), fresh: true);
        Assert.Empty(Codes());
    }

    private List<string> Codes() => [.. confirmation.Conditions().Select(condition => condition.Code)];

    private sealed class TwoClocks : TimeProvider
    {
        private long ticks;

        public DateTimeOffset Wall { get; set; }

        public override long TimestampFrequency => TimeSpan.TicksPerSecond;

        public void Pass(TimeSpan time)
        {
            ticks += time.Ticks;
            Wall += time;
        }

        public override DateTimeOffset GetUtcNow() => Wall;

        public override long GetTimestamp() => ticks;
    }
}
