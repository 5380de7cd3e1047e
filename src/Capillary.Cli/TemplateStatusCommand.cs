using System.CommandLine;
using Spectre.Console;

namespace Capillary.Cli;

/// <summary><c>capillary template status [DIR]</c>.</summary>
internal static class TemplateStatusCommand
{
    private sealed record Line(string Instance, string Repository, string Version, string? Newest, int? Behind);

    public static Command Create()
    {
        var folder = new Argument<string>("DIR")
        {
            Description = "A folder of a repository with instances.",
            DefaultValueFactory = _ => ".",
        };
        var format = CommandOutput.FormatOption();
        var command = new Command("status",
            "List the instances at or below a folder, as committed, and how many releases each is behind.") { folder, format };
        command.SetAction((parsed, stop) => TemplateRun.GuardAsync(parsed.InvocationConfiguration, () =>
            RunAsync(parsed.GetValue(folder)!, parsed.GetValue(format), parsed.InvocationConfiguration, stop)));
        return command;
    }

    private static async Task<int> RunAsync(string folder, OutputFormat format, InvocationConfiguration io, CancellationToken stop)
    {
        if (await TemplateFleet.ReadAsync(folder, "HEAD", io.Error, stop) is not var (fleet, broken)) return ExitCode.Failed;
        var library = new TemplateLibrary(io.Error);
        var lines = new List<Line>();
        foreach (var instance in fleet.Instances)
        {
            var origin = instance.State.Origin;
            var repository = await library.OpenAsync(origin.Repository, fleet.Top, stop);
            var versions = repository is null ? null : await repository.VersionsAsync(stop);
            if (versions is null) broken++;
            lines.Add(new(instance.Name, origin.Repository, origin.Version, versions?.Newest?.Name, versions?.Behind(origin)));
        }
        if (format == OutputFormat.Json) Json(io.Output, lines);
        else Table(io.Output, lines);
        return broken > 0 ? ExitCode.Failed : ExitCode.Done;
    }

    private static void Table(TextWriter output, List<Line> lines)
    {
        var table = new Table().Border(TableBorder.None).AddColumns("INSTANCE", "TEMPLATE", "VERSION", "NEWEST", "BEHIND");
        foreach (var line in lines)
        {
            table.AddRow([.. new[] { line.Instance, line.Repository, line.Version, line.Newest ?? "unknown", line.Behind?.ToString()
                ?? "at no release" }
                .Select(cell => new Text(cell))]);
        }
        CommandOutput.Console(output).Write(table);
        output.Write($"{TemplateUpgradeCommand.Count(lines.Count, "instance")}, {lines.Count(line => line.Behind > 0):N0} behind\n");
    }

    private static void Json(TextWriter output, List<Line> lines) => CommandOutput.WriteJson(output, json =>
    {
        json.WriteStartArray();
        foreach (var line in lines)
        {
            json.WriteStartObject();
            json.WriteString("instance", line.Instance);
            json.WriteString("repository", line.Repository);
            json.WriteString("version", line.Version);
            json.WriteString("newest", line.Newest);
            if (line.Behind is { } behind) json.WriteNumber("behind", behind);
            else json.WriteNull("behind");
            json.WriteEndObject();
        }
        json.WriteEndArray();
    });
}
