using System.CommandLine;
using System.Text.Encodings.Web;
using System.Text.Json;
using Spectre.Console;

namespace Capillary.Cli;

/// <summary>How a command shows its result.</summary>
internal enum OutputFormat
{
    Table,
    Json,
}

/// <summary>Options and writers that commands share.</summary>
internal static class CommandOutput
{
    private const int PlainWidth = 160;

    /// <summary>For people who read and scripts that parse: not escaped more than JSON needs, indented.</summary>
    public static readonly JsonWriterOptions Indented = new()
    {
        Indented = true,
        Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
        NewLine = "\n",
    };

    public static Option<OutputFormat> FormatOption() => new("--output", "-o") { Description = "How to show the result." };

    /// <summary>A console of tables on the command's own writer; without colours and with a fixed width when that is no terminal.</summary>
    public static IAnsiConsole Console(TextWriter writer)
    {
        var isTerminal = ReferenceEquals(writer, System.Console.Out) && !System.Console.IsOutputRedirected;
        var console = AnsiConsole.Create(new AnsiConsoleSettings
        {
            Out = new AnsiConsoleOutput(writer),
            Ansi = isTerminal ? AnsiSupport.Detect : AnsiSupport.No,
            ColorSystem = isTerminal ? ColorSystemSupport.Detect : ColorSystemSupport.NoColors,
            Interactive = InteractionSupport.No,
        });
        if (!isTerminal) console.Profile.Width = PlainWidth;
        return console;
    }

    /// <summary>Writes one JSON value and a line end.</summary>
    public static void WriteJson(TextWriter writer, Action<Utf8JsonWriter> write)
    {
        using var stream = new MemoryStream();
        using (var json = new Utf8JsonWriter(stream, Indented)) write(json);
        writer.Write(System.Text.Encoding.UTF8.GetString(stream.ToArray()));
        writer.Write('\n');
    }
}
