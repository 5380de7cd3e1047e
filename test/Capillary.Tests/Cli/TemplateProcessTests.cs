using System.Diagnostics;
using Capillary.Cli;
using Xunit;

namespace Capillary.Tests.Cli;

/// <summary>The template commands as processes of their own: what they start, what a terminal shows, and what kill -9 leaves.</summary>
public sealed class TemplateProcessTests
{
    private static readonly string Program = typeof(TemplateCommand).Assembly.Location;

    [Fact]
    public async Task Git_is_called_as_often_for_fifty_instances_as_for_five()
    {
        using var world = new TemplateWorld();
        foreach (var (version, text) in new[] { ("2.0", "old\n"), ("2.1", "new\n") })
        {
            for (var i = 0; i < 10; i++) world.Templates.Write($"template/f{i}", text);
            world.Templates.Commit(version);
            world.Templates.Git("tag", version);
        }
        var tools = world.Path("../tools");
        Directory.CreateDirectory(tools);
        var git = (await RunAsync("/bin/sh", ["-c", "command -v git"], [])).Output.Trim();
        await File.WriteAllTextAsync(Path.Combine(tools, "git"), $"#!/bin/sh\necho \"$*\" >> '{tools}/calls'\nexec '{git}' \"$@\"\n");
        File.SetUnixFileMode(Path.Combine(tools, "git"), (UnixFileMode)0b111_101_101);
        async Task<int> CallsAsync(params string[] arguments)
        {
            File.Delete(Path.Combine(tools, "calls"));
            var run = await CapillaryAsync(arguments, ("PATH", $"{tools}:{Environment.GetEnvironmentVariable("PATH")}"));
            Assert.True(run.Code is 0 or 1 && !run.Error.Contains("error", StringComparison.Ordinal), run.Error);
            return File.ReadAllLines(Path.Combine(tools, "calls")).Length;
        }

        string[][] commands =
        [
            ["template", "status", world.Fleet.Work],
            ["template", "upgrade", world.Fleet.Work, "--all", "--to", "2.1", "--dry-run"],
            ["template", "upgrade", world.Fleet.Work, "--all", "--to", "2.1", "--branch", "one"],
            ["template", "upgrade", world.Fleet.Work, "--all", "--to", "2.1", "--branch", "many", "--branch-per-group"],
        ];
        var few = new List<int>();
        for (var i = 0; i < 50; i++)
        {
            await world.OkAsync("new", world.Template, world.Path($"s{i:00}"), "--to", "2.0", "--set", $"site=site-{i}");
            // Each fifth is a group of its own: it has another one of the changes already.
            if (i % 5 == 0) world.Fleet.Write($"s{i:00}/f{i / 5}", "new\n");
            if (i is not (4 or 49)) continue;
            world.Fleet.Commit($"{i}");
            foreach (var (command, at) in commands.Select((command, at) => (command, at)))
            {
                var calls = await CallsAsync(command);
                if (i == 4) few.Add(calls);
                else Assert.True(calls == few[at], $"{string.Join(' ', command)}: {few[at]} calls for 5 instances, {calls} for 50");
            }
            foreach (var branch in world.Fleet.Git("for-each-ref", "--format=%(refname:short)", "refs/heads/one", "refs/heads/many-*").Split('\n'))
                world.Fleet.Git("branch", "--quiet", "-D", branch);
        }
        Assert.All(few, calls => Assert.InRange(calls, 1, 20));
    }

    [Fact]
    public async Task A_terminal_shows_how_far_it_is()
    {
        using var world = new TemplateWorld();
        for (var i = 0; i < 3; i++) await world.OkAsync("new", world.Template, world.Path($"s{i}"), "--to", "1.0", "--set", $"site=site-{i}");
        world.Fleet.Commit("three");
        string[] arguments = ["template", "upgrade", world.Fleet.Work, "--all", "--to", "1.1", "--dry-run"];
        var shown = await RunAsync("script", ["-qec", $"dotnet '{Program}' {string.Join(' ', arguments.Select(word => $"'{word}'"))}", "/dev/null"], []);
        Assert.Contains("\rupgrade: 3 of 3\r\n", shown.Output, StringComparison.Ordinal);
        Assert.DoesNotContain("upgrade: 3 of 3", (await CapillaryAsync(arguments)).Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_process_that_is_killed_while_it_writes_leaves_what_the_next_one_finishes()
    {
        using var world = new TemplateWorld();
        for (var i = 0; i < 400; i++) world.Templates.Write($"template/many/{i}", $"{i} {{{{ template.version }}}}\n");
        world.Templates.Commit("many");
        world.Templates.Git("tag", "2.0");
        world.Templates.Commit("again");
        world.Templates.Git("tag", "2.1");
        var lab = world.Path("lab");
        await world.OkAsync("new", world.Template, lab, "--to", "2.0", "--set", "site=x");
        world.Fleet.Commit("lab");
        var plan = Path.Combine(lab, TemplateJournal.Name, TemplateJournal.PlanName);
        using (var process = Process.Start(Start("dotnet", [Program, "template", "upgrade", lab, "--to", "2.1"], []))!)
        {
            var limit = Stopwatch.StartNew();
            // In the middle: one of the files is replaced, most are not.
            while (!world.Text("lab/many/0").Contains("2.1", StringComparison.Ordinal) && !process.HasExited
                && limit.Elapsed < TimeSpan.FromMinutes(1)) await Task.Yield();
            process.Kill();
            await process.WaitForExitAsync();
        }
        // Killed in time nearly always; where it was not, all is done already, and the rest holds too.
        if (File.Exists(plan))
        {
            await world.FailsAsync("a change was cut off while it was written", "show", lab);
            await world.FailsAsync("a change was cut off while it was written", "upgrade", lab, "--dry-run");
            await world.FailsAsync("a change was cut off while it was written", "new", world.Template, lab, "--set", "site=x");
        }
        Assert.Contains("nothing changes", await world.OkAsync("upgrade", lab, "--to", "2.1"), StringComparison.Ordinal);
        Assert.Equal("", await world.OkAsync("diff", lab));
        Assert.Contains("399 2.1", world.Text("lab/many/399"), StringComparison.Ordinal);
        Assert.False(Directory.Exists(Path.GetDirectoryName(plan)));
    }

    private static Task<(int Code, string Output, string Error)> CapillaryAsync(string[] arguments, params (string Name, string Value)[] environment) =>
        RunAsync("dotnet", [Program, .. arguments], environment);

    private static async Task<(int Code, string Output, string Error)> RunAsync(string program, string[] arguments, (string Name, string Value)[] environment)
    {
        using var process = Process.Start(Start(program, arguments, environment))!;
        var error = process.StandardError.ReadToEndAsync();
        var output = await process.StandardOutput.ReadToEndAsync();
        await process.WaitForExitAsync();
        return (process.ExitCode, output, await error);
    }

    private static ProcessStartInfo Start(string program, string[] arguments, (string Name, string Value)[] environment)
    {
        var start = new ProcessStartInfo(program, arguments) { RedirectStandardOutput = true, RedirectStandardError = true };
        foreach (var (name, value) in environment) start.Environment[name] = value;
        return start;
    }
}
