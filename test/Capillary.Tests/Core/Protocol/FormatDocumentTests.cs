using System.Runtime.CompilerServices;
using System.Text.RegularExpressions;
using Capillary.Core.Protocol;
using Xunit;

namespace Capillary.Tests.Core.Protocol;

/// <summary>The format documents show real bytes: each example stands below the name of its golden file.</summary>
public sealed partial class FormatDocumentTests
{
    [Theory]
    [InlineData("bundle-format.md", 12)]
    [InlineData("link-protocol.md", 12)]
    public void Examples_are_the_golden_files(string document, int atLeast)
    {
        var text = File.ReadAllText(Path.Combine(Root(), "docs", document)).ReplaceLineEndings("\n");
        var examples = Example().Matches(text);
        Assert.True(examples.Count >= atLeast, $"{document} has {examples.Count} examples, expected {atLeast}");
        Assert.Equal(Marker().Count(text), examples.Count);
        foreach (Match example in examples)
        {
            var golden = Path.Combine(Root(), "test/Capillary.Tests/Core", example.Groups["file"].Value + ".golden");
            var wanted = File.ReadAllText(golden).TrimEnd('\n');
            if (example.Groups["from"].Success) wanted = string.Join('\n', wanted.Split('\n').Take(int.Parse(example.Groups["from"].Value)));
            Assert.True(wanted == example.Groups["bytes"].Value.TrimEnd('\n'), $"{document}: the example differs from {golden}:\n{wanted}");
        }
    }

    [Fact]
    public void Numbers_and_names_of_the_protocol_are_those_of_the_code()
    {
        var text = File.ReadAllText(Path.Combine(Root(), "docs", "link-protocol.md"));
        foreach (var said in (string[])
            [
                $"protocol version **{LinkProtocol.Version}**", $"`POST {LinkProtocol.SessionPath}`", $"`POST {LinkProtocol.EnrollPath}`",
                $"/v2/{LinkProtocol.Repository}/", $"{LinkProtocol.MaxFrameBytes:N0} bytes", $"{LinkProtocol.LinesPerFrame:N0} lines",
                $"{LinkProtocol.RecordsPerFrame:N0} records", $"{LinkProtocol.SitesPerFrame:N0} sites",
                $"{LinkProtocol.BeatEvery.TotalSeconds:0} s", $"{LinkProtocol.DeadAfter.TotalSeconds:0} s", $"{LinkProtocol.BeaconEvery.TotalMinutes:0} min",
            ])
            Assert.Contains(said, text, StringComparison.Ordinal);
        foreach (var type in typeof(Frame).GetNestedTypes()) Assert.Contains($"`{type.Name}`", text, StringComparison.Ordinal);
    }

    private static string Root([CallerFilePath] string here = "") => Path.GetFullPath(Path.Combine(Path.GetDirectoryName(here)!, "../../../.."));

    [GeneratedRegex(@"<!-- golden: (?<file>[\w./-]+)(?: first (?<from>\d+) lines)? -->\n+```\w*\n(?<bytes>.*?)\n```", RegexOptions.Singleline)]
    private static partial Regex Example();

    [GeneratedRegex("<!-- golden:")]
    private static partial Regex Marker();
}
