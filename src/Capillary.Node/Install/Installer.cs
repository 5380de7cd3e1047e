using System.Text;

namespace Capillary.Node.Install;

/// <summary>
/// Makes this machine run a node for ever, or no longer. Every step finds out whether it is done already, so that installing again repairs
/// and upgrades.
/// </summary>
/// <param name="plan">What is to stand here.</param>
/// <param name="time">The clock.</param>
public sealed class Installer(InstallPlan plan, TimeProvider time)
{
    private const UnixFileMode UnitMode =
        UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.GroupRead | UnixFileMode.OtherRead;

    // A node that cannot run ends in its first moments.
    private static readonly TimeSpan Settles = TimeSpan.FromSeconds(2);

    /// <summary>Why nothing can be installed here; null: it can.</summary>
    /// <param name="command">What the technician typed, for the advice.</param>
    public string? Obstacle(string command)
    {
        if (!Environment.IsPrivilegedProcess) return $"this needs root, as it writes to {plan.UnitFolder}: sudo {command}";
        if (Systemctl.IsHere || !plan.Start) return null;
        return $"systemd does not run this machine. '{command} --print' shows the unit; let your own init system run its ExecStart";
    }

    /// <summary>Brings executable and unit to their places, and lets systemd start what is new.</summary>
    public async Task<InstallOutcome> InstallAsync(CancellationToken stop)
    {
        var lines = new List<string>();
        var changed = Executable.Put(plan.Source, plan.Target);
        lines.Add($"{plan.Target}: {(changed ? "copied" : "is up to date")}");
        var unit = PutUnit();
        lines.Add($"{plan.UnitPath}: {(unit ? "written" : "is up to date")}");
        if (Systemctl.IsHere && await Systemctl.RunAsync(stop, "daemon-reload") is { } reload) return new InstallOutcome.Failed(reload);
        if (await Systemctl.RunAsync(stop, "enable", "--quiet", plan.Unit) is { } enable) return new InstallOutcome.Failed(enable);
        lines.Add($"{plan.Unit}: starts with this machine");
        if (!plan.Start) return new InstallOutcome.Done(lines);
        if (!File.Exists(Path.Combine(plan.Data, "node.json")))
        {
            lines.Add($"{plan.Unit}: not started, as no node has joined in {plan.Data} yet; join, then: systemctl start {plan.Unit}");
            return new InstallOutcome.Done(lines);
        }
        return await StartAsync(changed || unit, lines, stop);
    }

    /// <summary>
    /// Takes away what <see cref="InstallAsync"/> brought, but for the executable: <see cref="RemoveExecutable"/> comes last. The node's
    /// folder stays.
    /// </summary>
    public async Task<InstallOutcome> UninstallAsync(CancellationToken stop)
    {
        var lines = new List<string>();
        if (File.Exists(plan.UnitPath))
        {
            string[] disable = Systemctl.IsHere ? ["disable", "--now", "--quiet", plan.Unit] : ["disable", "--quiet", plan.Unit];
            if (await Systemctl.RunAsync(stop, disable) is { } problem) return new InstallOutcome.Failed(problem);
            File.Delete(plan.UnitPath);
            if (Systemctl.IsHere)
            {
                await Systemctl.RunAsync(stop, "daemon-reload");
                await Systemctl.RunAsync(stop, "reset-failed", plan.Unit);
            }
            lines.Add($"{plan.UnitPath}: removed");
        }
        else
        {
            lines.Add($"{plan.UnitPath}: is not there");
        }
        if (Path.Exists(plan.Target)) lines.Add($"{plan.Target}: removed");
        return new InstallOutcome.Done(lines);
    }

    /// <summary>It may be the program that runs now, which can load no more of itself afterwards: the last thing to do.</summary>
    public void RemoveExecutable() => Executable.Remove(plan.Target);

    private bool PutUnit()
    {
        var bytes = Encoding.UTF8.GetBytes(plan.UnitText);
        if (File.Exists(plan.UnitPath) && File.ReadAllBytes(plan.UnitPath).AsSpan().SequenceEqual(bytes)) return false;
        Journal.AtomicFile.Write(plan.UnitPath, bytes);
        File.SetUnixFileMode(plan.UnitPath, UnitMode);
        return true;
    }

    private async Task<InstallOutcome> StartAsync(bool changed, List<string> lines, CancellationToken stop)
    {
        var runs = await IsActiveAsync(stop);
        if (runs && !changed)
        {
            lines.Add($"{plan.Unit}: runs");
            return new InstallOutcome.Done(lines);
        }
        if (await Systemctl.RunAsync(stop, "restart", plan.Unit) is { } problem) return new InstallOutcome.Failed(Look(problem));
        await Task.Delay(Settles, time, stop);
        if (!await IsActiveAsync(stop)) return new InstallOutcome.Failed(Look($"{plan.Unit} was started and ended at once"));
        lines.Add($"{plan.Unit}: {(runs ? "restarted" : "started")}");
        return new InstallOutcome.Done(lines);
    }

    private async Task<bool> IsActiveAsync(CancellationToken stop) =>
        (await Systemctl.AskAsync(stop, "is-active", plan.Unit)).Said == "active";

    private string Look(string problem) => $"{problem}. Its own words: journalctl -u {plan.Unit} -n 20";
}
