using System.Runtime.CompilerServices;
using System.Text.RegularExpressions;
using Xunit;

namespace Capillary.Tests.RedTeam;

/// <summary>Keeps the threat model honest: the tests behind its sentences exist.</summary>
public sealed partial class ThreatModelTests
{
    [Fact]
    public void Every_test_that_the_threat_model_names_exists()
    {
        var root = Path.GetFullPath(Path.Combine(Path.GetDirectoryName(Here())!, "..", "..", ".."));
        var sources = Directory.EnumerateFiles(Path.Combine(root, "test"), "*.cs", SearchOption.AllDirectories)
            .Where(file => !file.Contains("/obj/", StringComparison.Ordinal)).Select(File.ReadAllText).ToList();
        var named = TestName().Matches(File.ReadAllText(Path.Combine(root, "docs", "threat-model.md"))).Select(match => match.Groups[1].Value).ToList();
        Assert.True(named.Count > 8);
        foreach (var name in named) Assert.True(sources.Any(text => text.Contains($" {name}(", StringComparison.Ordinal)), $"there is no test {name}");
    }

    private static string Here([CallerFilePath] string file = "") => file;

    [GeneratedRegex("`([A-Z][A-Za-z0-9]*(?:_[A-Za-z0-9]+){2,})`")]
    private static partial Regex TestName();
}
