using System.Diagnostics;

namespace Capillary.Tests.Fleet.Templates;

/// <summary>What <c>git merge-file -p</c> makes of an edit pair.</summary>
internal sealed class GitMerge : IDisposable
{
    private readonly DirectoryInfo folder = Directory.CreateTempSubdirectory("capillary-merge-");

    public (int Conflicts, byte[] Text) Run(EditPair pair, params string[] options)
    {
        File.WriteAllBytes(PathOf("ours"), pair.Ours);
        File.WriteAllBytes(PathOf("base"), pair.Base);
        File.WriteAllBytes(PathOf("theirs"), pair.Theirs);
        var start = new ProcessStartInfo("git") { WorkingDirectory = folder.FullName, RedirectStandardOutput = true };
        foreach (var argument in (string[])["merge-file", "-p", .. options, "ours", "base", "theirs"]) start.ArgumentList.Add(argument);
        using var process = Process.Start(start)!;
        using var output = new MemoryStream();
        process.StandardOutput.BaseStream.CopyTo(output);
        process.WaitForExit();
        return (process.ExitCode, output.ToArray());
    }

    public string PathOf(string name) => Path.Combine(folder.FullName, name);

    public void Dispose() => folder.Delete(recursive: true);
}
