using System.Runtime.CompilerServices;
using Xunit;

namespace Capillary.Tests.Fleet.Rollouts;

/// <summary>Transcripts in Golden/. With CAPILLARY_GOLDEN=update they are written anew; read the difference before committing it.</summary>
public sealed class PlannerGoldenTests
{
    [Theory]
    [InlineData("at-once")]
    [InlineData("two-waves")]
    [InlineData("failure-halts")]
    [InlineData("offline")]
    [InlineData("superseded")]
    [InlineData("orphaned")]
    [InlineData("budget")]
    [InlineData("soak")]
    [InlineData("approval")]
    [InlineData("http-gate")]
    [InlineData("groups")]
    [InlineData("sizes")]
    [InlineData("failures")]
    [InlineData("rollback")]
    [InlineData("deadline")]
    [InlineData("held")]
    [InlineData("windows")]
    [InlineData("priority")]
    [InlineData("policies")]
    [InlineData("control")]
    [InlineData("carried")]
    public void A_transcript_holds(string name)
    {
        var path = PathOf($"{name}.txt");
        var written = File.ReadAllText(path);
        var actual = RolloutScript.Run(written);
        GoldenFile.CheckText(path, actual);
    }

    private static string PathOf(string file, [CallerFilePath] string here = "") =>
        Path.Combine(Path.GetDirectoryName(here)!, "Golden", file);
}
