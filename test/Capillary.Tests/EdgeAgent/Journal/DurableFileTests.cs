using System.Runtime.Versioning;
using Capillary.Core.Apply;
using Capillary.Core.Bundles;
using Capillary.Node.Journal;
using Xunit;

namespace Capillary.Tests.EdgeAgent.Journal;

[SupportedOSPlatform("linux")]
public sealed class DurableFileTests : IDisposable
{
    private readonly string folder = Directory.CreateTempSubdirectory("capillary-").FullName;

    [Fact]
    public void What_was_written_is_read_and_only_by_its_owner()
    {
        var file = new DurableFile<ApplyState>($"{folder}/x.json", ApplyJson.Default.ApplyState);
        Assert.IsType<DurableRead<ApplyState>.Absent>(file.Read());
        var state = ApplyState.Initial with { Desired = new DesiredBundle(Digest.Of("b"u8), null, 7), Phase = ApplyPhase.Applying };
        file.Write(state);
        file.Write(state with { Phase = ApplyPhase.Healthy });
        var found = Assert.IsType<DurableRead<ApplyState>.Found>(file.Read()).Value;
        Assert.Equal((state.Desired, ApplyPhase.Healthy), (found.Desired, found.Phase));
        Assert.Equal((UnixFileMode)0x180, File.GetUnixFileMode($"{folder}/x.json"));
        Assert.Single(Directory.GetFiles(folder));
        file.Delete();
        Assert.IsType<DurableRead<ApplyState>.Absent>(file.Read());
    }

    [Theory]
    [InlineData("")]
    [InlineData("{\"v\":1,\"desi")]
    [InlineData("null")]
    [InlineData("{\"target\":\"sha256:short\"}")]
    public void Promise8_an_unreadable_file_is_an_answer_and_is_kept(string text)
    {
        File.WriteAllText($"{folder}/x.json", text);
        var file = new DurableFile<ApplyState>($"{folder}/x.json", ApplyJson.Default.ApplyState);
        var corrupt = Assert.IsType<DurableRead<ApplyState>.Corrupt>(file.Read());
        Assert.Equal(text, File.ReadAllText(corrupt.Aside));
        Assert.IsType<DurableRead<ApplyState>.Absent>(file.Read());
    }

    [Fact]
    public void A_torn_temporary_file_is_nothing()
    {
        var file = new DurableFile<ApplyState>($"{folder}/x.json", ApplyJson.Default.ApplyState);
        file.Write(ApplyState.Initial);
        File.WriteAllText($"{folder}/x.json.tmp", "{\"v\":");
        Assert.IsType<DurableRead<ApplyState>.Found>(file.Read());
        file.Write(ApplyState.Initial with { Phase = ApplyPhase.Healthy });
        Assert.Equal(ApplyPhase.Healthy, Assert.IsType<DurableRead<ApplyState>.Found>(file.Read()).Value.Phase);
    }

    [Fact]
    public void After_a_write_that_failed_the_old_document_is_there()
    {
        var file = new DurableFile<ApplyState>($"{folder}/x.json", ApplyJson.Default.ApplyState);
        file.Write(ApplyState.Initial with { Phase = ApplyPhase.Healthy });
        Directory.CreateDirectory($"{folder}/x.json.tmp");
        Assert.ThrowsAny<Exception>(() => file.Write(ApplyState.Initial));
        Assert.Equal(ApplyPhase.Healthy, Assert.IsType<DurableRead<ApplyState>.Found>(file.Read()).Value.Phase);
    }

    public void Dispose() => Directory.Delete(folder, recursive: true);
}
