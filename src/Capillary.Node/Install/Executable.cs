using Capillary.Node.Journal;

namespace Capillary.Node.Install;

/// <summary>
/// Brings an executable to its place so that at no moment there is half of one: beside it, flushed, renamed over. A running one goes on
/// with its old file.
/// </summary>
internal static class Executable
{
    private const UnixFileMode Mode = UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute
        | UnixFileMode.GroupRead | UnixFileMode.GroupExecute | UnixFileMode.OtherRead | UnixFileMode.OtherExecute;

    /// <summary>True when something changed.</summary>
    /// <exception cref="IOException">Not copied; what stood there still stands.</exception>
    public static bool Put(string source, string target)
    {
        var bin = Path.GetDirectoryName(target)!;
        Directory.CreateDirectory(bin);
        return File.Exists($"{source}.dll") ? PutFolder(Path.GetDirectoryName(source)!, target) : PutFile(source, target);
    }

    /// <summary>Removes the executable, and the folder behind it if it has one.</summary>
    public static void Remove(string target)
    {
        if (FolderBehind(target) is { } folder && Directory.Exists(folder)) Directory.Delete(folder, recursive: true);
        File.Delete(target);
    }

    private static bool PutFile(string source, string target)
    {
        if (Path.GetFullPath(source) == target || (File.Exists(target) && Same(source, target))) return false;
        var beside = $"{target}.new";
        CopyFlushed(source, beside);
        Replace(beside, target);
        return true;
    }

    /// <summary>An executable that needs files beside it gets a folder of its own, and a link to it is what is renamed.</summary>
    private static bool PutFolder(string source, string target)
    {
        var old = FolderBehind(target);
        if (old is not null && (old == source || SameFolder(source, old))) return false;
        var lib = Path.GetFullPath(Path.Combine(Path.GetDirectoryName(target)!, "..", "lib", Path.GetFileName(target)));
        Directory.CreateDirectory(lib);
        var folder = Path.Combine(lib, Enumerable.Range(1, int.MaxValue).First(n => !Path.Exists(Path.Combine(lib, $"{n}"))).ToString());
        foreach (var file in Directory.EnumerateFiles(source, "*", SearchOption.AllDirectories))
        {
            var copy = Path.Combine(folder, Path.GetRelativePath(source, file));
            Directory.CreateDirectory(Path.GetDirectoryName(copy)!);
            CopyFlushed(file, copy);
        }
        var beside = $"{target}.new";
        File.Delete(beside);
        File.CreateSymbolicLink(beside, Path.Combine(folder, Path.GetFileName(target)));
        Replace(beside, target);
        if (old is not null && Path.GetDirectoryName(old) == lib) Directory.Delete(old, recursive: true);
        return true;
    }

    private static string? FolderBehind(string target) =>
        new FileInfo(target).LinkTarget is { } file && Path.GetDirectoryName(file) is { } folder
        && Path.GetFileName(Path.GetDirectoryName(folder)) == Path.GetFileName(target) ? folder : null;

    private static void Replace(string beside, string target)
    {
        File.Move(beside, target, overwrite: true);
        DurableFolder.Flush(Path.GetDirectoryName(target)!);
    }

    private static void CopyFlushed(string from, string to)
    {
        using var source = File.OpenRead(from);
        using var file = new FileStream(to, new FileStreamOptions
        {
            Mode = FileMode.Create, Access = FileAccess.Write, UnixCreateMode = Mode,
        });
        source.CopyTo(file);
        file.Flush(flushToDisk: true);
        // What an earlier try left has the mode that it had.
        File.SetUnixFileMode(to, Mode);
    }

    private static bool SameFolder(string left, string right)
    {
        var files = Names(left);
        return files.SequenceEqual(Names(right)) && files.All(name => Same(Path.Combine(left, name), Path.Combine(right, name)));
    }

    private static List<string> Names(string folder) => !Directory.Exists(folder) ? []
        : [.. Directory.EnumerateFiles(folder, "*", SearchOption.AllDirectories).Select(file => Path.GetRelativePath(folder, file))
            .Order(StringComparer.Ordinal)];

    private static bool Same(string left, string right)
    {
        using var one = File.OpenRead(left);
        using var other = File.OpenRead(right);
        if (one.Length != other.Length) return false;
        var (buffer, second) = (new byte[64 << 10], new byte[64 << 10]);
        while (one.Read(buffer) is > 0 and var read)
        {
            other.ReadExactly(second, 0, read);
            if (!buffer.AsSpan(0, read).SequenceEqual(second.AsSpan(0, read))) return false;
        }
        return true;
    }
}
