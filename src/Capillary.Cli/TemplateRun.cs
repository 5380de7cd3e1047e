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

    /// <summary>A file that a person named.</summary>
    /// <exception cref="IOException">There is none, which the message says in plain words.</exception>
    public static byte[] ReadFile(string path) => File.Exists(path) ? File.ReadAllBytes(path)
        : throw new IOException(Directory.Exists(path) ? $"{path} is a folder, where a file is needed" : $"there is no file {path}");

    /// <summary>Says why a command did not do it.</summary>
    public static int Fail(InvocationConfiguration io, string reason)
    {
        io.Error.WriteLine($"capillary: {reason}");
        return ExitCode.Failed;
    }
}
