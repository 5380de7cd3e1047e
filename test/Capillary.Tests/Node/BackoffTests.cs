using Capillary.Node.Child;
using Xunit;

namespace Capillary.Tests.Node;

/// <summary>How long a child may be away after its parent is back.</summary>
public sealed class BackoffTests
{
    [Fact]
    public void The_ceiling_is_5_s_for_the_first_tries_and_15_s_at_most()
    {
        var backoff = new Backoff(TimeSpan.FromSeconds(1), TimeSpan.FromSeconds(15), () => 1);
        var ceilings = Enumerable.Range(0, 200).Select(_ => backoff.Next().TotalSeconds).ToList();
        Assert.Equal([1, 2, 4, 5, 5], ceilings[..5]);
        Assert.All(ceilings[..20], ceiling => Assert.InRange(ceiling, 0, 5));
        Assert.Equal(15, ceilings[^1]);
        backoff.Reset();
        Assert.Equal(1, backoff.Next().TotalSeconds);
    }
}
