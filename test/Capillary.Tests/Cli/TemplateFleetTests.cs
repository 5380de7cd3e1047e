using System.Text.Json;
using Xunit;

namespace Capillary.Tests.Cli;

/// <summary><c>template upgrade --all</c>: which branches and instances it leaves alone, and what it says of them.</summary>
public sealed class TemplateFleetTests
{
    [Fact]
    public async Task A_branch_that_is_checked_out_in_any_work_tree_is_not_moved()
    {
        using var world = new TemplateWorld();
        await AddAsync(world, "1.0", "a");
        var tree = world.Path("../wt");
        world.Fleet.Git("worktree", "add", "--quiet", "-b", "template/1.1", tree);
        var head = world.Fleet.Git("rev-parse", "HEAD");
        await world.FailsAsync("template/1.1 is checked out in", "upgrade", world.Fleet.Work, "--all", "--to", "1.1");
        await world.FailsAsync("main is checked out in", "upgrade", world.Fleet.Work, "--all", "--branch", "main");
        await world.FailsAsync("main is checked out in", "upgrade", tree, "--all", "--branch", "main");
        world.Fleet.Git("worktree", "add", "--quiet", "-b", "up-A", world.Path("../wt2"));
        await world.FailsAsync("A: up-A stands on another commit and is checked out in", "upgrade", world.Fleet.Work, "--all", "--branch", "up", "--branch-per-group");
        foreach (var branch in (string[])["main", "template/1.1", "up-A"]) Assert.Equal(head, world.Fleet.Git("rev-parse", branch));
        // A bare repository has no files that could be behind.
        var bare = world.Path("../bare.git");
        world.Fleet.Git("clone", "--quiet", "--bare", ".", bare);
        world.Fleet.Git("-C", bare, "config", "user.name", "Ada");
        Assert.Contains("A: 1 instance on main\n", await world.OkAsync("upgrade", bare, "--all", "--branch", "main"), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Instances_at_a_newer_version_stay()
    {
        using var world = new TemplateWorld();
        world.Templates.Commit("three");
        world.Templates.Git("tag", "v1.2");
        await AddAsync(world, "1.0", "a");
        await AddAsync(world, "v1.2", "b", "c");
        string[] command = ["upgrade", world.Fleet.Work, "--all", "--to", "1.1"];
        Assert.Contains("\n2 instances are at a newer version and stay: b, c; to take one back: capillary template upgrade DIR --to 1.1\n1 A, 2 as they are\n",
            await world.OkAsync(command), StringComparison.Ordinal);
        Assert.Contains("v1.2", world.Fleet.Git("show", "template/1.1:b/.capillary-template.yaml"), StringComparison.Ordinal);
        using var json = JsonDocument.Parse(await world.OkAsync([.. command, "-o", "json"]));
        Assert.Equal(["b", "c"], json.RootElement.GetProperty("newer").EnumerateArray().Select(item => item.GetString()!));
        await world.OkAsync("upgrade", world.Path("b"), "--to", "1.1");
    }

    [Fact]
    public async Task The_newest_release_is_called_by_its_name()
    {
        using var world = new TemplateWorld();
        await AddAsync(world, "1.0", "a", "b");
        Assert.Contains("A: 2 instances on template/1.1\n", await world.OkAsync("upgrade", world.Fleet.Work, "--all"), StringComparison.Ordinal);
        Assert.Equal("template: 2 instances to 1.1 (group A)\n\na\nb", world.Fleet.Git("log", "-1", "--format=%B", "template/1.1"));
        Assert.EndsWith("2 as they are\n", await world.OkAsync("upgrade", world.Fleet.Work, "--all"), StringComparison.Ordinal);
        // A second template, with a release of its own that changes the same lines.
        var other = world.Path("../other");
        world.Fleet.Git("clone", "--quiet", world.Template, other);
        world.Fleet.Git("-C", other, "tag", "2.0", "1.1");
        await world.OkAsync("new", other, world.Path("c"), "--to", "1.0", "--set", "site=c");
        world.Fleet.Commit("c");
        Assert.Contains("A: 3 instances on template/newest\n", await world.OkAsync("upgrade", world.Fleet.Work, "--all"), StringComparison.Ordinal);
        Assert.Equal("template: 3 instances to their newest releases (group A)\n\na: 1.1\nb: 1.1\nc: 2.0",
            world.Fleet.Git("log", "-1", "--format=%B", "template/newest"));
    }

    [Fact]
    public async Task A_groups_branch_is_done_or_says_how_it_is_removed()
    {
        using var world = new TemplateWorld();
        await AddAsync(world, "1.0", "a");
        string[] command = ["upgrade", world.Fleet.Work, "--all", "--branch-per-group"];
        await world.OkAsync(command);
        Assert.EndsWith("A: template/1.1-A is there already\n", await world.OkAsync(command), StringComparison.Ordinal);
        // The same name, HEAD and letter, and another version.
        world.Templates.Git("tag", "1.2");
        await world.FailsAsync("A: template/1.1-A holds another upgrade; remove it: git branch -D template/1.1-A",
            [.. command, "--to", "1.2", "--branch", "template/1.1"]);
        world.Templates.Git("tag", "-d", "1.2");
        world.Fleet.Commit("more");
        await world.FailsAsync("A: template/1.1-A stands on another commit; remove it: git branch -D template/1.1-A, then run this again\n", command);
        world.Fleet.Git("branch", "--quiet", "-D", "template/1.1-A");
        await world.OkAsync(command);
    }

    [Fact]
    public async Task Conflicts_end_with_the_next_step_and_the_step_works()
    {
        using var world = new TemplateWorld();
        string[] names = ["a", "b", "c", "d", "e", "f"];
        await AddAsync(world, "1.0", names);
        foreach (var name in names)
            world.Fleet.Write($"{name}/etc/{name}.conf", world.Text($"{name}/etc/{name}.conf").Replace("cache on", "cache some", StringComparison.Ordinal));
        world.Fleet.Commit("edited");
        await world.FailsAsync("Without --dry-run, instances with conflicts stay as they are", "upgrade", world.Fleet.Work, "--all", "--dry-run");
        var run = await TemplateWorld.RunAsync(["template", "upgrade", world.Fleet.Work, "--all"]);
        Assert.Equal(1, run.Code);
        Assert.EndsWith("  and 1 more\n", run.Output, StringComparison.Ordinal);
        const string Step = "  capillary template resolve ";
        var folders = run.Output.Split('\n').Where(line => line.StartsWith(Step, StringComparison.Ordinal)).Select(line => line[Step.Length..]).ToList();
        Assert.Equal(5, folders.Count);
        foreach (var folder in folders.Append(world.Path("f"))) await world.OkAsync("resolve", folder, "--ours");
        Assert.Contains("A: 6 instances on template/1.1\n", await world.OkAsync("upgrade", world.Fleet.Work, "--all"), StringComparison.Ordinal);
        Assert.Contains("cache some", world.Fleet.Git("show", "template/1.1:a/etc/a.conf"), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_group_that_failed_says_why()
    {
        using var world = new TemplateWorld();
        world.Templates.Git("tag", "v3");
        await AddAsync(world, "1.0", "a", "b");
        await world.FailsAsync($"failed: 2 instances: a, b\na/.capillary-template.yaml: error CAP0604: the template {world.Template}: there is no version 'nope'\n",
            "upgrade", world.Fleet.Work, "--all", "--to", "nope");
        await world.FailsAsync("there is no version '3'\n  help: there is 'v3'\n", "upgrade", world.Fleet.Work, "--all", "--to", "3");
        world.Fleet.Write("b/.capillary-template.yaml", world.Text("b/.capillary-template.yaml").Replace(world.Template, "/nothing/here", StringComparison.Ordinal));
        world.Fleet.Write("a/.capillary-template.yaml", world.Text("a/.capillary-template.yaml").Replace(world.Old, new string('a', 40), StringComparison.Ordinal));
        world.Fleet.Commit("lost");
        var run = await TemplateWorld.RunAsync(["template", "upgrade", world.Fleet.Work, "--all", "--to", "1.1"]);
        Assert.Contains("the template repository /nothing/here is no Git repository\n", run.Output, StringComparison.Ordinal);
        Assert.Contains($"version 1.0 (commit {new string('a', 40)}) is not in {world.Template} any more", run.Output, StringComparison.Ordinal);
        Assert.Equal("", run.Error);
    }

    [Fact]
    public async Task Sizes_may_stand_for_the_differences()
    {
        using var world = new TemplateWorld();
        await AddAsync(world, "1.0", "a", "b");
        string[] command = ["upgrade", world.Fleet.Work, "--all", "--dry-run", "--stat"];
        Assert.Equal("A: 2 instances: a, b\n1 file, +1 -1 in a, and alike in the others\n2 A\n", await world.OkAsync(command));
        using var json = JsonDocument.Parse(await world.OkAsync([.. command, "-o", "json"]));
        var group = json.RootElement.GetProperty("groups")[0];
        Assert.Equal((1, 1, 1), (group.GetProperty("files").GetInt32(), group.GetProperty("added").GetInt32(), group.GetProperty("removed").GetInt32()));
        Assert.False(group.TryGetProperty("diff", out _));
    }

    private static async Task AddAsync(TemplateWorld world, string version, params string[] names)
    {
        foreach (var name in names) await world.OkAsync("new", world.Template, world.Path(name), "--to", version, "--set", $"site={name}");
        world.Fleet.Commit(string.Join(' ', names));
    }
}
