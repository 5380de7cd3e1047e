using System.Diagnostics;

namespace Capillary.HubNode.Git;

/// <summary>How one run of the <c>git</c> command ended.</summary>
internal abstract record GitRun
{
    private GitRun() { }

    /// <summary>It ran and said so.</summary>
    public sealed record Done(string Output) : GitRun;

    /// <summary>It ran and failed, did not end in time, or could not be started.</summary>
    /// <param name="ExitCode">-1 when it did not end by itself.</param>
    /// <param name="Error">Git's own words, at most 4,000 characters.</param>
    public sealed record Failed(int ExitCode, string Error) : GitRun;
}

/// <summary>
/// Runs <c>git</c>: never through a shell, arguments as a list, no prompts, no hooks, only the usual transports, and with a time limit.
/// What the hub reads with it is other people's content.
/// </summary>
internal sealed class GitCommand(string folder, TimeSpan limit)
{
    /// <summary>Git is asked for a listing or a blob; a fetch over a slow line may take this long too.</summary>
    public static readonly TimeSpan DefaultLimit = TimeSpan.FromMinutes(5);

    private const int MaxError = 4000;

    private static readonly string[] Guards =
    [
        "-c", "core.hooksPath=/dev/null", "-c", "core.fsmonitor=false", "-c", "core.quotePath=false", "-c", "gc.autoDetach=false",
        "-c", "fetch.recurseSubmodules=false", "-c", "log.showSignature=false", "-c", "advice.detachedHead=false",
    ];

    public GitCommand(string folder) : this(folder, DefaultLimit) { }

    /// <summary>Runs to the end and returns the output as text.</summary>
    public Task<GitRun> RunAsync(IReadOnlyList<string> arguments, CancellationToken stop) => RunAsync(arguments, null, ReadText, stop);

    /// <summary>Runs with input, and hands the output to <paramref name="read"/>, whose result becomes the output.</summary>
    public async Task<GitRun> RunAsync(IReadOnlyList<string> arguments, Func<Stream, CancellationToken, Task>? write,
        Func<Stream, CancellationToken, Task<string>> read, CancellationToken stop)
    {
        using var timer = CancellationTokenSource.CreateLinkedTokenSource(stop);
        timer.CancelAfter(limit);
        using var process = new Process { StartInfo = Start(arguments) };
        try
        {
            process.Start();
        }
        catch (Exception e) when (e is System.ComponentModel.Win32Exception or InvalidOperationException)
        {
            return new GitRun.Failed(-1, $"git cannot be started: {e.Message}");
        }
        try
        {
            var error = process.StandardError.ReadToEndAsync(timer.Token);
            var written = WriteAsync(process, write, timer.Token);
            var output = await read(process.StandardOutput.BaseStream, timer.Token);
            await process.WaitForExitAsync(timer.Token);
            await written;
            var text = Shorten(await error);
            return process.ExitCode == 0 ? new GitRun.Done(output) : new GitRun.Failed(process.ExitCode, text);
        }
        catch (Exception e) when (e is OperationCanceledException or IOException)
        {
            Kill(process);
            stop.ThrowIfCancellationRequested();
            return new GitRun.Failed(-1, e is IOException ? e.Message : $"git {arguments[0]} took longer than {limit.TotalSeconds:N0} s");
        }
    }

    private ProcessStartInfo Start(IReadOnlyList<string> arguments)
    {
        var start = new ProcessStartInfo("git")
        {
            WorkingDirectory = folder,
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        foreach (var argument in Guards.Concat(arguments)) start.ArgumentList.Add(argument);
        // Variables of a surrounding git process would point it at another repository.
        foreach (var name in start.Environment.Keys.Where(IsForeign).ToList()) start.Environment.Remove(name);
        start.Environment["GIT_TERMINAL_PROMPT"] = "0";
        start.Environment["GIT_ALLOW_PROTOCOL"] = "file:git:http:https:ssh";
        start.Environment["GIT_NO_REPLACE_OBJECTS"] = "1";
        start.Environment["GIT_OPTIONAL_LOCKS"] = "0";
        start.Environment["LC_ALL"] = "C";
        start.Environment.TryAdd("GIT_SSH_COMMAND", "ssh -o BatchMode=yes");
        return start;
    }

    private static bool IsForeign(string name) => name is "GIT_DIR" or "GIT_WORK_TREE" or "GIT_INDEX_FILE" or "GIT_OBJECT_DIRECTORY"
        or "GIT_ALTERNATE_OBJECT_DIRECTORIES" or "GIT_NAMESPACE" or "GIT_PREFIX" or "GIT_EXTERNAL_DIFF" or "GIT_CEILING_DIRECTORIES"
        or "GIT_COMMON_DIR";

    private static async Task WriteAsync(Process process, Func<Stream, CancellationToken, Task>? write, CancellationToken stop)
    {
        try
        {
            if (write is not null) await write(process.StandardInput.BaseStream, stop);
            process.StandardInput.Close();
        }
        catch (IOException)
        {
            // Git ended before it read everything; its exit code says why.
        }
    }

    /// <summary>The whole output as text.</summary>
    public static async Task<string> ReadText(Stream stream, CancellationToken stop)
    {
        using var reader = new StreamReader(stream);
        return await reader.ReadToEndAsync(stop);
    }

    private static string Shorten(string text)
    {
        text = text.Trim();
        return text.Length <= MaxError ? text : text[..MaxError];
    }

    private static void Kill(Process process)
    {
        try
        {
            process.Kill(entireProcessTree: true);
        }
        catch (InvalidOperationException)
        {
            // It has ended by itself.
        }
    }
}
