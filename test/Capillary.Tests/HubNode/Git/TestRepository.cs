using System.Diagnostics;

namespace Capillary.Tests.HubNode.Git;

/// <summary>A repository of a test's own, driven by the real <c>git</c>.</summary>
internal sealed class TestRepository : IDisposable
{
    private readonly DirectoryInfo root = Directory.CreateTempSubdirectory("capillary-git-");

    public TestRepository()
    {
        Directory.CreateDirectory(Work);
        Git("init", "--quiet", "-b", "main", ".");
    }

    public string Work => System.IO.Path.Combine(root.FullName, "work");

    public string Mirror => System.IO.Path.Combine(root.FullName, "mirror");

    public void Write(string path, string text)
    {
        var file = System.IO.Path.Combine(Work, path);
        Directory.CreateDirectory(System.IO.Path.GetDirectoryName(file)!);
        File.WriteAllText(file, text);
    }

    public void Write(IEnumerable<KeyValuePair<string, string>> files)
    {
        foreach (var (path, text) in files) Write(path, text);
    }

    public string Commit(string message)
    {
        Git("add", "-A");
        Git("commit", "--quiet", "--allow-empty", "-m", message);
        return Git("rev-parse", "HEAD");
    }

    public string Git(params string[] arguments)
    {
        var start = new ProcessStartInfo("git") { WorkingDirectory = Work, RedirectStandardOutput = true, RedirectStandardError = true };
        foreach (var argument in (string[])["-c", "user.name=Ada", "-c", "user.email=ada@example.org", .. arguments])
            start.ArgumentList.Add(argument);
        using var process = Process.Start(start)!;
        var error = process.StandardError.ReadToEndAsync();
        var output = process.StandardOutput.ReadToEnd().Trim();
        process.WaitForExit();
        return process.ExitCode == 0 ? output : throw new InvalidOperationException(error.Result);
    }

    public void Dispose() => root.Delete(recursive: true);
}
