using System.CommandLine;
using System.CommandLine.Parsing;

namespace Capillary.Cli;

/// <summary>What every command ends with.</summary>
internal static class ExitCode
{
    public const int Done = 0;

    /// <summary>The command ran and found errors.</summary>
    public const int Failed = 1;

    /// <summary>The command line itself is wrong.</summary>
    public const int Usage = 2;
}

/// <summary>Runs the command line, the same in the executable and in tests.</summary>
internal static class CommandRun
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
        var code = await parsed.InvokeAsync(configuration);
        return parsed.Errors.Count > 0 ? ExitCode.Usage : code;
    }

    /// <summary>A mistyped option must not be taken for a folder or a name.</summary>
    private static string? MistakenOption(ParseResult parsed) => parsed.Tokens.Any(token => token.Type == TokenType.DoubleDash)
        ? null
        : parsed.CommandResult.Children.OfType<ArgumentResult>().SelectMany(argument => argument.Tokens)
            .Select(token => token.Value).FirstOrDefault(value => value.Length > 1 && value[0] == '-');
}
