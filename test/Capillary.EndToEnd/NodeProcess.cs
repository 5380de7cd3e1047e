using System.Diagnostics;

namespace Capillary.EndToEnd;

/// <summary>One real process of the harness, its output in a log file.</summary>
internal sealed class NodeProcess : IAsyncDisposable
{
    private readonly Process process;
    private readonly StreamWriter log;

    private NodeProcess(string name, Process process, StreamWriter log) => (Name, this.process, this.log) = (name, process, log);

    public string Name { get; }

    public int Id => process.Id;

    public bool HasExited => process.HasExited;

    public static NodeProcess Start(string name, string logFile, string program, IEnumerable<string> arguments)
    {
        var log = new StreamWriter(new FileStream(logFile, FileMode.Append, FileAccess.Write, FileShare.ReadWrite)) { AutoFlush = true };
        var process = new Process { StartInfo = NewStart(program, arguments) };
        process.OutputDataReceived += (_, line) => Write(line.Data);
        process.ErrorDataReceived += (_, line) => Write(line.Data);
        process.Start();
        process.BeginOutputReadLine();
        process.BeginErrorReadLine();
        return new NodeProcess(name, process, log);

        void Write(string? line)
        {
            if (line is null) return;
            lock (log) log.WriteLine(line);
        }
    }

    /// <summary>Runs a command to its end; its output when it exits with 0.</summary>
    /// <exception cref="HarnessException">It did not.</exception>
    public static async Task<string> RunAsync(string program, IEnumerable<string> arguments, CancellationToken stop, string? folder = null)
    {
        var (code, output, errors) = await TryRunAsync(program, arguments, stop, folder);
        return code == 0
            ? output
            : throw new HarnessException($"{Path.GetFileName(program)} {string.Join(' ', arguments)} exited with {code}: {errors}{output}");
    }

    public static async Task<(int Code, string Output, string Errors)> TryRunAsync(string program, IEnumerable<string> arguments,
        CancellationToken stop, string? folder = null)
    {
        using var process = new Process { StartInfo = NewStart(program, arguments) };
        if (folder is not null) process.StartInfo.WorkingDirectory = folder;
        process.Start();
        try
        {
            var output = process.StandardOutput.ReadToEndAsync(stop);
            var errors = process.StandardError.ReadToEndAsync(stop);
            await process.WaitForExitAsync(stop);
            return (process.ExitCode, await output, await errors);
        }
        catch (OperationCanceledException)
        {
            process.Kill(entireProcessTree: true);
            throw;
        }
    }

    /// <summary>kill -9.</summary>
    public async Task KillAsync()
    {
        if (!process.HasExited) process.Kill();
        await process.WaitForExitAsync();
    }

    /// <summary>SIGTERM, then SIGKILL when it has not ended in 10 s.</summary>
    public async ValueTask DisposeAsync()
    {
        if (!process.HasExited)
        {
            using var limit = new CancellationTokenSource(TimeSpan.FromSeconds(10));
            using var terminate = Process.Start("kill", ["-TERM", $"{process.Id}"]);
            try
            {
                await process.WaitForExitAsync(limit.Token);
            }
            catch (OperationCanceledException)
            {
                await KillAsync();
            }
        }
        process.Dispose();
        await log.DisposeAsync();
    }

    private static ProcessStartInfo NewStart(string program, IEnumerable<string> arguments)
    {
        var start = new ProcessStartInfo(program) { RedirectStandardOutput = true, RedirectStandardError = true, UseShellExecute = false };
        foreach (var argument in arguments) start.ArgumentList.Add(argument);
        return start;
    }
}

/// <summary>The harness could not do its part; the text says what to look at.</summary>
internal sealed class HarnessException(string message) : Exception(message);
