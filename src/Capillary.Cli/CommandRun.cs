using System.CommandLine;

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
        var code = await parsed.InvokeAsync(configuration ?? new InvocationConfiguration());
        return parsed.Errors.Count > 0 ? ExitCode.Usage : code;
    }
}
