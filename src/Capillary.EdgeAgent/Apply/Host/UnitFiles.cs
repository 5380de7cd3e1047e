using System.Text;
using Capillary.Node.Journal;

namespace Capillary.EdgeAgent.Apply.Host;

/// <summary>The files that make one service a unit that comes back with every boot.</summary>
/// <param name="folder">Where a system's own units stand; what is below <c>/run</c> would be gone after a power cut.</param>
/// <param name="name">The unit.</param>
/// <param name="variablesPath">Its environment file.</param>
internal sealed class UnitFiles(string folder, string name, string variablesPath)
{
    private const UnixFileMode Readable =
        UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.GroupRead | UnixFileMode.OtherRead;

    private readonly string path = $"{folder}/{name}";
    private readonly string wants = $"{folder}/multi-user.target.wants";

    private string Link => $"{wants}/{name}";

    /// <summary>Where systemd would find more about this one unit. What is said of all (capillary-.service.d) is the site's own.</summary>
    private IEnumerable<string> Foreign =>
    [
        $"{path}.d", $"{folder}.control/{name}.d", $"/run/systemd/system/{name}.d", $"/run/systemd/system.control/{name}.d",
        $"{folder}.control/{name}", $"/run/systemd/system/{name}", $"/run/systemd/system.control/{name}",
    ];

    /// <summary>What is not as it should be, in words; null: nothing.</summary>
    public string? Difference(ServiceUnit unit) => RunDifference(unit)
        ?? (Exists(new FileInfo(Link)) == unit.Enabled ? null : unit.Enabled ? "was disabled" : "was enabled");

    /// <summary>As above, of what decides how it runs now. Whether it comes with the next boot is no reason to restart it.</summary>
    public string? RunDifference(ServiceUnit unit)
    {
        var file = new FileInfo(path);
        if (!Exists(file)) return "was removed";
        if (file.LinkTarget is { } target) return target == "/dev/null" ? "was masked" : "was replaced by a link";
        if (!Holds(path, unit.Text) || file.UnixFileMode != Readable) return "was edited";
        if (!Holds(variablesPath, unit.Variables)) return "got other variables";
        return Foreign.Any(more => Exists(new FileInfo(more))) ? "was changed by a drop-in" : null;
    }

    /// <summary>Each file is replaced whole and is durable when this returns.</summary>
    public void Put(ServiceUnit unit)
    {
        AtomicFile.Write(variablesPath, Encoding.UTF8.GetBytes(unit.Variables));
        // Written where systemd does not look, as it must be readable for all before it has its name.
        AtomicFile.Write($"{path}.new", Encoding.UTF8.GetBytes(unit.Text));
        File.SetUnixFileMode($"{path}.new", Readable);
        if (Directory.Exists(path) && new FileInfo(path).LinkTarget is null) Directory.Delete(path, recursive: true);
        File.Move($"{path}.new", path, overwrite: true);
        foreach (var more in Foreign) Delete(more);
        Directory.CreateDirectory(wants);
        if (!unit.Enabled) Delete(Link);
        else if (!Exists(new FileInfo(Link))) File.CreateSymbolicLink(Link, path);
        DurableFolder.Flush(wants);
        DurableFolder.Flush(folder);
    }

    public void Remove()
    {
        Delete(Link);
        Delete(path);
        foreach (var more in Foreign) Delete(more);
        File.Delete(variablesPath);
        if (Directory.Exists(wants)) DurableFolder.Flush(wants);
        DurableFolder.Flush(folder);
    }

    private static bool Holds(string path, string text) =>
        File.Exists(path) && File.ReadAllBytes(path).AsSpan().SequenceEqual(Encoding.UTF8.GetBytes(text));

    /// <summary>A link that leads nowhere is there too.</summary>
    private static bool Exists(FileInfo file) => file.Exists || Directory.Exists(file.FullName) || file.LinkTarget is not null;

    private static void Delete(string path)
    {
        if (Directory.Exists(path) && new FileInfo(path).LinkTarget is null) Directory.Delete(path, recursive: true);
        else if (Exists(new FileInfo(path))) File.Delete(path);
    }
}
