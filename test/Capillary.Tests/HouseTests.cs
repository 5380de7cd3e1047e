using Xunit;

namespace Capillary.Tests;

/// <summary>The rules of the house that are read from the built assemblies.</summary>
public sealed class HouseTests
{
    [Fact]
    public void A_test_runs() => Assert.True(true);
}
