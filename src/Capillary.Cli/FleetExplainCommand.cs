using System.CommandLine;
using System.Text.Json;
using Capillary.Fleet.Inventory;
using Capillary.Fleet.Variables;
using Spectre.Console;

namespace Capillary.Cli;

/// <summary><c>capillary fleet explain SITE [VARIABLE]</c>.</summary>
internal static class FleetExplainCommand
{
    private const int MaxShown = 80;

    public static Command Create()
    {
        var site = new Argument<string>("SITE") { Description = "The site's name." };
        var variable = new Argument<string?>("VARIABLE") { Description = "Only this variable.", Arity = ArgumentArity.ZeroOrOne };
        var folder = FleetFolder.FolderOption();
        var format = CommandOutput.FormatOption();
        var command = new Command("explain", "Show where each value of a site comes from, with the layers that it overrides.")
        {
            site, variable, folder, format,
        };
        command.SetAction((parsed, stop) => Task.FromResult(Run(parsed.GetValue(site)!, parsed.GetValue(variable), parsed.GetValue(folder)!,
            parsed.GetValue(format), parsed.InvocationConfiguration, stop)));
        return command;
    }

    private static int Run(string name, string? variable, string folder, OutputFormat format, InvocationConfiguration io,
        CancellationToken stop)
    {
        var source = new FleetFolder(folder, io.Error);
        if (source.Compile(null, stop) is not { } compilation) return ExitCode.Failed;
        if (compilation.Inventory is not { } inventory || inventory.FindSite(name) is not { } site)
        {
            source.Show(compilation.Diagnostics, io.Error);
            io.Error.WriteLine($"capillary: there is no site '{name}' in {folder}");
            return ExitCode.Failed;
        }
        var all = VariableLayers.Explain(inventory, site);
        var chosen = all.Where(item => variable is null || item.Declaration.Name == variable).ToList();
        if (chosen.Count == 0 && variable is not null)
        {
            io.Error.WriteLine($"capillary: no app at site '{name}' declares '{variable}'");
            return ExitCode.Failed;
        }
        if (format == OutputFormat.Json) CommandOutput.WriteJson(io.Output, json => Json(json, chosen));
        else Table(chosen, io.Output);
        return ExitCode.Done;
    }

    private static void Table(List<VariableExplanation> variables, TextWriter output)
    {
        var table = new Table().Border(TableBorder.None).AddColumns("APP", "VARIABLE", "TYPE", "VALUE", "LAYER", "FROM");
        foreach (var item in variables)
        {
            var type = TypeOf(item.Declaration);
            if (item.Effective is not { } effective)
            {
                Row(table, item.App, item.Declaration.Name, type, item.Declaration.IsRequired ? "(missing)" : "(not set)", "", "");
                continue;
            }
            Row(table, item.App, item.Declaration.Name, type, Shown(effective, item), LayerOf(effective), PlaceOf(effective));
            foreach (var (path, value) in item.Filled)
                Row(table, "", "", "", $"  and {path}: {Short(value.Value.ToString())}", LayerOf(value), PlaceOf(value));
            foreach (var lower in item.Values.Reverse().Skip(1))
                Row(table, "", "", "", $"  overrides {Shown(lower, item)}", LayerOf(lower), PlaceOf(lower));
        }
        CommandOutput.Console(output).Write(table);
    }

    private static void Row(Table table, params string[] cells) => table.AddRow([.. cells.Select(cell => new Text(cell))]);

    private static void Json(Utf8JsonWriter json, List<VariableExplanation> variables)
    {
        json.WriteStartArray();
        foreach (var item in variables)
        {
            json.WriteStartObject();
            json.WriteString("app", item.App);
            json.WriteString("variable", item.Declaration.Name);
            json.WriteString("type", TypeOf(item.Declaration));
            json.WriteStartArray("values");
            foreach (var value in item.Values.Reverse()) Json(json, value, IsShown(value, item));
            json.WriteEndArray();
            if (item.Filled.Count > 0) Json(json, item.Filled);
            json.WriteEndObject();
        }
        json.WriteEndArray();
    }

    private static void Json(Utf8JsonWriter json, IReadOnlyList<ProvenProperty> filled)
    {
        json.WriteStartObject("defaults");
        foreach (var (path, value) in filled)
        {
            json.WritePropertyName(path);
            Json(json, value, isShown: true);
        }
        json.WriteEndObject();
    }

    private static void Json(Utf8JsonWriter json, ProvenValue value, bool isShown)
    {
        json.WriteStartObject();
        json.WritePropertyName("value");
        if (isShown) json.WriteRawValue(value.Value.ToJson());
        else json.WriteNullValue();
        json.WriteString("layer", value.Provenance.Layer.ToString().ToLowerInvariant());
        json.WriteString("source", value.Provenance.Source);
        json.WriteString("file", value.Provenance.File);
        json.WriteNumber("line", value.Provenance.Line);
        json.WriteNumber("column", value.Provenance.Column);
        json.WriteEndObject();
    }

    /// <summary>A value that should name a secret and does not may be the secret.</summary>
    private static bool IsShown(ProvenValue value, VariableExplanation item) =>
        !item.Declaration.Type.NamesSecrets || value.Value.As(item.Declaration.Type) is not null;

    private static string Shown(ProvenValue value, VariableExplanation item) =>
        IsShown(value, item) ? Short(value.Value.ToString()) : "(not shown)";

    private static string Short(string text) => text.Length <= MaxShown ? text : $"{text[..(MaxShown - 1)]}…";

    private static string TypeOf(VariableDeclaration declaration) => declaration.Type.Word;

    private static string LayerOf(ProvenValue value) => value.Provenance.Layer == VariableLayer.Group
        ? $"group {value.Provenance.Source}"
        : value.Provenance.Layer.ToString().ToLowerInvariant();

    private static string PlaceOf(ProvenValue value) => $"{value.Provenance.File}:{value.Provenance.Line}";
}
