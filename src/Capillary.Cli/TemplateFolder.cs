using System.Text;
using Capillary.Fleet.Documents;
using Capillary.Fleet.Templates;
using Capillary.Fleet.Templates.Merging;

namespace Capillary.Cli;

/// <summary>An instance's folder on this disk. What Git ignores is a file like others.</summary>
internal sealed class TemplateFolder(string folder)
{
    private const UnixFileMode Executable = UnixFileMode.UserExecute | UnixFileMode.GroupExecute | UnixFileMode.OtherExecute;
    private const string Unfinished = ".capillary-new-";

    /// <summary>Everything that stands there, links not followed.</summary>
    public IReadOnlyDictionary<string, MergeEntry> List(CancellationToken stop)
    {
        var entries = new Dictionary<string, MergeEntry>(StringComparer.Ordinal);
        if (Directory.Exists(folder)) List(new DirectoryInfo(folder), "", entries, stop);
        return entries;
    }

    /// <summary>The bytes of a file, or a link's target.</summary>
    public ReadOnlyMemory<byte> Read(string path)
    {
        var info = new FileInfo(Path.Combine(folder, path));
        if (info.LinkTarget is { } target) return Encoding.UTF8.GetBytes(target);
        // Pipes and sockets have no length, and opening one would wait for its other end.
        return info.Length == 0 ? default : (ReadOnlyMemory<byte>)File.ReadAllBytes(info.FullName);
    }

    /// <summary>Writes all of it or, as far as can be known before, nothing: new content first stands beside its place under another name.
    /// </summary>
    /// <returns>Null, or what went wrong.</returns>
    public string? Write(IReadOnlyDictionary<string, MergeFile?> changes)
    {
        var staged = new List<(string From, string To)>();
        try
        {
            foreach (var (path, _) in changes)
            {
                if (LinkAbove(path) is { } link) return $"{Path.Combine(folder, link)} is a link; nothing is written through it";
                var place = new DirectoryInfo(Path.Combine(folder, path));
                if (place is { Exists: true, LinkTarget: null } && !changes.Any(other => other.Value is null
                    && other.Key.StartsWith(path + '/', StringComparison.Ordinal)))
                    return $"{place} is a folder; move it away; nothing was written";
            }
            // A file may become a folder: what goes, goes before.
            foreach (var (path, file) in changes)
            {
                if (file is not null) staged.Add((Stage(path, file), Path.Combine(folder, path)));
            }
            foreach (var (path, file) in changes)
            {
                if (file is null) Remove(path);
            }
            // The state at last: until then this is still the old version, and can be done again.
            foreach (var (from, to) in staged.OrderBy(item => InstanceFiles.IsState(Path.GetFileName(item.To)) ? 1 : 0))
            {
                Directory.CreateDirectory(Path.GetDirectoryName(to)!);
                File.Move(from, to, overwrite: true);
            }
            return null;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            foreach (var (from, _) in staged) File.Delete(from);
            return e.Message;
        }
    }

    private void List(DirectoryInfo at, string prefix, Dictionary<string, MergeEntry> entries, CancellationToken stop)
    {
        stop.ThrowIfCancellationRequested();
        foreach (var item in at.EnumerateFileSystemInfos())
        {
            if (item.Name == ".git" || item.Name.StartsWith(Unfinished, StringComparison.Ordinal)) continue;
            var path = prefix + item.Name;
            if (item is DirectoryInfo child && item.LinkTarget is null)
            {
                List(child, path + "/", entries, stop);
                continue;
            }
            var kind = item.LinkTarget is not null ? TreeEntryKind.SymbolicLink
                : (item.UnixFileMode & UnixFileMode.UserExecute) != 0 ? TreeEntryKind.ExecutableFile : TreeEntryKind.File;
            entries[path] = new MergeEntry(kind, MergeFile.GitId(Read(path).Span));
        }
    }

    private string Stage(string path, MergeFile file)
    {
        var name = Path.Combine(folder, Unfinished + Guid.NewGuid().ToString("N"));
        Directory.CreateDirectory(folder);
        if (file.Kind == TreeEntryKind.SymbolicLink)
        {
            File.CreateSymbolicLink(name, Encoding.UTF8.GetString(file.Bytes.Span));
            return name;
        }
        File.WriteAllBytes(name, file.Bytes.Span);
        var mode = File.GetUnixFileMode(name);
        if (file.Kind == TreeEntryKind.ExecutableFile) File.SetUnixFileMode(name, mode | Executable);
        return name;
    }

    private void Remove(string path)
    {
        File.Delete(Path.Combine(folder, path));
        for (var at = Path.GetDirectoryName(path); at is { Length: > 0 }; at = Path.GetDirectoryName(at))
        {
            var parent = Path.Combine(folder, at);
            if (!Directory.Exists(parent) || Directory.EnumerateFileSystemEntries(parent).Any()) return;
            Directory.Delete(parent);
        }
    }

    private string? LinkAbove(string path)
    {
        for (var at = path.IndexOf('/', StringComparison.Ordinal); at > 0; at = path.IndexOf('/', at + 1))
        {
            if (new FileInfo(Path.Combine(folder, path[..at])).LinkTarget is not null) return path[..at];
        }
        return null;
    }
}
