using System.CommandLine;
using System.Runtime.CompilerServices;
using Capillary.Cli;
using Capillary.Tests.HubNode.Git;
using Xunit;

namespace Capillary.Tests.Cli;

/// <summary>The fleet commands end to end, in this process, against golden output.</summary>
public sealed class FleetCliTests
{
    [Theory]
    [InlineData("fleet-help", "fleet", "--help")]
    [InlineData("fleet-validate-help", "fleet", "validate", "--help")]
    [InlineData("fleet-render-help", "fleet", "render", "--help")]
    [InlineData("fleet-explain-help", "fleet", "explain", "--help")]
    [InlineData("fleet-preview-help", "fleet", "preview", "--help")]
    [InlineData("fleet-schema-help", "fleet", "schema", "--help")]
    [InlineData("rollout-help", "rollout", "--help")]
    [InlineData("rollout-simulate-help", "rollout", "simulate", "--help")]
    public async Task Help_is_golden(string name, params string[] arguments)
    {
        var (code, output, _) = await RunAsync(arguments);
        Assert.Equal(0, code);
        Golden(name, output);
    }

    [Theory]
    [InlineData("fleet-validate", "fleet", "validate", "DIR")]
    [InlineData("fleet-validate-json", "fleet", "validate", "DIR", "-o", "json")]
    [InlineData("fleet-render", "fleet", "render", "basel-1", "DIR")]
    [InlineData("fleet-render-json", "fleet", "render", "basel-1", "DIR", "-o", "json")]
    [InlineData("fleet-explain", "fleet", "explain", "basel-1", "--dir", "DIR")]
    [InlineData("fleet-explain-json", "fleet", "explain", "basel-1", "log_level", "--dir", "DIR", "-o", "json")]
    [InlineData("fleet-schema-group", "fleet", "schema", "group", "--dir", "DIR")]
    [InlineData("fleet-preview", "fleet", "preview", "DIR", "--against", "HEAD")]
    [InlineData("fleet-preview-json", "fleet", "preview", "DIR", "--against", "HEAD", "-o", "json")]
    [InlineData("fleet-preview-markdown", "fleet", "preview", "DIR", "--against", "HEAD", "--format", "markdown")]
    [InlineData("rollout-simulate", "rollout", "simulate", "DIR", "--copies", "50", "--offline", "20%", "--start", "2026-12-01T08:00")]
    [InlineData("rollout-simulate-json", "rollout", "simulate", "DIR", "--against", "HEAD", "--start", "2026-12-01T08:00", "-o", "json")]
    public async Task Output_is_golden(string name, params string[] arguments)
    {
        using var repository = Repository();
        repository.Write("groups/lab.yaml", Fleet.CaseFile.Base()["groups/lab.yaml"].Replace("debug", "warning", StringComparison.Ordinal));
        repository.Write("regions/eu.yaml",
            Fleet.CaseFile.Base()["regions/eu.yaml"].Replace("desk eu", "hotline", StringComparison.Ordinal));
        var (code, output, error) = await RunAsync(arguments, repository.Work);
        Assert.Equal((0, ""), (code, error));
        Golden(name, output);
    }

    [Fact]
    public async Task Errors_are_shown_with_places_and_end_with_one()
    {
        using var repository = Repository();
        repository.Write("groups/lab.yaml", "kind: [");
        var (code, output, _) = await RunAsync(["fleet", "validate", "DIR"], repository.Work);
        Assert.Equal(1, code);
        Golden("fleet-validate-errors", output);
        (code, output, _) = await RunAsync(["fleet", "validate", "DIR", "-o", "json"], repository.Work);
        Assert.Equal(1, code);
        Golden("fleet-validate-errors-json", output);
    }

    [Theory]
    [InlineData(2, "fleet", "validate", "--nothing")]
    [InlineData(2, "fleet", "render")]
    [InlineData(2, "fleet", "preview", "DIR")]
    [InlineData(1, "fleet", "render", "nowhere", "DIR")]
    [InlineData(1, "fleet", "explain", "nowhere", "--dir", "DIR")]
    [InlineData(1, "fleet", "explain", "basel-1", "nothing", "--dir", "DIR")]
    [InlineData(0, "fleet", "schema")]
    [InlineData(2, "fleet", "schema", "sight")]
    [InlineData(1, "fleet", "schema", "--dir", "DIR/none")]
    [InlineData(1, "fleet", "validate", "DIR/none")]
    [InlineData(1, "fleet", "preview", "DIR", "--against", "nothing")]
    [InlineData(1, "fleet", "preview", "DIR", "--against", "HEAD", "--commit", "nothing")]
    [InlineData(1, "fleet", "preview", "DIR", "--socket", "none.sock")]
    [InlineData(2, "fleet", "preview", "DIR", "--against", "HEAD", "-o", "yaml")]
    [InlineData(0, "fleet", "preview", "DIR", "--against", "HEAD", "--exit-code")]
    [InlineData(2, "rollout", "simulate", "DIR", "--start", "noon")]
    [InlineData(2, "rollout", "simulate", "DIR", "--copies", "0")]
    [InlineData(2, "rollout", "simulate", "DIR", "--fail", "2x")]
    [InlineData(2, "rollout", "simulate", "DIR", "--apply", "5")]
    [InlineData(2, "rollout", "simulate", "DIR", "--socket", "api.sock")]
    [InlineData(1, "rollout", "simulate", "DIR/none")]
    public async Task Exit_codes_tell_usage_from_failure(int expected, params string[] arguments)
    {
        using var repository = Repository();
        var (code, output, error) = await RunAsync(arguments, repository.Work);
        Assert.True(expected == code, $"{code}: {output}{error}");
        if (expected != 0) Assert.NotEmpty(error);
    }

    [Fact]
    public async Task A_preview_can_fail_on_changes()
    {
        using var repository = Repository();
        repository.Write("regions/eu.yaml",
            Fleet.CaseFile.Base()["regions/eu.yaml"].Replace("desk eu", "hotline", StringComparison.Ordinal));
        Assert.Equal(3, (await RunAsync(["fleet", "preview", "DIR", "--against", "HEAD", "--exit-code"], repository.Work)).Code);
        // A branch is previewed as it is, whatever stands in the folder.
        string[] head = ["fleet", "preview", "DIR", "--against", "HEAD", "--commit", "HEAD", "--exit-code"];
        Assert.Equal(0, (await RunAsync(head, repository.Work)).Code);
    }

    [Fact]
    public async Task Render_writes_a_folder()
    {
        using var repository = Repository();
        var target = repository.Mirror;
        Assert.Equal(0, (await RunAsync(["fleet", "render", "basel-1", "DIR", "--out", target], repository.Work)).Code);
        Assert.Equal(["base-files/objects/File.motd.yaml", "gateway/files/gateway.conf", "gateway/objects/File.config.yaml",
            "gateway/objects/File.program.yaml", "gateway/objects/Service.gateway.yaml"],
            Directory.EnumerateFiles(target, "*", SearchOption.AllDirectories).Select(file => Path.GetRelativePath(target, file))
                .Order(StringComparer.Ordinal));
    }

    [Fact]
    public async Task Schemas_are_written_as_they_stand_in_the_docs()
    {
        using var repository = Repository();
        var (target, docs) = (repository.Mirror, Path.GetFullPath(Path.Combine(Here(), "../../../docs/schemas")));
        var (code, output, _) = await RunAsync(["fleet", "schema", "--out", target], repository.Work);
        Assert.Equal((0, 10), (code, output.Split('\n', StringSplitOptions.RemoveEmptyEntries).Length));
        foreach (var file in Directory.EnumerateFiles(docs))
            Assert.Equal(File.ReadAllText(file), File.ReadAllText(Path.Combine(target, Path.GetFileName(file))));
        Assert.Equal(File.ReadAllText(Path.Combine(docs, "Site.json")), (await RunAsync(["fleet", "schema", "site"], repository.Work)).Output);
    }

    [Fact]
    public async Task An_explanation_tells_of_defaults_within_and_never_shows_what_should_name_a_secret()
    {
        using var repository = new TestRepository();
        repository.Write(Fleet.CaseFile.Load("variable-types").Files);
        var (code, output, error) = await RunAsync(["fleet", "explain", "basel-1", "--dir", "DIR"], repository.Work);
        Assert.Equal((0, ""), (code, error));
        Golden("fleet-explain-types", output);
        Golden("fleet-explain-types-json", (await RunAsync(["fleet", "explain", "basel-1", "analysers", "--dir", "DIR", "-o", "json"], repository.Work)).Output);
        repository.Write("fleet.yaml", Fleet.CaseFile.Load("variable-types").Files["fleet.yaml"]
            .Replace("{secret: sysmex-ftp}", "hunter2", StringComparison.Ordinal).Replace("{secret: lab-db}", "hunter2", StringComparison.Ordinal));
        foreach (var format in (string[])["table", "json"])
        {
            (_, output, error) = await RunAsync(["fleet", "explain", "basel-1", "--dir", "DIR", "-o", format], repository.Work);
            Assert.Contains("password", output, StringComparison.Ordinal);
            Assert.DoesNotContain("hunter2", output + error, StringComparison.Ordinal);
        }
    }

    [Theory]
    [InlineData("fleet-render-kubernetes", "fleet", "render", "boston-3", "DIR")]
    [InlineData("fleet-render-kubernetes-json", "fleet", "render", "boston-3", "DIR", "-o", "json")]
    [InlineData("fleet-preview-kubernetes", "fleet", "preview", "DIR", "--against", "HEAD")]
    [InlineData("fleet-explain-kubernetes", "fleet", "explain", "boston-3", "--dir", "DIR")]
    public async Task A_Kubernetes_site_is_shown_with_its_policy(string name, params string[] arguments)
    {
        using var repository = new TestRepository();
        var files = Fleet.CaseFile.Load("kubernetes").Files;
        repository.Write(files);
        repository.Commit("first");
        if (arguments[1] == "preview")
            repository.Write("health/operators.yaml", files["health/operators.yaml"].Replace("value: 3", "value: 4", StringComparison.Ordinal));
        var (code, output, error) = await RunAsync(arguments, repository.Work);
        Assert.Equal((0, ""), (code, error));
        Golden(name, output);
    }

    [Fact]
    public async Task The_example_compiles_once_its_program_is_there()
    {
        using var repository = new TestRepository();
        var example = Path.GetFullPath(Path.Combine(Here(), "../../../examples/medical-edge"));
        foreach (var file in Directory.EnumerateFiles(example, "*", SearchOption.AllDirectories))
        {
            var path = Path.GetRelativePath(example, file);
            if (!path.Contains("/artifacts/", StringComparison.Ordinal)) repository.Write(path, File.ReadAllText(file));
        }
        var (code, output, _) = await RunAsync(["fleet", "validate", "DIR"], repository.Work);
        Assert.Equal(1, code);
        Golden("example-without-program", output);
        repository.Write("apps/instrument-gateway/artifacts/instrument-gateway", "a program\n");
        (code, output, _) = await RunAsync(["fleet", "validate", "DIR"], repository.Work);
        Assert.Equal((0, "fleet medical-edge: 2 regions, 7 sites, 4 apps: no errors\n"), (code, output));
        foreach (var site in (string[])["lyon-poct-2", "zurich-cluster-1"])
            Golden($"example-{site}", (await RunAsync(["fleet", "render", site, "DIR"], repository.Work)).Output);
    }

    private static TestRepository Repository()
    {
        var repository = new TestRepository();
        repository.Write(Fleet.CaseFile.Base());
        repository.Commit("first");
        return repository;
    }

    private static async Task<(int Code, string Output, string Error)> RunAsync(string[] arguments, string folder = "")
    {
        var root = new RootCommand { FleetCommand.Create(), RolloutCommand.Create() };
        using var output = new StringWriter { NewLine = "\n" };
        using var error = new StringWriter { NewLine = "\n" };
        var code = await CommandRun.InvokeAsync(root,
            [.. arguments.Select(argument => argument.Replace("DIR", folder, StringComparison.Ordinal))],
            new InvocationConfiguration { Output = output, Error = error });
        string Shown(StringWriter writer) => folder.Length == 0 ? writer.ToString() : writer.ToString()
            .Replace(folder, "DIR", StringComparison.Ordinal);
        return (code, Shown(output), Shown(error));
    }

    private static void Golden(string name, string actual)
    {
        // The executable's name stands in usage lines; here it is the test host's.
        actual = string.Join('\n', actual.Replace(RootCommand.ExecutableName, "capillary", StringComparison.Ordinal).Split('\n')
            .Select(line => line.TrimEnd()));
        var file = Path.Combine(Here(), "Golden", name + ".golden");
        GoldenFile.CheckText(file, actual);
    }

    private static string Here([CallerFilePath] string here = "") => Path.GetDirectoryName(here)!;
}
