using System.Text;
using System.Text.Json;
using Xunit;

namespace Capillary.Tests.Cli;

/// <summary>What the template commands say: nothing that was passed over is reported clean, and what is refused is refused before anything
/// is written.</summary>
public sealed class TemplateTellingTests
{
    [Fact]
    public async Task Instances_that_nobody_can_judge_are_named_and_counted()
    {
        using var world = new TemplateWorld();
        foreach (var name in (string[])["good", "gone", "lost", "odd"])
            await world.OkAsync("new", world.Template, world.Path(name), "--to", "1.0", "--set", "site=x");
        Replace("gone", world.Old, new string('a', 40));
        Replace("lost", world.Template, "/nothing/here");
        Replace("odd", "repository:", "repositroy:");
        world.Fleet.Commit("four");
        var run = await TemplateWorld.RunAsync(["template", "status", world.Fleet.Work]);
        Assert.Equal(1, run.Code);
        Assert.EndsWith("4 instances, 1 behind, 3 of which nobody can say: gone, lost, odd\n", run.Output, StringComparison.Ordinal);
        Assert.Contains("the template has its commit aaaaaaaaaaaa no more", run.Output, StringComparison.Ordinal);
        run = await TemplateWorld.RunAsync(["template", "status", world.Fleet.Work, "-o", "json"]);
        using (var json = JsonDocument.Parse(run.Output))
        {
            Assert.Equal(["gone", "lost", "odd"], json.RootElement.EnumerateArray().Where(item => item.TryGetProperty("problem", out _))
                .Select(item => item.GetProperty("instance").GetString()!));
        }
        run = await TemplateWorld.RunAsync(["template", "upgrade", world.Fleet.Work, "--all", "--to", "1.1", "--dry-run"]);
        Assert.Equal(1, run.Code);
        Assert.EndsWith("1 A, 3 failed\n", run.Output, StringComparison.Ordinal);
        foreach (var name in (string[])["gone", "lost", "odd"]) Assert.Contains($"failed: 1 instance: {name}\n", run.Output, StringComparison.Ordinal);

        void Replace(string name, string text, string other) => world.Fleet.Write($"{name}/.capillary-template.yaml",
            world.Text($"{name}/.capillary-template.yaml").Replace(text, other, StringComparison.Ordinal));
    }

    [Fact]
    public async Task An_instance_that_was_committed_in_the_middle_of_a_change_is_told()
    {
        using var world = new TemplateWorld();
        await world.OkAsync("new", world.Template, world.Path("half"), "--to", "1.0", "--set", "site=x");
        world.Fleet.Write("half/.capillary-unfinished/plan.json", "[]");
        // One that was never there before has no state yet.
        world.Fleet.Write("new/.capillary-unfinished/plan.json", "[]");
        world.Fleet.Commit("half");
        await world.FailsAsync("2 of which nobody can say: half, new\n", "status", world.Fleet.Work);
        await world.FailsAsync("was committed in the middle of a change", "status", world.Path("new"));
        await world.FailsAsync($"finish it: capillary template upgrade {world.Path("half")}", "status", world.Fleet.Work);
        await world.FailsAsync("2 failed", "upgrade", world.Fleet.Work, "--all", "--to", "1.1");
    }

    [Theory]
    [InlineData("a..b", "it holds '..'")]
    [InlineData("-x", "it begins with '-'")]
    [InlineData("a b", "it holds ' '")]
    [InlineData("x.lock", "it has a part that ends with '.lock'")]
    [InlineData("main/x", "there cannot be a branch 'main/x' beside 'main'")]
    [InlineData("wave", "there cannot be a branch 'wave' beside 'wave/one'")]
    public async Task A_branch_that_cannot_be_is_refused_before_anything_is_done(string name, string reason)
    {
        using var world = new TemplateWorld();
        await world.OkAsync("new", world.Template, world.Path("a"), "--to", "1.0", "--set", "site=x");
        world.Fleet.Commit("a");
        world.Fleet.Git("branch", "wave/one");
        var objects = world.Fleet.Git("count-objects");
        var run = await TemplateWorld.RunAsync(["template", "upgrade", world.Fleet.Work, "--all", "--to", "1.1", $"--branch={name}"]);
        Assert.Equal(1, run.Code);
        Assert.Contains(reason, run.Error, StringComparison.Ordinal);
        Assert.Equal("", run.Output);
        Assert.Equal(objects, world.Fleet.Git("count-objects"));
    }

    [Fact]
    public async Task A_reset_takes_any_way_to_write_a_path_and_all_paths_or_none()
    {
        using var world = new TemplateWorld();
        var lab = world.Path("lab");
        await world.OkAsync("new", world.Template, lab, "--to", "1.0", "--set", "site=x");
        world.Fleet.Write("lab/etc/x.conf", "mine\n");
        world.Fleet.Write("lab/run.sh", "mine\n");
        world.Fleet.Write("lab/own", "mine\n");
        await world.FailsAsync("own: no file of the template; nothing was reset", "reset", lab, "run.sh", "own");
        Assert.Equal("mine\n", world.Text("lab/run.sh"));
        await world.OkAsync("reset", lab, "./run.sh");
        Assert.Equal(("#!/bin/sh\n", "mine\n"), (world.Text("lab/run.sh"), world.Text("lab/etc/x.conf")));
        // One that is as it was is no mistake.
        await world.OkAsync("reset", lab, "run.sh", Path.Combine(lab, "etc/../etc/x.conf"));
        Assert.Equal("", await world.OkAsync("diff", lab));
    }

    [Fact]
    public async Task A_value_that_was_given_can_be_dropped()
    {
        using var world = new TemplateWorld();
        world.Templates.Write("template.yaml", Capillary.Tests.Fleet.Templates.TemplateFixture.Manifest(
            "variables: {site: {type: string, required: true}, port: {type: integer, default: 80}, o: {type: object, properties: {a: {type: integer, default: 1}, b: {type: integer, default: 2}}}}"));
        world.Templates.Write("template/v", "{{ port }} {{ o.a }} {{ o.b }}\n");
        world.Templates.Commit("three");
        world.Templates.Git("tag", "1.2");
        var lab = world.Path("lab");
        await world.OkAsync("new", world.Template, lab, "--set", "site=x", "--set", "port=8080", "--set", "o={a: 7, b: 8}");
        Assert.Equal("8080 7 8\n", world.Text("lab/v"));
        world.Fleet.Commit("lab");
        await world.OkAsync("upgrade", lab, "--unset", "port", "--unset", "o.b");
        Assert.Equal("80 7 2\n", world.Text("lab/v"));
        Assert.DoesNotContain("port", world.Text("lab/.capillary-template.yaml"), StringComparison.Ordinal);
        await world.FailsAsync("--unset port: lab gives no such value", "upgrade", lab, "--unset", "port");
        await world.FailsAsync("has no value", "upgrade", lab, "--unset", "site");
        Assert.EndsWith("1 A\n", await world.OkAsync("upgrade", world.Fleet.Work, "--all", "--unset", "port", "--dry-run"), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_value_for_all_is_set_once()
    {
        using var world = new TemplateWorld();
        foreach (var name in (string[])["a", "b"]) await world.OkAsync("new", world.Template, world.Path(name), "--set", $"site={name}");
        world.Fleet.Commit("two");
        string[] command = ["upgrade", world.Fleet.Work, "--all", "--set", "site=b", "--branch", "up"];
        Assert.Contains("1 A, 1 as they are\n", await world.OkAsync(command), StringComparison.Ordinal);
        Assert.EndsWith("2 as they are\n", await world.OkAsync(command), StringComparison.Ordinal);
        Assert.Equal("1", world.Fleet.Git("rev-list", "--count", "main..up"));
        var run = await TemplateWorld.RunAsync(["template", "upgrade", world.Fleet.Work, "--all", "--unset", "stie", "--dry-run"]);
        Assert.Contains("--unset stie: no instance gives such a value", run.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_group_says_whose_text_it_shows()
    {
        using var world = new TemplateWorld();
        foreach (var name in (string[])["a", "b"]) await world.OkAsync("new", world.Template, world.Path(name), "--to", "1.0", "--set", $"site={name}");
        world.Fleet.Commit("two");
        string[] command = ["upgrade", world.Fleet.Work, "--all", "--to", "1.1", "--dry-run"];
        Assert.StartsWith("A: 2 instances: a, b\nas in a; the others differ at most in files' names, in their own values and in the lines around:\n--- a/etc/a.conf\n",
            await world.OkAsync(command), StringComparison.Ordinal);
        using var json = JsonDocument.Parse(await world.OkAsync([.. command, "-o", "json"]));
        Assert.Equal("a", json.RootElement.GetProperty("groups")[0].GetProperty("diffOf").GetString());
    }

    [Fact]
    public async Task A_conflict_of_bytes_that_are_no_text_is_told_by_size()
    {
        using var world = new TemplateWorld();
        await world.OkAsync("new", world.Template, world.Path("a"), "--to", "1.0", "--set", "site=x");
        File.WriteAllBytes(world.Path("a/etc/x.conf"), Encoding.Latin1.GetBytes(world.Text("a/etc/x.conf").Replace("cache on", "cache für", StringComparison.Ordinal)));
        await world.FailsAsync("  here: 10 bytes, binary or not UTF-8\n", "upgrade", world.Path("a"), "--to", "1.1");
    }

    [Theory]
    [InlineData("--edit", "etc/x.conf#1", "cache mine\n")]
    [InlineData("--with", "etc/x.conf", "cache other\n")]
    public async Task A_conflict_is_decided_by_what_a_person_writes(string option, string conflict, string expected)
    {
        using var world = new TemplateWorld();
        await world.OkAsync("new", world.Template, world.Path("a"), "--to", "1.0", "--set", "site=x");
        world.Fleet.Write("a/etc/x.conf", world.Text("a/etc/x.conf").Replace("cache on", "cache some", StringComparison.Ordinal));
        world.Fleet.Commit("a");
        Assert.Equal(1, (await TemplateWorld.RunAsync(["template", "upgrade", world.Path("a"), "--to", "1.1"])).Code);
        world.Fleet.Write("written", "cache other\n");
        world.Fleet.Write("editor", "#!/bin/sh\ngrep -q '<<<<<<< here' \"$2\" && grep -q 'cache on' \"$2\" && printf \"$1\" > \"$2\"\n");
        File.SetUnixFileMode(world.Path("editor"), (UnixFileMode)0b111_101_101);
        var (visual, editor) = (Environment.GetEnvironmentVariable("VISUAL"), Environment.GetEnvironmentVariable("EDITOR"));
        try
        {
            // An empty one is none.
            Environment.SetEnvironmentVariable("VISUAL", "");
            if (option == "--edit")
            {
                Environment.SetEnvironmentVariable("EDITOR", null);
                await world.FailsAsync("set $VISUAL or $EDITOR", "resolve", world.Path("a"), "--edit");
                foreach (var (wrong, reason) in new[] { ("false", "the editor ended with 1; nothing was decided"), ("true", "still has its markers") })
                {
                    Environment.SetEnvironmentVariable("EDITOR", wrong);
                    await world.FailsAsync(reason, "resolve", world.Path("a"), "--edit");
                }
            }
            Environment.SetEnvironmentVariable("EDITOR", $"{world.Path("editor")} 'cache mine'");
            string[] choice = option == "--edit" ? ["--edit"] : ["--with", world.Path("written")];
            await world.OkAsync(["resolve", world.Path("a"), conflict, .. choice]);
        }
        finally
        {
            Environment.SetEnvironmentVariable("VISUAL", visual);
            Environment.SetEnvironmentVariable("EDITOR", editor);
        }
        await world.OkAsync("upgrade", world.Path("a"));
        Assert.Contains(expected + "end\n", world.Text("a/etc/x.conf"), StringComparison.Ordinal);
    }
}
