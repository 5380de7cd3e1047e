namespace Capillary.HubNode.Git;

/// <summary>How a fetch ended.</summary>
public abstract record GitFetch
{
    private GitFetch() { }

    /// <summary>The branch has a commit that was not the newest here.</summary>
    /// <param name="Commit">The branch's newest commit.</param>
    /// <param name="Previous">What was the newest here before; null at the first fetch.</param>
    /// <param name="IsRewritten">The branch was force-pushed: the previous commit is no ancestor of the new one. A fact, not an
    /// error.</param>
    public sealed record Moved(GitCommit Commit, GitCommit? Previous, bool IsRewritten) : GitFetch;

    /// <summary>Nothing new.</summary>
    public sealed record Unchanged(GitCommit Commit) : GitFetch;

    /// <summary>The remote could not be reached, or has no such branch. What was fetched before is kept.</summary>
    /// <param name="Error">Git's own words.</param>
    /// <param name="Last">The newest commit here; null when nothing was ever fetched.</param>
    public sealed record Failed(string Error, GitCommit? Last) : GitFetch;
}

/// <summary>
/// A mirror of one branch of a remote repository, in a bare repository of the hub's own. It only grows by <see cref="FetchAsync"/>;
/// a remote that vanishes or is rewritten takes nothing away from it. One caller at a time.
/// </summary>
public sealed class GitRepository
{
    private const string Head = "refs/capillary/head";

    private readonly string folder;
    private readonly string remote;
    private readonly string branch;
    private readonly GitCommand git;
    private GitCommit? known;

    /// <param name="folder">The bare repository; made at the first fetch.</param>
    /// <param name="remote">A path or URL (https, ssh, git, file).</param>
    /// <param name="branch">Such as <c>main</c>.</param>
    /// <exception cref="ArgumentException">Remote or branch could be mistaken for an option, or is no branch's name.</exception>
    public GitRepository(string folder, string remote, string branch)
    {
        if (remote.Length == 0 || remote[0] == '-' || remote.Any(char.IsControl))
            throw new ArgumentException($"'{remote}' is no remote", nameof(remote));
        if (!IsBranch(branch)) throw new ArgumentException($"'{branch}' is no name of a branch");
        (this.folder, this.remote, this.branch) = (folder, remote, branch);
        git = new GitCommand(folder);
        Trees = new GitTreeReader(folder);
    }

    /// <summary>Reads the commits that are here.</summary>
    public GitTreeReader Trees { get; }

    /// <summary>The newest commit here without asking the remote; null when nothing was ever fetched.</summary>
    public async Task<GitCommit?> LastAsync(CancellationToken stop) =>
        File.Exists(Path.Combine(folder, "HEAD")) ? (await Trees.ResolveAsync(Head, stop)).Commit : null;

    /// <summary>Asks the remote for its newest commit.</summary>
    public async Task<GitFetch> FetchAsync(CancellationToken stop)
    {
        // Almost always nothing moved, and one small question tells.
        if (known is { } same && await IsAtAsync(same.Id, stop)) return new GitFetch.Unchanged(same);
        var fetched = await FetchMovedAsync(stop);
        known = fetched switch
        {
            GitFetch.Moved moved => moved.Commit,
            GitFetch.Unchanged unchanged => unchanged.Commit,
            _ => null,
        };
        return fetched;
    }

    private async Task<bool> IsAtAsync(string commit, CancellationToken stop) =>
        await git.RunAsync(["ls-remote", "--quiet", "--end-of-options", remote, $"refs/heads/{branch}"], stop) is GitRun.Done done
        && done.Output.StartsWith(commit + "\t", StringComparison.Ordinal);

    private async Task<GitFetch> FetchMovedAsync(CancellationToken stop)
    {
        if (await PrepareAsync(stop) is { } problem) return new GitFetch.Failed(problem, null);
        var last = await LastAsync(stop);
        var run = await git.RunAsync(["fetch", "--quiet", "--no-tags", "--no-write-fetch-head", "--end-of-options", remote,
            $"+refs/heads/{branch}:{Head}"], stop);
        if (run is GitRun.Failed failure) return new GitFetch.Failed(failure.Error, last);
        if (await LastAsync(stop) is not { } commit) return new GitFetch.Failed($"'{branch}' is not a commit", last);
        if (last is null) return new GitFetch.Moved(commit, null, false);
        if (last.Id == commit.Id) return new GitFetch.Unchanged(commit);
        var ancestor = await git.RunAsync(["merge-base", "--is-ancestor", "--end-of-options", last.Id, commit.Id], stop);
        return new GitFetch.Moved(commit, last, ancestor is GitRun.Failed);
    }

    private async Task<string?> PrepareAsync(CancellationToken stop)
    {
        if (File.Exists(Path.Combine(folder, "HEAD"))) return null;
        try
        {
            Directory.CreateDirectory(folder);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return e.Message;
        }
        var run = await git.RunAsync(["init", "--quiet", "--bare", "--end-of-options", "."], stop);
        return run is GitRun.Failed failure ? failure.Error : null;
    }

    /// <summary>The part of git's rules for names that excludes options and other revisions.</summary>
    private static bool IsBranch(string name) => name.Length is > 0 and <= 255 && name[0] is not ('-' or '/')
        && name[^1] is not ('/' or '.')
        && !name.Contains("..", StringComparison.Ordinal) && !name.Contains("//", StringComparison.Ordinal)
        && !name.EndsWith(".lock", StringComparison.Ordinal) && name.All(c =>
            char.IsAsciiLetterOrDigit(c) || c is '-' or '_' or '.' or '/' or '+' or '#');
}
