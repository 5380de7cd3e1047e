using System.Runtime.CompilerServices;
using Capillary.Node.Links;
using Xunit;

namespace Capillary.Tests.Node.Networks;

public sealed class NetworksPageTests
{
    [Fact]
    public void Every_problem_of_a_link_is_explained()
    {
        var page = File.ReadAllText(Path.Combine(FindRoot(), "docs/operations/networks.md"));
        foreach (var problem in Enum.GetNames<LinkProblem>())
            Assert.True(page.Contains($"| `{problem}` |", StringComparison.Ordinal), $"docs/operations/networks.md has no row for {problem}");
    }

    private static string FindRoot([CallerFilePath] string here = "") => Path.GetFullPath(Path.Combine(Path.GetDirectoryName(here)!, "../../../.."));
}
