using Capillary.Core.Bundles;
using Capillary.Fleet.Documents;

namespace Capillary.HubNode.Git;

/// <summary>Reads a fleet repository from a plain folder, such as a checkout that is being edited. Links are reported, never
/// followed.</summary>
public static class FolderReader
{
    private const string GitFolder = ".git";

    /// <summary>The folder as it is now. Content ids are digests, so equal files have equal ids in every folder.</summary>
    public static TreeRead Read(string folder, CancellationToken stop)
    {
        if (!Directory.Exists(folder)) return new TreeRead.Failed($"there is no folder {folder}");
        try
        {
            var entries = new List<TreeEntry>();
            List(new DirectoryInfo(folder), "", entries, stop);
            var admission = TreeRules.Admit(entries);
            return new TreeRead.Done(new FleetTree(admission.Wishes.Select(wish => Load(folder, wish, stop)), admission.Problems));
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return new TreeRead.Failed(e.Message);
        }
    }

    private static void List(DirectoryInfo folder, string prefix, List<TreeEntry> entries, CancellationToken stop)
    {
        stop.ThrowIfCancellationRequested();
        foreach (var item in folder.EnumerateFileSystemInfos())
        {
            if (item.Name == GitFolder || entries.Count > TreeRules.MaxFiles) continue;
            var path = prefix + item.Name;
            if (item.LinkTarget is not null) entries.Add(new(path, TreeEntryKind.SymbolicLink, "", 0));
            else if (item is DirectoryInfo child) List(child, path + "/", entries, stop);
            else entries.Add(new(path, TreeEntryKind.File, "", ((FileInfo)item).Length));
        }
    }

    private static TreeFile Load(string folder, TreeWish wish, CancellationToken stop)
    {
        stop.ThrowIfCancellationRequested();
        var (path, size) = (wish.Entry.Path, wish.Entry.Size);
        // Pipes and sockets have no length, and opening one would wait for its other end.
        if (size == 0) return Of(path, [], wish.Reading);
        var file = System.IO.Path.Combine(folder, path);
        if (wish.Reading == TreeReading.Hold) return Of(path, File.ReadAllBytes(file), wish.Reading);
        using var stream = File.OpenRead(file);
        var digest = Digest.FromHash(System.Security.Cryptography.SHA256.HashData(stream));
        return new TreeFile(path, digest.Text, stream.Length, default, digest);
    }

    private static TreeFile Of(string path, byte[] content, TreeReading reading)
    {
        var digest = Digest.Of(content);
        return reading == TreeReading.Hold
            ? new TreeFile(path, digest.Text, content.Length, content, null)
            : new TreeFile(path, digest.Text, content.Length, default, digest);
    }
}
