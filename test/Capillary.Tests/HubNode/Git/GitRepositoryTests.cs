using Capillary.HubNode.Git;
using Xunit;

namespace Capillary.Tests.HubNode.Git;

/// <summary>A mirror keeps what it has, whatever its remote does.</summary>
public sealed class GitRepositoryTests
{
    [Fact]
    public async Task A_mirror_follows_its_branch()
    {
        using var remote = new TestRepository();
        var first = remote.Commit("first line\n\nmore");
        var mirror = new GitRepository(remote.Mirror, remote.Work, "main");
        Assert.Null(await mirror.LastAsync(default));
        var moved = Assert.IsType<GitFetch.Moved>(await mirror.FetchAsync(default));
        Assert.Equal((first, "first line", "Ada <ada@example.org>"), (moved.Commit.Id, moved.Commit.Subject, moved.Commit.Author));
        Assert.Null(moved.Previous);
        Assert.IsType<GitFetch.Unchanged>(await mirror.FetchAsync(default));
        var second = remote.Commit("second");
        moved = Assert.IsType<GitFetch.Moved>(await mirror.FetchAsync(default));
        Assert.Equal((second, first, false), (moved.Commit.Id, moved.Previous!.Id, moved.IsRewritten));
    }

    [Fact]
    public async Task A_rewritten_branch_is_a_fact_and_no_error()
    {
        using var remote = new TestRepository();
        remote.Commit("base");
        var old = remote.Commit("old");
        var mirror = new GitRepository(remote.Mirror, remote.Work, "main");
        await mirror.FetchAsync(default);
        remote.Git("reset", "--quiet", "--hard", "HEAD~1");
        remote.Write("fleet.yaml", "new");
        var now = remote.Commit("new");
        var moved = Assert.IsType<GitFetch.Moved>(await mirror.FetchAsync(default));
        Assert.Equal((now, old, true), (moved.Commit.Id, moved.Previous!.Id, moved.IsRewritten));
        Assert.IsType<TreeRead.Done>(await mirror.Trees.ReadAsync(old, "", null, default));
    }

    [Fact]
    public async Task A_remote_that_vanished_takes_nothing_away()
    {
        using var remote = new TestRepository();
        var first = remote.Commit("first");
        var mirror = new GitRepository(remote.Mirror, remote.Work, "main");
        await mirror.FetchAsync(default);
        Directory.Move(remote.Work, remote.Work + "-gone");
        var failed = Assert.IsType<GitFetch.Failed>(await mirror.FetchAsync(default));
        Assert.Equal(first, failed.Last!.Id);
        Assert.NotEmpty(failed.Error);
        Assert.IsType<TreeRead.Done>(await mirror.Trees.ReadAsync(first, "", null, default));
    }

    [Fact]
    public async Task A_branch_that_is_not_there_is_a_failure_value()
    {
        using var remote = new TestRepository();
        remote.Commit("first");
        var failed = Assert.IsType<GitFetch.Failed>(await new GitRepository(remote.Mirror, remote.Work, "other").FetchAsync(default));
        Assert.Null(failed.Last);
        Assert.Contains("other", failed.Error, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("--upload-pack=touch /tmp/x", "main")]
    [InlineData("", "main")]
    [InlineData("/srv/fleet.git", "-x")]
    [InlineData("/srv/fleet.git", "a..b")]
    [InlineData("/srv/fleet.git", "a b")]
    [InlineData("/srv/fleet.git", "main:refs/heads/x")]
    public void What_could_be_an_option_is_refused(string remote, string branch) =>
        Assert.Throws<ArgumentException>(() => new GitRepository("/tmp/none", remote, branch));

    [Fact]
    public async Task A_remote_that_would_run_a_command_is_refused_by_git()
    {
        using var remote = new TestRepository();
        var mark = System.IO.Path.Combine(remote.Work, "mark");
        Assert.IsType<GitFetch.Failed>(await new GitRepository(remote.Mirror, $"ext::touch {mark}", "main").FetchAsync(default));
        Assert.False(File.Exists(mark));
    }
}
