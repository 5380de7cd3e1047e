using System.Diagnostics;
using Capillary.Fleet.Documents;
using Capillary.HubNode.Git;
using Xunit;

namespace Capillary.Tests.HubNode.Git;

/// <summary>A repository of a test's own, driven by the real <c>git</c>.</summary>
internal sealed class TestRepository : IDisposable
{
    private readonly DirectoryInfo root = Directory.CreateTempSubdirectory("capillary-git-");

    public TestRepository()
    {
        Directory.CreateDirectory(Work);
        Git("init", "--quiet", "-b", "main", ".");
    }

    public string Work => System.IO.Path.Combine(root.FullName, "work");

    public string Mirror => System.IO.Path.Combine(root.FullName, "mirror");

    public void Write(string path, string text)
    {
        var file = System.IO.Path.Combine(Work, path);
        Directory.CreateDirectory(System.IO.Path.GetDirectoryName(file)!);
        File.WriteAllText(file, text);
    }

    public void Write(IEnumerable<KeyValuePair<string, string>> files)
    {
        foreach (var (path, text) in files) Write(path, text);
    }

    public string Commit(string message)
    {
        Git("add", "-A");
        Git("commit", "--quiet", "--allow-empty", "-m", message);
        return Git("rev-parse", "HEAD");
    }

    public string Git(params string[] arguments)
    {
        var start = new ProcessStartInfo("git") { WorkingDirectory = Work, RedirectStandardOutput = true, RedirectStandardError = true };
        foreach (var argument in (string[])["-c", "user.name=Ada", "-c", "user.email=ada@example.org", .. arguments])
            start.ArgumentList.Add(argument);
        using var process = Process.Start(start)!;
        var error = process.StandardError.ReadToEndAsync();
        var output = process.StandardOutput.ReadToEnd().Trim();
        process.WaitForExit();
        return process.ExitCode == 0 ? output : throw new InvalidOperationException(error.Result);
    }

    public void Dispose() => root.Delete(recursive: true);
}

public sealed class GitTests
{
    [Fact]
    public async Task A_commit_reads_as_its_folder_does()
    {
        using var repository = new TestRepository();
        repository.Write(Fleet.CaseFile.Base());
        repository.Write("README.md", "not part of the language");
        var commit = repository.Commit("first");
        var fromGit = Tree(await new GitTreeReader(repository.Work).ReadAsync(commit, "", null, default));
        var fromFolder = Tree(FolderReader.Read(repository.Work, default));
        Assert.Equal(fromFolder.Files.Select(file => file.Path), fromGit.Files.Select(file => file.Path));
        Assert.All(fromGit.Files.Zip(fromFolder.Files), pair => Assert.Equal(pair.Second.Content.ToArray(), pair.First.Content.ToArray()));
        Assert.All(fromGit.Files.Zip(fromFolder.Files), pair => Assert.Equal(pair.Second.Digest, pair.First.Digest));
    }

    [Fact]
    public async Task The_next_commit_reads_only_what_changed()
    {
        using var repository = new TestRepository();
        repository.Write(Fleet.CaseFile.Base());
        var reader = new GitTreeReader(repository.Work);
        var before = Tree(await reader.ReadAsync(repository.Commit("first"), "", null, default));
        repository.Write("groups/lab.yaml", "changed\n");
        var after = Tree(await reader.ReadAsync(repository.Commit("second"), "", before, default));
        Assert.Equal("groups/lab.yaml", Assert.Single(after.Files, file => !ReferenceEquals(file, before.Find(file.Path))).Path);
    }

    [Fact]
    public async Task A_fleet_may_stand_in_a_sub_folder()
    {
        using var repository = new TestRepository();
        repository.Write("deploy/fleet/fleet.yaml", "x");
        var commit = repository.Commit("first");
        var tree = Tree(await new GitTreeReader(repository.Work).ReadAsync(commit, "deploy/fleet", null, default));
        Assert.Equal("fleet.yaml", Assert.Single(tree.Files).Path);
        var inside = new GitTreeReader(System.IO.Path.Combine(repository.Work, "deploy/fleet"));
        Assert.Equal("deploy/fleet", await inside.PrefixAsync(default));
    }

    [Fact]
    public async Task Links_are_reported_and_never_followed()
    {
        using var repository = new TestRepository();
        repository.Write("fleet.yaml", "x");
        Directory.CreateDirectory(System.IO.Path.Combine(repository.Work, "groups"));
        File.CreateSymbolicLink(System.IO.Path.Combine(repository.Work, "groups/passwd.yaml"), "/etc/passwd");
        File.CreateSymbolicLink(System.IO.Path.Combine(repository.Work, "sites"), "/etc");
        var commit = repository.Commit("links");
        foreach (var read in new[] { await new GitTreeReader(repository.Work).ReadAsync(commit, "", null, default),
            FolderReader.Read(repository.Work, default) })
        {
            Assert.Equal(["groups/passwd.yaml", "sites"], Tree(read).Problems.Select(problem => problem.File)
                .Order(StringComparer.Ordinal));
            Assert.All(Tree(read).Problems, problem => Assert.Equal("CAP0003", problem.Code));
            Assert.Equal("fleet.yaml", Assert.Single(Tree(read).Files).Path);
        }
    }

    [Fact]
    public async Task An_artifact_is_copied_by_its_id()
    {
        using var repository = new TestRepository();
        repository.Write(Fleet.CaseFile.Base());
        var commit = repository.Commit("first");
        var reader = new GitTreeReader(repository.Work);
        var artifact = Tree(await reader.ReadAsync(commit, "", null, default)).Find("apps/gateway/bin/gateway")!;
        using var copy = new MemoryStream();
        Assert.Null(await reader.CopyAsync(artifact.Id, copy, default));
        Assert.Equal(artifact.Digest, Core.Bundles.Digest.Of(copy.ToArray()));
        Assert.NotNull(await reader.CopyAsync("0000000000000000000000000000000000000000", new MemoryStream(), default));
    }

    [Theory]
    [InlineData("nothing")]
    [InlineData("--output=/tmp/x")]
    [InlineData("")]
    public async Task A_revision_that_is_none_is_an_error(string revision)
    {
        using var repository = new TestRepository();
        repository.Commit("first");
        var (commit, error) = await new GitTreeReader(repository.Work).ResolveAsync(revision, default);
        Assert.Null(commit);
        Assert.NotNull(error);
    }

    [Fact]
    public async Task A_folder_outside_of_git_or_missing_is_a_failure_value()
    {
        using var repository = new TestRepository();
        Assert.IsType<TreeRead.Failed>(FolderReader.Read(System.IO.Path.Combine(repository.Work, "none"), default));
        Assert.IsType<TreeRead.Failed>(await new GitTreeReader(repository.Work).ReadAsync("main", "", null, default));
    }

    private static FleetTree Tree(TreeRead read) => Assert.IsType<TreeRead.Done>(read).Tree;
}

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
