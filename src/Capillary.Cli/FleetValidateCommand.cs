using System.CommandLine;
using Capillary.Fleet.Compile;

namespace Capillary.Cli;

/// <summary><c>capillary fleet validate [DIR]</c>.</summary>
internal static class FleetValidateCommand
{
    public static Command Create()
    {
        var folder = FleetFolder.FolderArgument();
        var format = CommandOutput.FormatOption();
        var command = new Command("validate", "Compile every site and show everything that is wrong, with file and line.")
        {
            folder, format,
        };
        command.SetAction((parsed, stop) => Task.FromResult(
            Run(parsed.GetValue(folder)!, parsed.GetValue(format), parsed.InvocationConfiguration, stop)));
        return command;
    }

    private static int Run(string folder, OutputFormat format, InvocationConfiguration io, CancellationToken stop)
    {
        var source = new FleetFolder(folder, io.Error);
        if (source.Compile(null, stop) is not { } compilation) return ExitCode.Failed;
        if (format == OutputFormat.Json) Json(compilation, io.Output);
        else Text(source, compilation, io.Output);
        return compilation.Diagnostics.HasErrors ? ExitCode.Failed : ExitCode.Done;
    }

    private static void Text(FleetFolder source, FleetCompilation compilation, TextWriter output)
    {
        source.Show(compilation.Diagnostics, output);
        if (compilation.Diagnostics.HasErrors)
            output.WriteLine($"{Count(compilation.Diagnostics.ErrorCount, "error")}; nothing would be published");
        else if (compilation.Inventory is { } fleet)
            output.WriteLine($"fleet {fleet.Fleet.Name}: {Count(fleet.Regions.Count, "region")}, {Count(fleet.Sites.Count, "site")}, "
                + $"{Count(fleet.Apps.Count, "app")}: no errors");
    }

    private static void Json(FleetCompilation compilation, TextWriter output) => CommandOutput.WriteJson(output, json =>
    {
        json.WriteStartObject();
        json.WriteBoolean("ok", !compilation.Diagnostics.HasErrors);
        json.WriteNumber("sites", compilation.Inventory?.Sites.Count ?? 0);
        FleetFolder.WriteJson(json, compilation.Diagnostics);
        json.WriteEndObject();
    });

    private static string Count(int number, string noun) => $"{number:N0} {noun}{(number == 1 ? "" : "s")}";
}
