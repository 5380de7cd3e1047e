using Capillary.Core.Bundles;

namespace Capillary.Fleet.Documents;

/// <summary>What stands at a path of a commit or folder.</summary>
public enum TreeEntryKind
{
    File,
    ExecutableFile,
    SymbolicLink,
    Submodule,
}

/// <summary>One line of a listing, before anything is read.</summary>
/// <param name="Path">From the root, <c>/</c>-separated.</param>
/// <param name="Kind">Links and submodules are reported, never followed.</param>
/// <param name="Id">Names the content: a Git blob id, or any text that changes when the content does.</param>
/// <param name="Size">In bytes.</param>
public sealed record TreeEntry(string Path, TreeEntryKind Kind, string Id, long Size);

/// <summary>One file of a <see cref="FleetTree"/>.</summary>
/// <param name="Path">From the root, <c>/</c>-separated.</param>
/// <param name="Id">Names the content; equal ids mean equal bytes.</param>
/// <param name="Size">In bytes.</param>
/// <param name="Content">The bytes of a document or template; empty for an artifact.</param>
/// <param name="Digest">The digest of an artifact; null for a document or template.</param>
public sealed record TreeFile(string Path, string Id, long Size, ReadOnlyMemory<byte> Content, Digest? Digest);

/// <summary>The files of one commit that the fleet language reads, and what was wrong while listing them.</summary>
public sealed class FleetTree
{
    /// <summary>Files in any order; a path that stands twice is a bug of the reader.</summary>
    public FleetTree(IEnumerable<TreeFile> files, IEnumerable<Diagnostic> problems)
    {
        Files = [.. files.OrderBy(file => file.Path, StringComparer.Ordinal)];
        Problems = [.. problems];
        byPath = Files.ToDictionary(file => file.Path, StringComparer.Ordinal);
    }

    private readonly Dictionary<string, TreeFile> byPath;

    /// <summary>In ordinal order of path.</summary>
    public IReadOnlyList<TreeFile> Files { get; }

    /// <summary>Links, oversize files, unusable paths: found by <see cref="TreeRules"/> or the reader.</summary>
    public IReadOnlyList<Diagnostic> Problems { get; }

    /// <summary>The file at this path, or null.</summary>
    public TreeFile? Find(string path) => byPath.GetValueOrDefault(path);
}
