using System.CommandLine;
using System.Text.Json;
using Capillary.Fleet.Templates;
using Spectre.Console;

namespace Capillary.Cli;

/// <summary><c>capillary template show [DIR]</c>.</summary>
internal static class TemplateShowCommand
{
    public static Command Create()
    {
        var folder = TemplateInstance.FolderArgument();
        var format = CommandOutput.FormatOption();
        var command = new Command("show",
            "Show what an instance was made from: template, version, values, and where each value comes from.") { folder, format };
        command.SetAction((parsed, stop) => TemplateRun.GuardAsync(parsed.InvocationConfiguration, () =>
            RunAsync(parsed.GetValue(folder)!, parsed.GetValue(format), parsed.InvocationConfiguration, stop)));
        return command;
    }

    private static async Task<int> RunAsync(string folder, OutputFormat format, InvocationConfiguration io, CancellationToken stop)
    {
        if (await TemplateInstance.OpenAsync(folder, io.Error, stop) is not { } instance) return ExitCode.Failed;
        var origin = instance.State.Origin;
        if (await instance.Repository.SourceAsync(origin, instance.StateFile, stop) is not { } source) return ExitCode.Failed;
        if (await instance.Repository.VersionsAsync(stop) is not { } versions) return ExitCode.Failed;
        var variables = source.Describe(instance.State.Values);
        if (format == OutputFormat.Json)
        {
            CommandOutput.WriteJson(io.Output, json => Json(json, instance, versions, variables));
            return ExitCode.Done;
        }
        io.Output.Write($"{instance.Name}: {origin.Repository} at {origin.Version} (commit {origin.Commit[..12]}), "
            + $"{Behind(versions.Behind(origin), versions)}\n");
        var table = new Table().Border(TableBorder.None).AddColumns("VARIABLE", "TYPE", "VALUE", "FROM");
        foreach (var item in variables) table.AddRow(new Text(item.Name), new Text(item.Type), new Text(item.Value), new Text(item.From));
        CommandOutput.Console(io.Output).Write(table);
        return ExitCode.Done;
    }

    private static void Json(Utf8JsonWriter json, TemplateInstance instance, TemplateVersions versions,
        IReadOnlyList<VariableNote> variables)
    {
        json.WriteStartObject();
        json.WriteString("instance", instance.Name);
        json.WriteString("repository", instance.State.Origin.Repository);
        json.WriteString("version", instance.State.Origin.Version);
        json.WriteString("commit", instance.State.Origin.Commit);
        if (versions.Behind(instance.State.Origin) is { } behind) json.WriteNumber("behind", behind);
        json.WriteStartArray("variables");
        foreach (var variable in variables)
        {
            json.WriteStartObject();
            json.WriteString("name", variable.Name);
            json.WriteString("type", variable.Type);
            if (variable.Json is { } value)
            {
                json.WritePropertyName("value");
                json.WriteRawValue(value);
            }
            json.WriteString("from", variable.From);
            json.WriteEndObject();
        }
        json.WriteEndArray();
        json.WriteEndObject();
    }

    public static string Behind(int? behind, TemplateVersions versions) => behind switch
    {
        null => "at no release",
        0 => "the newest",
        { } number => $"{TemplateUpgradeCommand.Count(number, "release")} behind {versions.Newest!.Name}",
    };
}
