using System.Diagnostics;

namespace Capillary.Node.Install;

/// <summary>Asks systemd, by its command with exact arguments: no shell is in between.</summary>
public static class Systemctl
{
    /// <summary>Whether systemd runs this machine, as sd_booted(3) tells it.</summary>
    public static bool IsHere => Directory.Exists("/run/systemd/system");

    /// <summary>Null when it did as asked, else what it said.</summary>
    public static async Task<string?> RunAsync(CancellationToken stop, params string[] arguments)
    {
        var (code, said) = await AskAsync(stop, arguments);
        return code == 0 ? null : $"systemctl {string.Join(' ', arguments)}: {said}";
    }

    /// <summary>Exit code (127: there is no such command), and all that it said.</summary>
    public static async Task<(int Code, string Said)> AskAsync(CancellationToken stop, params string[] arguments)
    {
        try
        {
            using var process = Process.Start(new ProcessStartInfo("systemctl", arguments)
            {
                RedirectStandardOutput = true, RedirectStandardError = true, UseShellExecute = false,
            })!;
            var (output, errors) = (process.StandardOutput.ReadToEndAsync(stop), process.StandardError.ReadToEndAsync(stop));
            await process.WaitForExitAsync(stop);
            return (process.ExitCode, $"{await output}{await errors}".Trim());
        }
        catch (System.ComponentModel.Win32Exception)
        {
            return (127, "there is no 'systemctl' on this machine");
        }
    }
}
