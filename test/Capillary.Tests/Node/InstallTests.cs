using Capillary.Node.Install;
using Xunit;

namespace Capillary.Tests.Node;

/// <summary>Bringing executables to their places; systemd itself is in test/Capillary.EndToEnd/Systemd.</summary>
public sealed class InstallTests : IDisposable
{
    private readonly string folder = Directory.CreateTempSubdirectory("capillary-install-").FullName;

    public void Dispose() => Directory.Delete(folder, recursive: true);

    [Fact]
    public void One_file_is_copied_once_and_replaced_by_a_newer_one()
    {
        var (source, target) = (Write("new/agent", "one"), Path.Combine(folder, "bin", "agent"));
        Assert.True(Executable.Put(source, target));
        Assert.False(Executable.Put(source, target));
        Assert.False(Executable.Put(target, target));
        using var running = File.OpenRead(target);
        File.WriteAllText(source, "two");
        Assert.True(Executable.Put(source, target));
        // Who runs the old one keeps the old file whole.
        Assert.Equal("one", new StreamReader(running).ReadToEnd());
        Assert.Equal("two", File.ReadAllText(target));
        Assert.True((File.GetUnixFileMode(target) & UnixFileMode.OtherExecute) != 0);
        Assert.Single(Directory.EnumerateFiles(Path.Combine(folder, "bin")));
        Executable.Remove(target);
        Assert.False(File.Exists(target));
    }

    [Fact]
    public void An_executable_with_files_beside_it_is_a_link_to_a_folder_of_its_own()
    {
        var (source, target) = (Write("new/agent", "run"), Path.Combine(folder, "bin", "agent"));
        Write("new/agent.dll", "one");
        Write("new/sub/part.so", "part");
        Assert.True(Executable.Put(source, target));
        Assert.False(Executable.Put(source, target));
        Assert.Equal("part", File.ReadAllText(Path.Combine(Behind(target), "sub", "part.so")));
        var first = Behind(target);
        Write("new/agent.dll", "two");
        Assert.True(Executable.Put(source, target));
        Assert.Equal("two", File.ReadAllText(Path.Combine(Behind(target), "agent.dll")));
        Assert.False(Directory.Exists(first));
        Executable.Remove(target);
        Assert.Empty(Directory.EnumerateFileSystemEntries(Path.Combine(folder, "lib", "agent")));
    }

    [Fact]
    public void Nobody_but_root_installs()
    {
        var plan = new InstallPlan("capillary-edge", "", "/x/agent", "/usr/local/bin", "/var/lib/capillary-edge");
        Assert.Equal("/usr/local/bin/agent", plan.Target);
        if (Environment.IsPrivilegedProcess) return;
        Assert.Contains("sudo", new Installer(plan, TimeProvider.System).Obstacle("capillary-edge install"), StringComparison.Ordinal);
    }

    private static string Behind(string target) => Path.GetDirectoryName(new FileInfo(target).LinkTarget!)!;

    private string Write(string name, string text)
    {
        var path = Path.Combine(folder, name);
        Directory.CreateDirectory(Path.GetDirectoryName(path)!);
        File.WriteAllText(path, text);
        return path;
    }
}
