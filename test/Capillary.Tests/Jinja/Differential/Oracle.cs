using System.ComponentModel;
using System.Diagnostics;
using System.Text;
using System.Text.Json;

namespace Capillary.Tests.Jinja.Differential;

/// <summary>A Python process with the real Jinja2, for as long as a test runs.</summary>
internal sealed class Oracle : IDisposable
{
    private readonly Process _process;

    private Oracle(Process process, string version) => (_process, Version) = (process, version);

    public string Version { get; }

    /// <summary>Null where no Python has Jinja2.</summary>
    public static Oracle? Start(string context)
    {
        foreach (var python in (string[])["/usr/bin/python3", "python3"])
        {
            var start = new ProcessStartInfo(python, [Corpus.PathOf("oracle.py")])
            {
                RedirectStandardInput = true, RedirectStandardOutput = true, RedirectStandardError = true,
                StandardInputEncoding = new UTF8Encoding(false), StandardOutputEncoding = Encoding.UTF8,
                Environment = { ["PYTHONUTF8"] = "1", ["PYTHONHASHSEED"] = "0" },
            };
            if (TryStart(start) is not { } process) continue;
            try
            {
                process.StandardInput.WriteLine(context.ReplaceLineEndings(" "));
                process.StandardInput.Flush();
                if (process.StandardOutput.ReadLine() is { } version) return new Oracle(process, JsonSerializer.Deserialize<string>(version)!);
            }
            catch (IOException)
            {
                // It ended: no Jinja2 there.
            }
            process.Dispose();
        }
        return null;
    }

    public Outcome Render(JinjaCase one)
    {
        _process.StandardInput.WriteLine(one.ToJson());
        _process.StandardInput.Flush();
        var line = _process.StandardOutput.ReadLine() ?? throw new InvalidOperationException($"Python ended at {one.Name}: {one.Source}");
        using var json = JsonDocument.Parse(line);
        var root = json.RootElement;
        return root.TryGetProperty("text", out var text)
            ? new Outcome(text.GetString(), null, "")
            : new Outcome(null, root.GetProperty("error").GetString(), root.GetProperty("why").GetString()!);
    }

    public void Dispose()
    {
        _process.StandardInput.Close();
        if (!_process.WaitForExit(5000)) _process.Kill();
        _process.Dispose();
    }

    private static Process? TryStart(ProcessStartInfo start)
    {
        try
        {
            var process = Process.Start(start);
            process?.ErrorDataReceived += static (_, _) => { };
            process?.BeginErrorReadLine();
            return process;
        }
        catch (Win32Exception)
        {
            return null;
        }
    }
}
