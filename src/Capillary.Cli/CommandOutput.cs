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

    public static Option<OutputFormat> FormatOption() => FormatOption<OutputFormat>();

    /// <summary><c>-o</c> with the names of an enum, as a person writes them.</summary>
    public static Option<T> FormatOption<T>() where T : struct, Enum
    {
        var names = Enum.GetNames<T>().Select(name => name.ToLowerInvariant()).ToList();
        return new Option<T>("--output", "-o")
        {
            Description = $"How to show the result (default: {names[0]}).",
            HelpName = string.Join('|', names),
            CustomParser = result =>
            {
                var given = result.Tokens[0].Value;
                if (names.IndexOf(given.ToLowerInvariant()) is >= 0 and var place) return Enum.GetValues<T>()[place];
                result.AddError($"-o {given}: there is no such format; use {string.Join(", ", names)}");
                return default;
            },
        };
    }

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

    /// <summary>Writes bytes that may be no UTF-8, such as a merged file: to a terminal or pipe exactly as they are.</summary>
    public static void WriteBytes(TextWriter writer, ReadOnlySpan<byte> bytes)
    {
        if (!ReferenceEquals(writer, System.Console.Out))
        {
            writer.Write(System.Text.Encoding.UTF8.GetString(bytes));
            return;
        }
        writer.Flush();
        using var stream = System.Console.OpenStandardOutput();
        stream.Write(bytes);
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
