using System.Globalization;
using System.Text;
using System.Threading.Channels;
using Capillary.Fleet.Documents;
using Capillary.Fleet.Templates;
using Capillary.Fleet.Templates.Merging;

namespace Capillary.HubNode.Git;

/// <summary>A value, or what kept git from giving it.</summary>
/// <param name="Value">Null when there is an error.</param>
/// <param name="Error">Git's own words; null when all is well.</param>
public readonly record struct GitAnswer<T>(T? Value, string? Error) where T : class;

/// <summary>
/// Whole commits of a local repository, of any content: listings, blobs by the thousand, tags, and new commits. Git is called once for
/// each, whatever their number.
/// </summary>
/// <param name="folder">A folder inside the repository, or a bare one.</param>
public sealed class GitStore(string folder)
{
    private const int MaxBlob = 64 << 20;
    private static readonly TimeSpan LongLimit = TimeSpan.FromHours(1);
    private readonly GitCommand git = new(folder);

    /// <summary>Every file of a commit, by path.</summary>
    public async Task<GitAnswer<IReadOnlyDictionary<string, MergeEntry>>> ListAsync(string commit, CancellationToken stop)
    {
        var files = new Dictionary<string, MergeEntry>(StringComparer.Ordinal);
        var run = await git.RunAsync(["ls-tree", "-r", "-z", "--full-tree", "--end-of-options", commit], null, async (stream, token) =>
        {
            using var buffer = new MemoryStream();
            await stream.CopyToAsync(buffer, token);
            Parse(buffer.GetBuffer().AsSpan(0, (int)buffer.Length), files);
            return "";
        }, stop);
        return run is GitRun.Failed failure ? new(null, failure.Error) : new(files, null);
    }

    /// <summary>Blobs by id.</summary>
    public async Task<GitAnswer<IReadOnlyDictionary<string, byte[]>>> BlobsAsync(IReadOnlyCollection<string> ids, CancellationToken stop)
    {
        var blobs = new Dictionary<string, byte[]>(ids.Count, StringComparer.Ordinal);
        if (ids.Count == 0) return new(blobs, null);
        var asked = Encoding.ASCII.GetBytes(string.Concat(ids.Select(id => id + "\n")));
        var run = await git.RunAsync(["cat-file", "--batch"], (stream, token) => stream.WriteAsync(asked, token)
            .AsTask(), async (stream, token) =>
        {
            await using var input = new BufferedStream(stream, 1 << 16);
            foreach (var id in ids) blobs[id] = await BlobAsync(input, id, token);
            return "";
        }, stop);
        return run is GitRun.Failed failure ? new(null, failure.Error) : new(blobs, null);
    }

    /// <summary>
    /// Reads blobs for one item after the other, as many as each needs, with one git for all of them. An item may be a batch of work, whose
    /// memory is free when the next one begins. Null, or what went wrong.
    /// </summary>
    /// <param name="items">Taken one by one.</param>
    /// <param name="wanted">The ids that an item needs.</param>
    /// <param name="use">Gets the item and its blobs.</param>
    /// <param name="stop">Ends git.</param>
    public async Task<string?> EachAsync<T>(IEnumerable<T> items, Func<T, IReadOnlyCollection<string>> wanted,
        Action<T, IReadOnlyDictionary<string, byte[]>> use, CancellationToken stop)
    {
        var asked = Channel.CreateUnbounded<IReadOnlyCollection<string>>();
        var run = await new GitCommand(folder, LongLimit).RunAsync(["cat-file", "--batch"], async (stream, token) =>
        {
            await foreach (var ids in asked.Reader.ReadAllAsync(token))
            {
                await stream.WriteAsync(Encoding.ASCII.GetBytes(string.Concat(ids.Select(id => id + "\n"))), token);
                await stream.FlushAsync(token);
            }
        }, async (stream, token) =>
        {
            await using var input = new BufferedStream(stream, 1 << 16);
            try
            {
                foreach (var item in items)
                {
                    var ids = wanted(item);
                    asked.Writer.TryWrite(ids);
                    var blobs = new Dictionary<string, byte[]>(ids.Count, StringComparer.Ordinal);
                    foreach (var id in ids) blobs[id] = await BlobAsync(input, id, token);
                    use(item, blobs);
                }
            }
            finally
            {
                asked.Writer.Complete();
            }
            return "";
        }, stop);
        return run is GitRun.Failed failure ? failure.Error : null;
    }

    /// <summary>A commit's files with their bytes, such as those of a template repository.</summary>
    public async Task<GitAnswer<IReadOnlyDictionary<string, MergeFile>>> ReadAsync(string commit, CancellationToken stop)
    {
        var listed = await ListAsync(commit, stop);
        if (listed.Value is not { } entries) return new(null, listed.Error);
        var files = entries.Where(item => item.Value.Kind != TreeEntryKind.Submodule).ToList();
        var read = await BlobsAsync([.. files.Select(item => item.Value.Id).Distinct()], stop);
        return read.Value is not { } blobs ? new(null, read.Error)
            : new(files.ToDictionary(item => item.Key, item => new MergeFile(item.Value.Kind, blobs[item.Value.Id]),
                StringComparer.Ordinal), null);
    }

    /// <summary>All tags with the commits they point at.</summary>
    public async Task<GitAnswer<IReadOnlyList<TemplateTag>>> TagsAsync(CancellationToken stop)
    {
        var run = await git.RunAsync(["for-each-ref", "--format=%(refname:strip=2)%00%(objectname)%00%(*objectname)", "refs/tags"], stop);
        if (run is GitRun.Failed failure) return new(null, failure.Error);
        return new([.. ((GitRun.Done)run).Output.Split('\n', StringSplitOptions.RemoveEmptyEntries).Select(line => line.Split('\0'))
            .Select(fields => new TemplateTag(fields[0], fields[2].Length > 0 ? fields[2] : fields[1]))], null);
    }

    /// <summary>All branches, by their refs such as <c>refs/heads/main</c>.</summary>
    public async Task<GitAnswer<IReadOnlyDictionary<string, GitBranch>>> BranchesAsync(CancellationToken stop)
    {
        var run = await git.RunAsync(["for-each-ref",
            "--format=%(refname)%00%(objectname)%00%(parent)%00%(contents:subject)%00%(worktreepath)", GitBranch.Prefix], stop);
        if (run is GitRun.Failed failure) return new(null, failure.Error);
        return new(((GitRun.Done)run).Output.Split('\n', StringSplitOptions.RemoveEmptyEntries).Select(line => line.Split('\0'))
            .ToDictionary(fields => fields[0], fields => new GitBranch(fields[1], fields[2].Split(' '), fields[3],
                fields[4].Length > 0 ? fields[4] : null), StringComparer.Ordinal), null);
    }

    /// <summary>Those of the ids that are no commit here.</summary>
    public async Task<GitAnswer<IReadOnlySet<string>>> MissingAsync(IReadOnlyCollection<string> commits, CancellationToken stop)
    {
        var asked = Encoding.ASCII.GetBytes(string.Concat(commits.Select(id => id + "\n")));
        var run = await git.RunAsync(["cat-file", "--batch-check=%(objecttype) %(objectname)"],
            (stream, token) => stream.WriteAsync(asked, token).AsTask(), GitCommand.ReadText, stop);
        if (run is GitRun.Failed failure) return new(null, failure.Error);
        var found = ((GitRun.Done)run).Output.Split('\n').Select(line => line.Split(' ')).Where(fields => fields[0] == "commit")
            .Select(fields => fields[1]).ToHashSet(StringComparer.Ordinal);
        return new(commits.Where(id => !found.Contains(id)).ToHashSet(StringComparer.Ordinal), null);
    }

    /// <summary>The full id of a revision's commit, or null.</summary>
    public async Task<string?> ResolveAsync(string revision, CancellationToken stop) =>
        (await git.RunAsync(["rev-parse", "--verify", "--quiet", "--end-of-options", $"{revision}^{{commit}}"],
            stop) as GitRun.Done)?.Output.Trim();

    /// <summary>The one line that <c>git rev-parse</c> gives for an option such as <c>--show-toplevel</c>; null outside of a repository.
    /// </summary>
    public async Task<string?> PlaceAsync(string option, CancellationToken stop) =>
        (await git.RunAsync(["rev-parse", "--path-format=absolute", option], stop) as GitRun.Done)?.Output.TrimEnd('\n');

    /// <summary>Name, address and time of who commits here, as Git writes them; or why there is nobody.</summary>
    public async Task<GitAnswer<string>> CommitterAsync(CancellationToken stop) =>
        await git.RunAsync(["var", "GIT_COMMITTER_IDENT"], stop) switch
        {
            GitRun.Done done => new(done.Output.Trim(), null),
            var run => new(null, ((GitRun.Failed)run).Error),
        };

    /// <summary>Makes commits: objects first, and refs only when all of them are there. Null, or what went wrong.</summary>
    public async Task<string?> CommitAsync(IReadOnlyList<GitChange> changes, CancellationToken stop)
    {
        var run = await git.RunAsync(["fast-import", "--quiet", "--done", "--date-format=raw"],
            (stream, token) => GitImport.WriteAsync(stream, changes, token), (_, _) => Task.FromResult(""), stop);
        return run is GitRun.Failed failure ? failure.Error : null;
    }

    /// <summary>Brings branches and tags of a remote into this (bare) repository; null, or what went wrong.</summary>
    public async Task<string?> FetchAsync(string remote, CancellationToken stop)
    {
        if (remote.StartsWith('-')) return $"'{remote}' is no remote";
        if (await git.RunAsync(["init", "--quiet", "--bare", "."], stop) is GitRun.Failed failed) return failed.Error;
        return await git.RunAsync(["fetch", "--quiet", "--prune", "--force", "--end-of-options", remote, "+refs/heads/*:refs/heads/*",
            "+refs/tags/*:refs/tags/*"], stop) is GitRun.Failed failure ? failure.Error : null;
    }

    /// <summary><c>mode type id\tpath\0</c>, one after the other.</summary>
    private static void Parse(ReadOnlySpan<byte> listing, Dictionary<string, MergeEntry> files)
    {
        while (listing.Length > 0)
        {
            var end = listing.IndexOf((byte)0);
            var tab = listing.IndexOf((byte)'\t');
            var fields = Encoding.ASCII.GetString(listing[..tab]).Split(' ');
            var kind = fields[0] switch
            {
                "120000" => TreeEntryKind.SymbolicLink,
                "160000" => TreeEntryKind.Submodule,
                "100755" => TreeEntryKind.ExecutableFile,
                _ => TreeEntryKind.File,
            };
            files[Encoding.UTF8.GetString(listing[(tab + 1)..end])] = new MergeEntry(kind, fields[2]);
            listing = listing[(end + 1)..];
        }
    }

    /// <summary><c>id blob size\n</c>, the bytes, <c>\n</c>.</summary>
    private static async Task<byte[]> BlobAsync(BufferedStream input, string id, CancellationToken stop)
    {
        var header = new StringBuilder();
        for (int next; (next = input.ReadByte()) != '\n';)
        {
            if (next < 0) throw new IOException("git ended in the middle of a blob");
            header.Append((char)next);
        }
        if (header.ToString().Split(' ') is not [_, "blob", var text] || !int.TryParse(text, CultureInfo.InvariantCulture, out var size))
            throw new IOException($"git cannot read {id}: {header}");
        if (size > MaxBlob) throw new IOException($"{id} has {size} bytes; files of at most {MaxBlob} are merged");
        var content = new byte[size];
        await input.ReadExactlyAsync(content, stop);
        input.ReadByte();
        return content;
    }
}
