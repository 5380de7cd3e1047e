using System.CommandLine;
using System.Globalization;
using Capillary.Fleet.Templates;
using Spectre.Console;

namespace Capillary.Cli;

/// <summary><c>capillary template status [DIR]</c>.</summary>
internal static class TemplateStatusCommand
{
    /// <summary>One instance; with a problem nobody can say how far behind it is.</summary>
    private sealed record Line(string Instance, string? Repository, string? Version, string? Newest, int? Behind, string? Problem);

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
        if (await TemplateFleet.ReadAsync(folder, "HEAD", io.Error, stop) is not { } fleet) return ExitCode.Failed;
        foreach (var problem in fleet.Broken.SelectMany(item => item.Problems)) io.Error.WriteLine(problem.ToString());
        foreach (var half in fleet.Broken.Where(item => item.Problems.Any(problem => IsPlan(problem.File))))
            io.Error.WriteLine($"capillary: {half.Name}: finish it: capillary template upgrade {Path.Combine(fleet.Top, half.Name)}");
        var lines = fleet.Broken.Select(item => new Line(item.Name, null, null, null, null, "its state cannot be read")).ToList();
        var library = new TemplateLibrary(io.Error);
        foreach (var template in fleet.Instances.GroupBy(instance => instance.State.Origin.Repository))
        {
            var repository = await library.OpenAsync(template.Key, fleet.Top, stop);
            var versions = repository is null ? null : await repository.VersionsAsync(stop);
            var missing = versions is null ? null
                : await repository!.MissingAsync(template.Select(instance => instance.State.Origin.Commit), stop);
            lines.AddRange(template.Select(instance => LineOf(instance, versions, missing)));
        }
        lines.Sort((left, right) => string.CompareOrdinal(left.Instance, right.Instance));
        if (format == OutputFormat.Json) Json(io.Output, lines);
        else Table(io.Output, lines);
        return lines.Exists(line => line.Problem is not null) ? ExitCode.Failed : ExitCode.Done;
    }

    private static bool IsPlan(string file) => Path.GetFileName(file) == TemplateJournal.PlanName;

    private static Line LineOf(CommittedInstance instance, TemplateVersions? versions, IReadOnlySet<string>? missing)
    {
        var origin = instance.State.Origin;
        var problem = missing is null ? "its template cannot be read"
            : missing.Contains(origin.Commit) ? $"the template has its commit {origin.Commit[..12]} no more" : null;
        return new(instance.Name, origin.Repository, origin.Version, versions?.Newest?.Name,
            problem is null ? versions?.Behind(origin) : null, problem);
    }

    private static void Table(TextWriter output, List<Line> lines)
    {
        var table = new Table().Border(TableBorder.None).AddColumns("INSTANCE", "TEMPLATE", "VERSION", "NEWEST", "BEHIND");
        foreach (var line in lines)
        {
            string[] cells = [line.Instance, line.Repository ?? "", line.Version ?? "", line.Newest ?? "unknown",
                line.Problem ?? line.Behind?.ToString(CultureInfo.InvariantCulture) ?? "at no release"];
            table.AddRow([.. cells.Select(cell => new Text(cell))]);
        }
        CommandOutput.Console(output).Write(table);
        var unknown = lines.Where(line => line.Problem is not null).Select(line => line.Instance).ToList();
        output.Write($"{TemplateUpgradeCommand.Count(lines.Count, "instance")}, {lines.Count(line => line.Behind > 0):N0} behind"
            + (unknown.Count == 0 ? "\n" : $", {unknown.Count:N0} of which nobody can say: {string.Join(", ", unknown)}\n"));
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
            if (line.Problem is not null) json.WriteString("problem", line.Problem);
            json.WriteEndObject();
        }
        json.WriteEndArray();
    });
}
