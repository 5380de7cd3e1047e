using System.Text;
using Capillary.Fleet.Documents;
using Capillary.Fleet.Templates.Merging;

namespace Capillary.Cli;

/// <summary>An instance's folder on this disk. What Git ignores is a file like others.</summary>
/// <param name="folder">Need not be there yet.</param>
/// <param name="step">See <see cref="TemplateJournal"/>.</param>
internal sealed class TemplateFolder(string folder, Action? step = null)
{
    public string Folder => folder;

    private TemplateJournal Journal => new(this, step);

    /// <summary>Why nothing is to be done here but to finish what was cut off; null: nothing was.</summary>
    public string? Unfinished => !Journal.IsUnfinished ? null
        : $"{folder}: a change was cut off while it was written; finish it first: capillary template upgrade {folder}";

    public string PathOf(string path) => Path.Combine(folder, path);

    /// <summary>Everything that stands there, links not followed.</summary>
    public IReadOnlyDictionary<string, MergeEntry> List(CancellationToken stop)
    {
        var entries = new Dictionary<string, MergeEntry>(StringComparer.Ordinal);
        if (Directory.Exists(folder)) List(new DirectoryInfo(folder), "", entries, stop);
        return entries;
    }

    /// <summary>What stands at a path; null when that is nothing or a folder.</summary>
    public MergeEntry? Entry(string path)
    {
        var info = new FileInfo(PathOf(path));
        if (info.LinkTarget is null && !info.Exists) return null;
        var kind = info.LinkTarget is not null ? TreeEntryKind.SymbolicLink
            : (info.UnixFileMode & UnixFileMode.UserExecute) != 0 ? TreeEntryKind.ExecutableFile : TreeEntryKind.File;
        return new MergeEntry(kind, MergeFile.GitId(Read(path).Span));
    }

    /// <summary>The bytes of a file, or a link's target.</summary>
    public ReadOnlyMemory<byte> Read(string path)
    {
        var info = new FileInfo(PathOf(path));
        if (info.LinkTarget is { } target) return Encoding.UTF8.GetBytes(target);
        // Pipes and sockets have no length, and opening one would wait for its other end.
        return info.Length == 0 ? default : (ReadOnlyMemory<byte>)File.ReadAllBytes(info.FullName);
    }

    /// <summary>Writes all of it or, as far as can be known before, nothing; what is cut off in the middle can be finished.</summary>
    /// <returns>Null, or what went wrong.</returns>
    public string? Write(IReadOnlyDictionary<string, MergeFile?> changes)
    {
        if (changes.Count == 0) return null;
        if (Unfinished is { } unfinished) return unfinished;
        foreach (var path in changes.Keys)
        {
            if (LinkAbove(path) is { } link) return $"{PathOf(link)} is a link; nothing is written through it";
            var place = new DirectoryInfo(PathOf(path));
            if (place is { Exists: true, LinkTarget: null } && !changes.Any(other => other.Value is null
                && other.Key.StartsWith(path + '/', StringComparison.Ordinal)))
                return $"{place} is a folder; move it away; nothing was written";
        }
        return Journal.Write(changes);
    }

    /// <summary>Finishes a change that was cut off; false after saying what is in the way.</summary>
    public bool Finish(TextWriter error)
    {
        if (!Journal.IsUnfinished) Journal.Clear();
        if (!Journal.IsUnfinished) return true;
        var failure = Journal.Finish();
        error.WriteLine(failure is null ? $"{folder}: a change that was cut off is finished" : $"capillary: {failure}");
        return failure is null;
    }

    public void Remove(string path)
    {
        // A folder that was made of it is no longer it.
        if (Entry(path) is not null) File.Delete(PathOf(path));
        for (var at = Path.GetDirectoryName(path); at is { Length: > 0 }; at = Path.GetDirectoryName(at))
        {
            var parent = PathOf(at);
            if (!Directory.Exists(parent)) continue;
            if (Directory.EnumerateFileSystemEntries(parent).Any()) return;
            Directory.Delete(parent);
        }
    }

    /// <summary>A folder of the path that is a link; null: none is.</summary>
    public string? LinkAbove(string path)
    {
        for (var at = path.IndexOf('/', StringComparison.Ordinal); at > 0; at = path.IndexOf('/', at + 1))
        {
            if (new FileInfo(PathOf(path[..at])).LinkTarget is not null) return path[..at];
        }
        return null;
    }

    private void List(DirectoryInfo at, string prefix, Dictionary<string, MergeEntry> entries, CancellationToken stop)
    {
        stop.ThrowIfCancellationRequested();
        foreach (var item in at.EnumerateFileSystemInfos())
        {
            if (item.Name is ".git" or TemplateJournal.Name) continue;
            var path = prefix + item.Name;
            if (item is DirectoryInfo child && item.LinkTarget is null) List(child, path + "/", entries, stop);
            else if (Entry(path) is { } entry) entries[path] = entry;
        }
    }
}
