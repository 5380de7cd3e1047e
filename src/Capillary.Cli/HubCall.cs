using System.CommandLine;
using System.Text;
using System.Text.Json;
using Spectre.Console;

namespace Capillary.Cli;

/// <summary>How a listing of the hub is shown.</summary>
internal enum ListingFormat
{
    Table,
    Json,
    Yaml,
}

/// <summary>What every command that asks the hub has in common.</summary>
internal static class HubCall
{
    public static Option<ListingFormat> FormatOption() => new("--output", "-o") { Description = "How to show the result." };

    /// <summary>Gives the command an action that calls the hub; what goes wrong is one line and exit code 1 (2 for the command line
    /// itself).</summary>
    public static void Do(this Command command, HubConnection connection, Func<HubClient, ParseResult, CancellationToken, Task> action) =>
        command.SetAction(async (parsed, stop) =>
        {
            try
            {
                using var client = connection.Open(parsed);
                await action(client, parsed, stop);
                return ExitCode.Done;
            }
            catch (CommandException e)
            {
                await parsed.InvocationConfiguration.Error.WriteLineAsync($"capillary: {e.Message}");
                return e.Code;
            }
            catch (OperationCanceledException)
            {
                return ExitCode.Failed;
            }
        });

    /// <summary>Shows the answer as it came, or as the table that <paramref name="table"/> makes of it.</summary>
    public static void Show(ParseResult parsed, ListingFormat format, JsonElement value, Action<TextWriter> table)
    {
        var output = parsed.InvocationConfiguration.Output;
        switch (format)
        {
            case ListingFormat.Json: CommandOutput.WriteJson(output, value.WriteTo); break;
            case ListingFormat.Yaml:
                var text = new StringBuilder();
                YamlText.Write(text, value, 0);
                output.Write(text);
                break;
            default: table(output); break;
        }
    }

    public static void WriteTable(TextWriter output, string[] columns, IEnumerable<string[]> rows)
    {
        var table = new Table().Border(TableBorder.None).AddColumns(columns);
        foreach (var row in rows) table.AddRow([.. row.Select(cell => new Text(cell))]);
        CommandOutput.Console(output).Write(table);
    }

    /// <summary>A member as text; empty when it is missing or null.</summary>
    public static string Text(this JsonElement value, params ReadOnlySpan<string> path)
    {
        foreach (var name in path)
        {
            if (value.ValueKind != JsonValueKind.Object || !value.TryGetProperty(name, out value)) return "";
        }
        return value.ValueKind == JsonValueKind.Null ? "" : value.ToString();
    }

    /// <summary>The first digits of a digest or commit.</summary>
    public static string Short(string text)
    {
        var hex = text.StartsWith("sha256:", StringComparison.Ordinal) ? text["sha256:".Length..] : text;
        return hex.Length > 12 ? hex[..12] : hex;
    }

    /// <summary>Seconds as people say them.</summary>
    public static string Age(string seconds) => long.TryParse(seconds, out var value)
        ? value switch
        {
            < 120 => $"{value}s",
            < 7200 => $"{value / 60}m",
            < 172_800 => $"{value / 3600}h",
            _ => $"{value / 86_400}d",
        }
        : "never";
}
