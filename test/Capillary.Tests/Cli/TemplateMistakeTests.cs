using System.CommandLine;
using Capillary.Cli;
using Xunit;

namespace Capillary.Tests.Cli;

/// <summary>What a person mistypes or forgets is told in plain words, with the way out.</summary>
public sealed class TemplateMistakeTests
{
    [Theory]
    [InlineData("REPOSITORY", "new", "", "y")]
    [InlineData("DIR", "new", "x", "")]
    [InlineData("DIR", "show", "")]
    [InlineData("DIR", "diff", "")]
    [InlineData("DIR", "upgrade", "")]
    [InlineData("DIR", "reset", "")]
    [InlineData("DIR", "resolve", "")]
    [InlineData("FILE", "render", "")]
    [InlineData("--values", "render", "x", "--values", "")]
    [InlineData("OURS", "merge", "", "", "")]
    public async Task An_empty_argument_is_told(string name, params string[] arguments)
    {
        var run = await TemplateWorld.RunAsync(["template", .. arguments]);
        Assert.Equal((2, "", $"capillary: {name} is empty; is a variable of your script not set?\n"), run);
    }

    [Fact]
    public async Task An_empty_data_folder_is_told()
    {
        using var error = new StringWriter { NewLine = "\n" };
        var code = await CommandRun.InvokeAsync(new RootCommand { HubCommand.Create() }, ["hub", "init", "--data", "", "--fleet", "x"],
            new InvocationConfiguration { Error = error });
        Assert.Equal((2, "capillary: --data is empty; is a variable of your script not set?\n"), (code, error.ToString()));
    }

    [Fact]
    public async Task A_folder_or_file_that_is_not_there_or_is_the_other_is_told()
    {
        using var world = new TemplateWorld();
        var (none, file, folder) = (world.Path("none"), world.Path("file"), world.Fleet.Work);
        await world.FailsAsync("has no commit; commit first", "status", folder);
        await world.FailsAsync("has no commit; commit first", "upgrade", folder, "--all");
        world.Fleet.Write("file", "x\n");
        foreach (var command in (string[])["status", "upgrade", "diff", "reset", "resolve", "show"])
            await world.FailsAsync($"capillary: there is no folder {none}\n", command, none);
        await world.FailsAsync($"capillary: there is no folder {none}\n", "upgrade", none, "--all");
        await world.FailsAsync($"capillary: {file} is a file, where a folder is needed\n", "new", world.Template, file, "--set", "site=x");
        await world.FailsAsync($"capillary: {folder} is a folder, where a file is needed\n", "render", folder);
        await world.FailsAsync($"capillary: there is no file {none}\n", "render", none);
        await world.FailsAsync($"capillary: there is no file {none}\n", "render", file, "--values", none);
        foreach (var (path, reason) in new[] { (none, $"there is no file {none}"), (folder, $"{folder} is a folder, where a file is needed") })
            Assert.Equal((255, "", $"capillary: {reason}\n"), await TemplateWorld.RunAsync(["template", "merge", path, file, file]));
    }

    [Fact]
    public async Task A_conflict_of_a_renamed_file_goes_by_either_name()
    {
        using var world = new TemplateWorld();
        var lab = world.Path("lab");
        await world.OkAsync("new", world.Template, lab, "--to", "1.0", "--set", "site=lab");
        world.Fleet.Write("lab/etc/lab.conf", world.Text("lab/etc/lab.conf").Replace("cache on", "cache some", StringComparison.Ordinal));
        world.Fleet.Commit("lab");
        string[] upgrade = ["upgrade", lab, "--to", "1.1", "--set", "site=basel"];
        await world.FailsAsync("conflict etc/lab.conf#1 -> etc/basel.conf: both changed these lines\n", upgrade);
        await world.FailsAsync($"Decide with: capillary template resolve {lab} [CONFLICT] and one of --ours, --theirs, --edit, --with FILE", upgrade);
        await world.FailsAsync("there is no conflict 'etc/x#1'; there are: etc/lab.conf#1", "resolve", lab, "etc/x#1", "--ours");
        await world.FailsAsync($"there is no file {world.Path("none")}", "resolve", lab, "--with", world.Path("none"));
        await world.OkAsync("resolve", lab, "etc/basel.conf#1", "--ours");
        await world.OkAsync("upgrade", lab);
        Assert.Contains("cache some\n", world.Text("lab/etc/basel.conf"), StringComparison.Ordinal);
    }
}
