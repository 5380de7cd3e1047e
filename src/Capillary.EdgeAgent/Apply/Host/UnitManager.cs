using Capillary.Node.Install;

namespace Capillary.EdgeAgent.Apply.Host;

/// <summary>Asks systemd for what a service needs. Each act can be done twice; one at a time per unit.</summary>
internal static class UnitManager
{
    public static async Task<UnitState> LookAsync(string unit, CancellationToken stop)
    {
        var (code, said) = await Systemctl.AskAsync(stop, "show", UnitState.Properties, "--", unit);
        return code == 0 ? UnitState.Parse(said) : throw new IOException($"systemctl show {unit}: {said}");
    }

    /// <summary>Makes files and systemd's view of them right, and starts it if it is down.</summary>
    /// <param name="unit">The unit.</param>
    /// <param name="files">Its files.</param>
    /// <param name="wanted">What they should be.</param>
    /// <param name="replaces">What runs is by another specification.</param>
    /// <param name="stop">Ends the wait, not what systemd was asked for.</param>
    public static async Task<UnitState> PutAsync(
        string unit, UnitFiles files, ServiceUnit wanted, bool replaces, CancellationToken stop)
    {
        var state = await LookAsync(unit, stop);
        var differs = files.Difference(wanted) is not null;
        var stale = differs || state.NeedsReload;
        // What systemd has not read has changed nothing yet, and what it no longer finds it cannot have started.
        var foreign = replaces ? stale : files.RunDifference(wanted) is not null && !state.NeedsReload && state.Load != "not-found";
        if (foreign && (state.IsUp || state.IsMoving)) await DoAsync(stop, "stop", "--", unit);
        if (differs) files.Put(wanted);
        if (stale) await DoAsync(stop, "daemon-reload");
        state = await LookAsync(unit, stop);
        if (state.IsUp || state.IsMoving || state.IsBroken) return state;
        await DoAsync(stop, "start", "--", unit);
        return await LookAsync(unit, stop);
    }

    /// <summary>Forgets how often it ended, so that its waits begin small again.</summary>
    public static Task ForgetAsync(string unit, CancellationToken stop) => Systemctl.AskAsync(stop, "reset-failed", "--", unit);

    /// <summary>Only brings the files into order, with nothing started.</summary>
    public static async Task<UnitState> PutFilesAsync(string unit, UnitFiles files, ServiceUnit wanted, CancellationToken stop)
    {
        files.Put(wanted);
        await DoAsync(stop, "daemon-reload");
        return await LookAsync(unit, stop);
    }

    /// <summary>Stops it and leaves nothing of it.</summary>
    public static async Task<UnitState> RemoveAsync(string unit, UnitFiles files, CancellationToken stop)
    {
        var state = await LookAsync(unit, stop);
        if (state.Load != "not-found" || state.IsUp) await DoAsync(stop, "stop", "--", unit);
        files.Remove();
        await DoAsync(stop, "daemon-reload");
        await ForgetAsync(unit, stop);
        return await LookAsync(unit, stop);
    }

    private static async Task DoAsync(CancellationToken stop, params string[] arguments)
    {
        if (await Systemctl.RunAsync(stop, arguments) is { } problem) throw new IOException(problem);
    }
}
