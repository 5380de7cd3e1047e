using System.CommandLine;
using System.Text.Json;
using Capillary.Tests.Fleet.Templates;
using Capillary.Tests.HubNode.Git;
using Xunit;

namespace Capillary.Tests.Cli;

/// <summary>The template commands end to end, in this process, on real Git repositories.</summary>
public sealed class TemplateCliTests
{
    [Theory]
    [InlineData("template-help", "template", "--help")]
    [InlineData("template-merge-help", "template", "merge", "--help")]
    [InlineData("template-upgrade-help", "template", "upgrade", "--help")]
    [InlineData("template-resolve-help", "template", "resolve", "--help")]
    public async Task Help_is_golden(string name, params string[] arguments)
    {
        var run = await RunAsync(arguments);
        Assert.Equal(0, run.Code);
        GoldenFile.CheckText(System.IO.Path.Combine(System.IO.Path.GetDirectoryName(GoldenFile.PathOf(name))!, "..", "Golden", name + ".golden"),
            string.Join('\n', run.Output.Replace(RootCommand.ExecutableName, "capillary", StringComparison.Ordinal).Split('\n').Select(line => line.TrimEnd())));
    }

    [Fact]
    public async Task Merge_prints_the_text_and_ends_with_the_number_of_conflicts()
    {
        using var git = new GitMerge();
        foreach (var (name, text) in new[] { ("base", "a\nb\nc\n"), ("ours", "a\nB\nc\n"), ("theirs", "a\nX\nc\n"), ("bin", "a\0b") })
            await File.WriteAllTextAsync(git.PathOf(name), text);
        string[] Files(string theirs) => [git.PathOf("ours"), git.PathOf("base"), git.PathOf(theirs)];
        Assert.Equal((0, "a\nB\nc\n"), await OutputAsync(["template", "merge", .. Files("base")]));
        Assert.Equal((1, "a\n<<<<<<< x\nB\n=======\nX\n>>>>>>> z\nc\n"), await OutputAsync(["template", "merge", .. Files("theirs"), "-L", "x", "-L", "y", "-L", "z"]));
        Assert.Equal((1, "a\n<<<<<<< x\nB\n||||||| y\nb\n=======\nX\n>>>>>>> z\nc\n"),
            await OutputAsync(["template", "merge", .. Files("theirs"), "--diff3", "-L", "x", "-L", "y", "-L", "z"]));
        Assert.Equal((255, ""), await OutputAsync(["template", "merge", .. Files("bin")]));
        Assert.Equal((255, ""), await OutputAsync(["template", "merge", .. Files("none")]));
    }

    [Fact]
    public async Task Render_takes_values_settings_and_includes()
    {
        using var repository = new TestRepository();
        repository.Write("t/a", "{% include 'b' %}|{{ x.y }}|{{ x.z }}\n");
        repository.Write("t/b", "{{ n }}");
        repository.Write("v.yaml", "{n: 1, x: {y: 2, z: 3}}");
        string At(string name) => System.IO.Path.Combine(repository.Work, name);
        Assert.Equal((0, "1|four|3\n"), await OutputAsync(["template", "render", At("t/a"), "--values", At("v.yaml"), "--set", "x.y=four", "--loader", At("t")]));
        var run = await RunAsync(["template", "render", At("t/a"), "--loader", At("t")]);
        Assert.Equal(1, run.Code);
        Assert.Contains("b:1:4: error CAP0502: 'n' is undefined", run.Error, StringComparison.Ordinal);
        run = await RunAsync(["template", "render", At("t/a"), "--set", "nothing"]);
        Assert.Equal(1, run.Code);
        Assert.Contains("expected name=value", run.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task An_instance_is_made_edited_upgraded_and_reset()
    {
        using var world = new TemplateWorld();
        var lab = world.Path("sites/lab");
        await world.OkAsync("new", world.Template, lab, "--to", "1.0", "--set", "site=basel");
        Assert.Equal("# basel\nlisten 80\nlog info\nlevel 1\nzone basel\ncache on\nend\n", world.Text("sites/lab/etc/basel.conf"));
        Assert.Equal("", await world.OkAsync("diff", lab));
        world.Fleet.Write("sites/lab/etc/basel.conf", world.Text("sites/lab/etc/basel.conf").Replace("listen 80", "listen 8080", StringComparison.Ordinal));
        Assert.Contains("-listen 80\n+listen 8080\n", await world.OkAsync("diff", lab), StringComparison.Ordinal);
        world.Fleet.Commit("lab");
        Assert.Contains("1.0", await world.OkAsync("show", lab), StringComparison.Ordinal);
        var dry = await world.OkAsync("upgrade", lab, "--dry-run");
        Assert.Contains("+cache off\n", dry, StringComparison.Ordinal);
        Assert.Equal("", world.Fleet.Git("status", "--short"));
        Assert.Contains("to 1.1", await world.OkAsync("upgrade", lab), StringComparison.Ordinal);
        Assert.Equal("# basel\nlisten 8080\nlog info\nlevel 1\nzone basel\ncache off\nend\n", world.Text("sites/lab/etc/basel.conf"));
        Assert.True((File.GetUnixFileMode(world.Path("sites/lab/run.sh")) & UnixFileMode.UserExecute) != 0);
        Assert.Contains("nothing changes", await world.OkAsync("upgrade", lab), StringComparison.Ordinal);
        await world.OkAsync("reset", lab);
        Assert.Contains("listen 80\n", world.Text("sites/lab/etc/basel.conf"), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Lines_written_without_an_end_stay_lines_and_the_version_is_kept()
    {
        using var world = new TemplateWorld();
        await world.OkAsync("new", world.Template, world.Path("a"), "--to", "1.0", "--set", "site=lab");
        world.Fleet.Write("a/etc/lab.conf", world.Text("a/etc/lab.conf").Replace("cache on", "cache some", StringComparison.Ordinal));
        world.Fleet.Commit("one");
        Assert.Equal(1, (await RunAsync(["template", "upgrade", world.Path("a"), "--to", "1.1"])).Code);
        world.Fleet.Write("written", "cache mine");
        await world.OkAsync("resolve", world.Path("a"), "--with", world.Path("written"));
        Assert.Contains("to 1.1", await world.OkAsync("upgrade", world.Path("a")), StringComparison.Ordinal);
        Assert.Contains("cache mine\nend\n", world.Text("a/etc/lab.conf"), StringComparison.Ordinal);
        Assert.Contains("there is no conflict", await world.OkAsync("resolve", world.Path("a")), StringComparison.Ordinal);
        // A folder where a file belongs stops a reset before it undoes anything.
        File.Delete(world.Path("a/run.sh"));
        Directory.CreateDirectory(world.Path("a/run.sh"));
        File.WriteAllText(world.Path("a/run.sh/notes"), "mine");
        var reset = await RunAsync(["template", "reset", world.Path("a")]);
        Assert.Equal(1, reset.Code);
        Assert.Contains("is a folder; move it away", reset.Error, StringComparison.Ordinal);
        Assert.Contains("cache mine\n", world.Text("a/etc/lab.conf"), StringComparison.Ordinal);
        Assert.Equal(2, (await RunAsync(["template", "upgrade", world.Path("a"), "--branch", "x"])).Code);
    }

    [Fact]
    public async Task A_conflict_writes_nothing_is_decided_and_offered_elsewhere()
    {
        using var world = new TemplateWorld();
        foreach (var site in (string[])["a", "b"])
        {
            await world.OkAsync("new", world.Template, world.Path(site), "--to", "1.0", "--set", "site=lab");
            world.Fleet.Write($"{site}/etc/lab.conf", world.Text($"{site}/etc/lab.conf").Replace("cache on", "cache some", StringComparison.Ordinal));
        }
        world.Fleet.Commit("two");
        var run = await RunAsync(["template", "upgrade", world.Path("a"), "--to", "1.1"]);
        Assert.Equal(1, run.Code);
        Assert.Contains("conflict etc/lab.conf#1: both changed these lines\n<<<<<<< here\ncache some\n||||||| before\ncache on\n=======\ncache off\n>>>>>>> template\n",
            run.Output, StringComparison.Ordinal);
        Assert.Equal("", world.Fleet.Git("status", "--short"));
        Assert.Contains("everything on the way to 1.1 is decided", await world.OkAsync("resolve", world.Path("a"), "etc/lab.conf#1", "--ours"), StringComparison.Ordinal);
        await world.OkAsync("upgrade", world.Path("a"));
        Assert.Contains("cache some", world.Text("a/etc/lab.conf"), StringComparison.Ordinal);
        Assert.Contains("1.1", world.Text("a/.capillary-template.yaml"), StringComparison.Ordinal);
        // The same conflict at the other: offered, not taken.
        run = await RunAsync(["template", "upgrade", world.Path("b"), "--to", "1.1", "-o", "json"]);
        Assert.Equal(1, run.Code);
        using (var json = JsonDocument.Parse(run.Output))
            Assert.Equal("as it is here", json.RootElement.GetProperty("conflicts")[0].GetProperty("known").GetString());
        await world.OkAsync("upgrade", world.Path("b"), "--use-known");
        Assert.Contains("cache some", world.Text("b/etc/lab.conf"), StringComparison.Ordinal);
        Assert.Empty(Directory.EnumerateFiles(world.Fleet.Work, "*.rej", SearchOption.AllDirectories));
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task A_fleet_is_upgraded_in_groups(bool perGroup)
    {
        using var world = new TemplateWorld();
        for (var i = 0; i < 12; i++) await world.OkAsync("new", world.Template, world.Path($"s{i:00}"), "--to", "1.0", "--set", $"site=site-{i}");
        world.Fleet.Write("s03/etc/site-3.conf", world.Text("s03/etc/site-3.conf").Replace("cache on", "cache some", StringComparison.Ordinal));
        foreach (var i in (int[])[4, 5]) File.Delete(world.Path($"s0{i}/run.sh")); // Unchanged by the template: stays away.
        foreach (var i in (int[])[6, 7]) world.Fleet.Write($"s0{i}/etc/site-{i}.conf", world.Text($"s0{i}/etc/site-{i}.conf").Replace("cache on\nend\n", "cache off\nend\n", StringComparison.Ordinal));
        var head = world.Fleet.Commit("twelve");
        Assert.Contains("\n9 A, 2 B, 1 conflict\n", (await RunAsync(["template", "upgrade", world.Fleet.Work, "--all", "--to", "1.1", "--dry-run"])).Output, StringComparison.Ordinal);
        string[] command = ["template", "upgrade", world.Fleet.Work, "--all", "--to", "1.1", "--branch", "up", .. perGroup ? (string[])["--branch-per-group"] : []];
        var run = await RunAsync(command);
        Assert.Equal(1, run.Code); // One conflict is left.
        Assert.Equal(head, world.Fleet.Git("rev-parse", "HEAD"));
        if (perGroup)
        {
            Assert.Equal("1", world.Fleet.Git("rev-list", "--count", "main..up-A"));
            Assert.Equal("1", world.Fleet.Git("rev-list", "--count", "main..up-B"));
            Assert.Contains("A: up-A is there already", (await RunAsync(command)).Output, StringComparison.Ordinal);
            return;
        }
        Assert.Equal("2", world.Fleet.Git("rev-list", "--count", "main..up"));
        Assert.Contains("cache off", world.Fleet.Git("show", "up:s00/etc/site-0.conf"), StringComparison.Ordinal);
        Assert.Contains("cache some", world.Fleet.Git("show", "up:s03/etc/site-3.conf"), StringComparison.Ordinal);
        Assert.Contains("100755", world.Fleet.Git("ls-tree", "up", "s00/run.sh"), StringComparison.Ordinal);
        Assert.Equal("", world.Fleet.Git("ls-tree", "up", "s04/run.sh"));
        // Again: only what is left is looked at, and no commit is added.
        run = await RunAsync(command);
        Assert.Contains("\n1 conflict, 11 as they are\n", run.Output, StringComparison.Ordinal);
        Assert.Equal("2", world.Fleet.Git("rev-list", "--count", "main..up"));
    }

    [Fact]
    public async Task Status_says_how_far_behind_each_is()
    {
        using var world = new TemplateWorld();
        await world.OkAsync("new", world.Template, world.Path("new"), "--set", "site=x");
        await world.OkAsync("new", world.Template, world.Path("old"), "--to", "1.0", "--set", "site=x");
        world.Fleet.Commit("two");
        using var json = JsonDocument.Parse(await world.OkAsync("status", world.Fleet.Work, "-o", "json"));
        Assert.Equal([("new", 0), ("old", 1)], json.RootElement.EnumerateArray().Select(item => (item.GetProperty("instance").GetString()!, item.GetProperty("behind").GetInt32())));
        Assert.EndsWith("2 instances, 1 behind\n", await world.OkAsync("status", world.Fleet.Work), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Bad_input_is_told_and_writes_nothing()
    {
        using var world = new TemplateWorld();
        var lab = world.Path("lab");
        await world.FailsAsync("there is no version '9.9'", "new", world.Template, lab, "--to", "9.9", "--set", "site=x");
        await world.FailsAsync("declares no variable 'stie'", "new", world.Template, lab, "--set", "stie=x");
        await world.FailsAsync("has no value", "new", world.Template, lab);
        await world.FailsAsync("is no Git repository", "new", world.Path("nothing"), lab);
        await world.FailsAsync("and would leave its folder", "new", world.Template, lab, "--set", "site=../../x");
        Assert.False(Directory.Exists(lab));
        await world.OkAsync("new", world.Template, lab, "--to", "1.0", "--set", "site=x");
        await world.FailsAsync("is there already; nothing was written", "new", world.Template, lab, "--set", "site=x");
        world.Fleet.Commit("lab");
        await world.FailsAsync("was not made from a template", "upgrade", world.Fleet.Work);
        await world.FailsAsync("there is no version '9.9'", "upgrade", lab, "--to", "9.9");
        var state = world.Text("lab/.capillary-template.yaml");
        world.Fleet.Write("lab/.capillary-template.yaml", state.Replace(world.Old, new string('a', 40), StringComparison.Ordinal));
        await world.FailsAsync("is not in", "upgrade", lab);
        world.Fleet.Write("lab/.capillary-template.yaml", state.Replace("repository:", "repositroy:", StringComparison.Ordinal));
        await world.FailsAsync("lab/.capillary-template.yaml:", "upgrade", lab);
        world.Fleet.Git("checkout", "--quiet", ".");
        // A folder that became a link is not written through.
        Directory.Delete(world.Path("lab/etc"), recursive: true);
        Directory.CreateSymbolicLink(world.Path("lab/etc"), "/tmp");
        await world.FailsAsync("nothing is written through it", "reset", lab);
        await world.FailsAsync("removed here, changed in the template", "upgrade", lab, "--set", "site=y");
    }

    [Fact]
    public async Task An_instance_of_foxops_is_adopted_as_it_is()
    {
        using var world = new TemplateWorld();
        using var foxops = new TestRepository();
        foxops.Write("fengine.yaml", "variables: {name: {type: string, description: n}, n: {type: integer, description: n, default: 2}}\n");
        foxops.Write("template/{{ name }}", "{{ name }}\n\n{{ n }}\n\nold\n");
        var first = foxops.Commit("one");
        foxops.Git("tag", "1");
        foxops.Write("template/{{ name }}", "{{ name }}\n\n{{ n }}\n\nnew\n");
        foxops.Commit("two");
        foxops.Git("tag", "2");
        world.Fleet.Write("i/x", "x\n\n7\n# mine\n\nold\n");
        world.Fleet.Write("i/.fengine.yaml", $"# This file is auto-generated and owned by foxops.\n# DO NOT EDIT MANUALLY.\ntemplate_data:\n  n: '7'\n  name: x\n"
            + $"template_repository: {foxops.Work}\ntemplate_repository_version: '1'\ntemplate_repository_version_hash: {first}\n");
        world.Fleet.Commit("adopted");
        await world.OkAsync("upgrade", world.Path("i"));
        Assert.Equal("x\n\n7\n# mine\n\nnew\n", world.Text("i/x"));
        Assert.Contains("template_repository_version: '2'", world.Text("i/.fengine.yaml"), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_template_of_foxops_comes_as_foxops_renders_it()
    {
        using var world = new TemplateWorld();
        using var foxops = new TestRepository();
        foxops.Write("fengine.yaml", """
            rendering: {excluded_files: ["vendor/**/*", "*.raw"]}
            variables:
              name: {type: string, description: n}
              debug: {type: boolean, description: d, default: false}
              net: {type: object, description: n, children: {vlan: {type: integer, description: v, default: 7}, dns: {type: list, description: d, default: []}}}
            """);
        foxops.Write("template/{{ name }}/sub/a.conf", "{{ name }} {{ net }}\n\n{% if debug %}\nd\n{% endif %}\n{{ _fengine_template_repository_version }}");
        foxops.Write("template/vendor/x/v", "{{ not rendered }}\n");
        foxops.Write("template/{{ name }}.raw", "{{ raw }}\n");
        foxops.Write("template/crlf.txt", "a\r\n{% if debug %}\r\nb\r\n{% endif %}\r\n");
        foxops.Write("template/bin/run.sh", "echo {{ name }}\n");
        File.SetUnixFileMode(System.IO.Path.Combine(foxops.Work, "template/bin/run.sh"), (UnixFileMode)0b111_101_101);
        // Links to a folder, to a file and to nothing.
        foreach (var (link, target) in new[] { ("link-{{ name }}", "{{ name }}/sub"), ("file", "bin/run.sh"), ("none", "no/where") })
            File.CreateSymbolicLink(System.IO.Path.Combine(foxops.Work, "template", link), target);
        foxops.Commit("one");
        foxops.Git("tag", "1.0");
        await world.OkAsync("new", foxops.Work, world.Path("i"), "--set", "name=lab", "--set", "debug='yes'");
        Assert.Equal("lab {'vlan': 7, 'dns': []}\n\n\nd\n\n1.0", world.Text("i/lab/sub/a.conf"));
        Assert.Equal(("{{ not rendered }}\n", "{{ raw }}\n", "a\n\nb\n\n"), (world.Text("i/vendor/x/v"), world.Text("i/lab.raw"), world.Text("i/crlf.txt")));
        Assert.Equal(("lab/sub", "bin/run.sh", "no/where"), (Target("link-lab"), Target("file"), Target("none")));
        Assert.True((File.GetUnixFileMode(world.Path("i/bin/run.sh")) & UnixFileMode.UserExecute) != 0);
        Assert.Equal("", await world.OkAsync("diff", world.Path("i")));

        string? Target(string name) => new FileInfo(world.Path($"i/{name}")).LinkTarget;
    }

    private static async Task<(int Code, string Output)> OutputAsync(string[] arguments) => await RunAsync(arguments) is var run ? (run.Code, run.Output) : default;

    private static Task<(int Code, string Output, string Error)> RunAsync(string[] arguments) => TemplateWorld.RunAsync(arguments);
}
