using Capillary.Core.Bundles;
using Capillary.Fleet.Documents;
using Capillary.HubNode.Git;
using Xunit;

namespace Capillary.Tests.HubNode.Git;

/// <summary>Folders and commits as trees.</summary>
public sealed class GitTreeReaderTests
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
        Assert.Equal(artifact.Digest, Digest.Of(copy.ToArray()));
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
