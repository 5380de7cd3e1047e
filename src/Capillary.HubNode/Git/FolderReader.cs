using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using Capillary.Core.Bundles;
using Capillary.Fleet.Documents;

namespace Capillary.HubNode.Git;

/// <summary>Reads a fleet repository from a plain folder, such as a checkout that is being edited. Links are reported, never
/// followed.</summary>
public static class FolderReader
{
    private const string GitFolder = ".git";
    private const int BufferBytes = 1 << 17;

    /// <summary>The folder as it is now. Content ids are Git's (of a SHA-1 repository), so that its compile
    /// takes over what a commit's compile made.</summary>
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
        using var digest = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        using var id = BeginId(stream.Length);
        var buffer = new byte[BufferBytes];
        while (stream.Read(buffer) is var read and > 0)
        {
            stop.ThrowIfCancellationRequested();
            digest.AppendData(buffer, 0, read);
            id.AppendData(buffer, 0, read);
        }
        return new TreeFile(path, Convert.ToHexStringLower(id.GetHashAndReset()), stream.Length, default,
            Digest.FromHash(digest.GetHashAndReset()));
    }

    private static TreeFile Of(string path, byte[] content, TreeReading reading)
    {
        using var id = BeginId(content.Length);
        id.AppendData(content);
        return new TreeFile(path, Convert.ToHexStringLower(id.GetHashAndReset()), content.Length,
            reading == TreeReading.Hold ? content : default, reading == TreeReading.Hold ? null : Digest.Of(content));
    }

    // As `git hash-object` does it.
    private static IncrementalHash BeginId(long size)
    {
        var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA1);
        hash.AppendData(Encoding.ASCII.GetBytes(string.Create(CultureInfo.InvariantCulture, $"blob {size}\0")));
        return hash;
    }
}
