using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using Capillary.Core.Bundles;
using Capillary.Fleet.Documents;

namespace Capillary.HubNode.Git;

/// <summary>Reads commits of one local repository, bare or not.</summary>
/// <param name="repository">A folder inside the repository.</param>
public sealed class GitTreeReader(string repository)
{
    private const int CopyBytes = 1 << 16;
    private readonly GitCommand git = new(repository);

    /// <summary>
    /// The fleet repository at a commit. Only blobs that <paramref name="previous"/> does not hold are read, so the next commit costs
    /// what it changed.
    /// </summary>
    /// <param name="commit">A full object id, as <see cref="ResolveAsync"/> gives it.</param>
    /// <param name="folder">Where in the repository the fleet stands; empty for its root. <c>/</c>-separated.</param>
    /// <param name="previous">A tree read before, or null.</param>
    /// <param name="stop">Ends git.</param>
    public async Task<TreeRead> ReadAsync(string commit, string folder, FleetTree? previous, CancellationToken stop)
    {
        var treeish = folder.Length == 0 ? commit : $"{commit}:{folder.Trim('/')}";
        var problems = new List<Diagnostic>();
        var entries = new List<TreeEntry>();
        var listed = await git.RunAsync(["ls-tree", "-r", "-z", "--long", "--full-tree", "--end-of-options", treeish], null,
            async (stream, token) =>
            {
                await ListAsync(stream, entries, problems, token);
                return "";
            }, stop);
        if (listed is GitRun.Failed failure) return new TreeRead.Failed(failure.Error);
        var admission = TreeRules.Admit(entries);
        problems.AddRange(admission.Problems);
        var files = new Dictionary<string, TreeFile>(StringComparer.Ordinal);
        var error = await LoadAsync(admission.Wishes, Known(previous), files, stop);
        return error is null ? new TreeRead.Done(new FleetTree(files.Values, problems)) : new TreeRead.Failed(error);
    }

    /// <summary>The commit that a revision (branch, tag, id, <c>HEAD~1</c>) means, or null with git's words.</summary>
    public async Task<(GitCommit? Commit, string? Error)> ResolveAsync(string revision, CancellationToken stop)
    {
        var run = await git.RunAsync(["log", "-1", "--no-show-signature", "--format=%H%x00%an <%ae>%x00%ct%x00%s", "--end-of-options",
            $"{revision}^{{commit}}", "--"], stop);
        if (run is GitRun.Failed failure) return (null, failure.Error);
        var fields = ((GitRun.Done)run).Output.TrimEnd('\n').Split('\0', 4);
        if (fields.Length < 4) return (null, $"'{revision}' is no commit");
        return (new GitCommit(fields[0], fields[1], DateTimeOffset.FromUnixTimeSeconds(long.Parse(fields[2], CultureInfo.InvariantCulture)),
            fields[3]), null);
    }

    /// <summary>Where the reader's folder stands below the root of its work tree; empty at the root; null outside of any
    /// repository.</summary>
    public async Task<string?> PrefixAsync(CancellationToken stop) =>
        await git.RunAsync(["rev-parse", "--show-prefix"], stop) is GitRun.Done run ? run.Output.TrimEnd('\n').TrimEnd('/') : null;

    /// <summary>Copies one blob, such as an artifact's bytes; null, or what went wrong.</summary>
    /// <param name="id">A blob's object id: <see cref="Fleet.Compile.ArtifactSource.Id"/>.</param>
    /// <param name="target">Gets the bytes.</param>
    /// <param name="stop">Ends git.</param>
    public async Task<string?> CopyAsync(string id, Stream target, CancellationToken stop)
    {
        var run = await git.RunAsync(["cat-file", "blob", id], null, async (stream, token) =>
        {
            await stream.CopyToAsync(target, token);
            return "";
        }, stop);
        return run is GitRun.Failed failure ? failure.Error : null;
    }

    private static Dictionary<(string, bool), TreeFile> Known(FleetTree? previous)
    {
        var known = new Dictionary<(string, bool), TreeFile>();
        foreach (var file in previous?.Files ?? []) known[(file.Id, file.Digest is null)] = file;
        return known;
    }

    /// <summary><c>mode type id size\tpath\0</c>, one after the other.</summary>
    private static async Task ListAsync(Stream stream, List<TreeEntry> entries, List<Diagnostic> problems, CancellationToken stop)
    {
        using var buffer = new MemoryStream();
        await stream.CopyToAsync(buffer, stop);
        var rest = buffer.GetBuffer().AsMemory(0, (int)buffer.Length);
        while (rest.Length > 0)
        {
            var end = rest.Span.IndexOf((byte)0);
            var line = rest.Span[..end];
            rest = rest[(end + 1)..];
            var tab = line.IndexOf((byte)'\t');
            var fields = Encoding.ASCII.GetString(line[..tab]).Split(' ', StringSplitOptions.RemoveEmptyEntries);
            if (!System.Text.Unicode.Utf8.IsValid(line[(tab + 1)..]))
            {
                var path = Encoding.UTF8.GetString(line[(tab + 1)..]);
                problems.Add(Diagnostic.Error(DiagnosticCodes.BadPath, path, TextPosition.WholeFile, "the path is not UTF-8"));
                continue;
            }
            var kind = fields[0] switch
            {
                "120000" => TreeEntryKind.SymbolicLink,
                "160000" => TreeEntryKind.Submodule,
                "100755" => TreeEntryKind.ExecutableFile,
                _ => TreeEntryKind.File,
            };
            var size = long.TryParse(fields[3], CultureInfo.InvariantCulture, out var bytes) ? bytes : 0;
            entries.Add(new(Encoding.UTF8.GetString(line[(tab + 1)..]), kind, fields[2], size));
        }
    }

    private async Task<string?> LoadAsync(IReadOnlyList<TreeWish> wishes, Dictionary<(string, bool), TreeFile> known,
        Dictionary<string, TreeFile> files, CancellationToken stop)
    {
        var missing = new List<TreeWish>();
        foreach (var wish in wishes)
        {
            if (known.TryGetValue((wish.Entry.Id, wish.Reading == TreeReading.Hold), out var file))
                files.Add(wish.Entry.Path, file.Path == wish.Entry.Path ? file : file with { Path = wish.Entry.Path });
            else
                missing.Add(wish);
        }
        if (missing.Count == 0) return null;
        var ids = Encoding.ASCII.GetBytes(string.Concat(missing.Select(wish => wish.Entry.Id + "\n")));
        var run = await git.RunAsync(["cat-file", "--batch"], (stream, token) => stream.WriteAsync(ids, token).AsTask(), Read, stop);
        return run is GitRun.Failed failure ? failure.Error : null;

        async Task<string> Read(Stream stream, CancellationToken token)
        {
            await using var input = new BufferedStream(stream, CopyBytes);
            foreach (var wish in missing) files.Add(wish.Entry.Path, await BlobAsync(input, wish, token));
            return "";
        }
    }

    /// <summary><c>id blob size\n</c>, the bytes, <c>\n</c>.</summary>
    private static async Task<TreeFile> BlobAsync(BufferedStream input, TreeWish wish, CancellationToken stop)
    {
        var header = new StringBuilder();
        for (int next; (next = input.ReadByte()) != '\n';)
        {
            if (next < 0) throw new IOException("git ended in the middle of a blob");
            header.Append((char)next);
        }
        var fields = header.ToString().Split(' ');
        if (fields is not [_, "blob", var text] || !long.TryParse(text, CultureInfo.InvariantCulture, out var size)
            || size != wish.Entry.Size)
            throw new IOException($"git cannot read {wish.Entry.Path}: {header}");
        TreeFile file;
        if (wish.Reading == TreeReading.Hold)
        {
            var content = new byte[size];
            await input.ReadExactlyAsync(content, stop);
            file = new TreeFile(wish.Entry.Path, wish.Entry.Id, size, content, null);
        }
        else
        {
            file = new TreeFile(wish.Entry.Path, wish.Entry.Id, size, default, await DigestAsync(input, size, stop));
        }
        input.ReadByte();
        return file;
    }

    private static async Task<Digest> DigestAsync(Stream input, long size, CancellationToken stop)
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        var buffer = new byte[CopyBytes];
        while (size > 0)
        {
            var read = await input.ReadAsync(buffer.AsMemory(0, (int)Math.Min(buffer.Length, size)), stop);
            if (read == 0) throw new IOException("git ended in the middle of a blob");
            hash.AppendData(buffer, 0, read);
            size -= read;
        }
        return Digest.FromHash(hash.GetHashAndReset());
    }
}
