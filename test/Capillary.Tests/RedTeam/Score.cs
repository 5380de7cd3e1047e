using System.Collections.Concurrent;
using Xunit.Abstractions;

namespace Capillary.Tests.RedTeam;

/// <summary>Counts attacks and those that something accepted. All are tried before the test fails.</summary>
internal sealed class Score(ITestOutputHelper output)
{
    private readonly ConcurrentQueue<string> accepted = new();
    private int attacks;

    /// <summary>One attack is over; <paramref name="changed"/> says what of it was accepted, null: nothing.</summary>
    public void Count(string attack, string? changed)
    {
        Interlocked.Increment(ref attacks);
        output.WriteLine($"{attack}: {changed ?? "nothing accepted"}");
        if (changed is not null) accepted.Enqueue($"{attack}: {changed}");
    }

    /// <summary>The closing assertion.</summary>
    public void AssertNothingAccepted(int atLeast)
    {
        output.WriteLine($"{attacks} attacks, {accepted.Count} accepted");
        Xunit.Assert.True(accepted.IsEmpty, string.Join(Environment.NewLine, accepted));
        Xunit.Assert.True(attacks >= atLeast, $"{attacks} attacks were tried, at least {atLeast} are known");
    }
}
