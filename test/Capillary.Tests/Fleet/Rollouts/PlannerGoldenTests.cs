using System.Runtime.CompilerServices;
using Xunit;

namespace Capillary.Tests.Fleet.Rollouts;

/// <summary>Transcripts in Golden/. With UPDATE_GOLDEN=1 they are written anew; read the difference before committing it.</summary>
public sealed class PlannerGoldenTests
{
    [Theory]
    [InlineData("at-once")]
    [InlineData("two-waves")]
    [InlineData("failure-halts")]
    [InlineData("offline")]
    [InlineData("superseded")]
    [InlineData("orphaned")]
    public void A_transcript_holds(string name)
    {
        var path = PathOf($"{name}.txt");
        var written = File.ReadAllText(path);
        var actual = RolloutScript.Run(written);
        if (Environment.GetEnvironmentVariable("UPDATE_GOLDEN") == "1") File.WriteAllText(path, actual);
        else Assert.Equal(written, actual);
    }

    private static string PathOf(string file, [CallerFilePath] string here = "") =>
        Path.Combine(Path.GetDirectoryName(here)!, "Golden", file);
}
