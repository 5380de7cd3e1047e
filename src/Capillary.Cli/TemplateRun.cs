using System.CommandLine;
using System.Text.Json;

namespace Capillary.Cli;

/// <summary>Runs a template command that reads and writes folders.</summary>
internal static class TemplateRun
{
    /// <summary>A file that cannot be read or written is a message and no stack of calls.</summary>
    public static async Task<int> GuardAsync(InvocationConfiguration io, Func<Task<int>> run)
    {
        try
        {
            return await run();
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or JsonException)
        {
            return Fail(io, e.Message);
        }
    }

    /// <summary>Says why a command did not do it.</summary>
    public static int Fail(InvocationConfiguration io, string reason)
    {
        io.Error.WriteLine($"capillary: {reason}");
        return ExitCode.Failed;
    }
}
