using System.CommandLine;
using System.CommandLine.Parsing;
using System.Text.RegularExpressions;

namespace Capillary.Cli;

/// <summary>What every command ends with.</summary>
internal static class ExitCode
{
    public const int Done = 0;

    /// <summary>The command ran and found errors.</summary>
    public const int Failed = 1;

    /// <summary>The command line itself is wrong.</summary>
    public const int Usage = 2;

    /// <summary>Asked whether anything changes: something does.</summary>
    public const int Changes = 3;
}

/// <summary>Runs the command line, the same in the executable and in tests.</summary>
internal static partial class CommandRun
{
    public static async Task<int> InvokeAsync(RootCommand root, string[] args, InvocationConfiguration? configuration = null)
    {
        var parsed = root.Parse(args);
        configuration ??= new InvocationConfiguration();
        if (parsed.Errors.Count == 0 && MistakenOption(parsed) is { } option)
        {
            configuration.Error.WriteLine($"Unrecognized option '{option}'. See '{root.Name} --help'; after '--' it would be an argument.");
            return ExitCode.Usage;
        }
        if (parsed.Errors.Count == 0 && EmptyPlace(parsed) is { } empty)
        {
            configuration.Error.WriteLine($"capillary: {empty} is empty; is a variable of your script not set?");
            return ExitCode.Usage;
        }
        // Where a command is missing, the list of commands helps; where an argument is wrong, one line does.
        if (parsed.Errors.Count > 0 && parsed.CommandResult.Command.Subcommands.Count == 0)
        {
            var command = string.Join(' ', Names(parsed.CommandResult));
            foreach (var error in parsed.Errors) configuration.Error.WriteLine($"capillary: {Plain(error.Message)}");
            configuration.Error.WriteLine($"See: {command} --help");
            return ExitCode.Usage;
        }
        var code = await parsed.InvokeAsync(configuration);
        return parsed.Errors.Count > 0 ? ExitCode.Usage : code;
    }

    private static IEnumerable<string> Names(CommandResult result) => result.Parent is CommandResult parent
        ? Names(parent).Append(result.Command.Name)
        : [result.Command.Name];

    /// <summary>The library names types of ours or of the framework; the only ones that reach a person here are whole numbers.</summary>
    private static string Plain(string message) =>
        WrongNumber().Replace(message.TrimEnd('.'), "'${value}' is not a whole number (${place})");

    [GeneratedRegex(@"^Cannot parse argument '(?<value>.*)' for (option|command) '(?<place>.*)' as expected type 'System\..*Int(32|64).*'")]
    private static partial Regex WrongNumber();

    /// <summary>An argument, or an option that names a file or folder, given as an empty text.</summary>
    private static string? EmptyPlace(ParseResult parsed) => parsed.CommandResult.Children
        .Where(result => result.Tokens.Any(token => token.Value.Length == 0))
        .Select(result => result switch
        {
            ArgumentResult argument => argument.Argument.Name,
            OptionResult { Option: { Name: "--data" or "--fleet" } or { HelpName: "file" or "FILE" or "dir" } } option =>
                option.Option.Name,
            _ => null,
        })
        .FirstOrDefault(name => name is not null);

    /// <summary>A mistyped option must not be taken for a folder or a name.</summary>
    private static string? MistakenOption(ParseResult parsed) => parsed.Tokens.Any(token => token.Type == TokenType.DoubleDash)
        ? null
        : parsed.CommandResult.Children.OfType<ArgumentResult>().SelectMany(argument => argument.Tokens)
            .Select(token => token.Value).FirstOrDefault(value => value.Length > 1 && value[0] == '-');
}
