using Capillary.Node.Install;

namespace Capillary.EdgeAgent.Commands;

/// <summary><c>capillary-edge install</c> and <c>uninstall</c>.</summary>
internal static class InstallCommand
{
    public static async Task<int> InstallAsync(EdgeOptions options, CancellationToken stop)
    {
        var plan = Plan(options);
        if (options.Print) return EdgeCommands.Print(plan.UnitText.TrimEnd('\n'));
        var installer = new Installer(plan, TimeProvider.System);
        if (installer.Obstacle("capillary-edge install") is { } obstacle) return EdgeCommands.Fail(1, obstacle);
        if (AllowList.Problem(options) is { } problem) return EdgeCommands.Fail(1, problem);
        if (options.HasAllowList && !File.Exists(Path.Combine(options.Data, "node.json")))
            return EdgeCommands.Fail(1, $"no node has joined in {options.Data} yet; give --root, --user and --allow-root to 'join'");
        var changed = AllowList.Add(options);
        return Tell(await installer.InstallAsync(stop),
            changed ? "edge.json: changed; the agent reads it when it starts: systemctl restart capillary-edge" : null);
    }

    public static async Task<int> UninstallAsync(EdgeOptions options, CancellationToken stop)
    {
        var plan = Plan(options);
        var installer = new Installer(plan, TimeProvider.System);
        if (installer.Obstacle("capillary-edge uninstall") is { } obstacle) return EdgeCommands.Fail(1, obstacle);
        if (options.Purge && Purge.Problem(plan.Data) is { } problem) return EdgeCommands.Fail(1, problem);
        var outcome = await installer.UninstallAsync(stop);
        if (outcome is InstallOutcome.Failed) return Tell(outcome, null);
        if (options.Purge) await Purge.RunAsync(plan.Data, TimeProvider.System, stop);
        var code = Tell(outcome, options.Purge ? $"{plan.Data}: removed, with all in it"
            : $"{plan.Data}: stays, and its services run on; 'uninstall --purge' ends and removes them");
        installer.RemoveExecutable();
        return code;
    }

    private static InstallPlan Plan(EdgeOptions options)
    {
        var source = Environment.ProcessPath ?? throw new InvalidDataException("this system does not tell where this program stands");
        var (bin, data) = (Path.GetFullPath(options.Bin), Path.GetFullPath(options.Data));
        var target = Path.Combine(bin, Path.GetFileName(source));
        return new InstallPlan("capillary-edge", EdgeUnit.Text(target, data), source, bin, data) { Start = !options.NoStart };
    }

    private static int Tell(InstallOutcome outcome, string? last)
    {
        if (outcome is InstallOutcome.Failed failed) return EdgeCommands.Fail(1, failed.Reason);
        foreach (var line in ((InstallOutcome.Done)outcome).Lines) EdgeCommands.Print(line);
        return last is null ? 0 : EdgeCommands.Print(last);
    }
}
