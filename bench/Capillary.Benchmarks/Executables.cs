using System.Diagnostics;
using System.Runtime.CompilerServices;
using System.Text.Json;

namespace Capillary.Benchmarks;

/// <summary>The executables that `./dev bench` built into artifacts/bin, and what running them tells.</summary>
internal static class Executables
{
    public static string Path(string name) => System.IO.Path.Combine(Root(), "artifacts", "bin", name);

    /// <summary>Seconds of one run, from start to exit.</summary>
    public static double Time(string program, params string[] arguments)
    {
        var start = Stopwatch.GetTimestamp();
        using var process = Process.Start(new ProcessStartInfo(program, arguments) { RedirectStandardOutput = true, RedirectStandardError = true })!;
        process.StandardOutput.ReadToEnd();
        process.WaitForExit();
        return process.ExitCode == 0 ? Stopwatch.GetElapsedTime(start).TotalSeconds
            : throw new InvalidOperationException($"{program} {string.Join(' ', arguments)} exited with {process.ExitCode}: {process.StandardError.ReadToEnd()}");
    }

    /// <summary>Figures of the end-to-end harness, which prints one JSON object.</summary>
    public static async Task<JsonElement> MeasureAsync(params string[] arguments)
    {
        var harness = System.IO.Path.Combine(Root(), "test", "Capillary.EndToEnd", "bin", "Release", "net10.0", "Capillary.EndToEnd");
        using var process = Process.Start(new ProcessStartInfo(harness, ["measure", .. arguments]) { RedirectStandardOutput = true })!;
        var text = await process.StandardOutput.ReadToEndAsync();
        await process.WaitForExitAsync();
        if (process.ExitCode != 0) throw new InvalidOperationException($"the harness exited with {process.ExitCode}: {text}");
        using var json = JsonDocument.Parse(text.Trim().Split('\n')[^1]);
        return json.RootElement.Clone();
    }

    private static string Root([CallerFilePath] string here = "") =>
        System.IO.Path.GetFullPath(System.IO.Path.Combine(System.IO.Path.GetDirectoryName(here)!, "..", ".."));
}
