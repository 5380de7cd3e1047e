using System.Diagnostics;
using System.Text.Json;

namespace Capillary.Benchmarks.Links;

/// <summary>A part of a benchmark in a process of its own: one JSON line for each question that it is asked.</summary>
internal sealed class RoleProcess : IDisposable
{
    private readonly Process process;

    /// <summary>Starts this program again in another role.</summary>
    /// <param name="environment">NAME=value settings of the runtime.</param>
    /// <param name="arguments">The role and what it needs.</param>
    public RoleProcess(IEnumerable<string> environment, params string[] arguments)
        : this(null, environment, arguments)
    {
    }

    /// <summary>As the other, in a network namespace.</summary>
    public RoleProcess(string? space, IEnumerable<string> environment, params string[] arguments)
    {
        string[] line = space is null ? [Environment.ProcessPath!] : ["ip", "netns", "exec", space, Environment.ProcessPath!];
        var start = new ProcessStartInfo(line[0], [.. line[1..], "role", .. arguments])
        {
            RedirectStandardInput = true, RedirectStandardOutput = true,
        };
        foreach (var setting in environment) start.Environment[setting.Split('=')[0]] = setting[(setting.IndexOf('=') + 1)..];
        process = Process.Start(start)!;
    }

    public int Id => process.Id;

    /// <summary>Seconds of one core that it took so far: what it would need at least, however busy the machine is.</summary>
    public double CpuSeconds
    {
        get
        {
            process.Refresh();
            return process.TotalProcessorTime.TotalSeconds;
        }
    }

    /// <summary>The most it ever was, in MB.</summary>
    public double Peak => Kilobytes("status", "VmHWM:") / 1024;

    /// <summary>What it holds now, in MB; a page that several processes hold (the runtime's files) counts in equal parts in each.</summary>
    public double Proportional => Kilobytes("smaps_rollup", "Pss:") / 1024;

    /// <summary>Asks; returns the answer.</summary>
    public async Task<JsonElement> AskAsync(string question)
    {
        await process.StandardInput.WriteLineAsync(question);
        return await NextAsync();
    }

    /// <summary>The next line that it says.</summary>
    public async Task<JsonElement> NextAsync()
    {
        var line = await process.StandardOutput.ReadLineAsync()
            ?? throw new InvalidOperationException($"a role ended with {process.ExitCode} before it answered");
        using var json = JsonDocument.Parse(line);
        return json.RootElement.Clone();
    }

    /// <summary>As kill -9 does.</summary>
    public void Kill()
    {
        process.Kill();
        process.WaitForExit();
    }

    public void Dispose()
    {
        if (!process.HasExited) Kill();
        process.Dispose();
    }

    private double Kilobytes(string file, string name) =>
        double.Parse(File.ReadLines($"/proc/{Id}/{file}").First(line => line.StartsWith(name, StringComparison.Ordinal))
            .Split(' ', StringSplitOptions.RemoveEmptyEntries)[^2], System.Globalization.CultureInfo.InvariantCulture);
}
