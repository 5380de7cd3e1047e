namespace Capillary.Node.Install;

/// <summary>What is to stand on this machine.</summary>
/// <param name="Unit">The unit's name without <c>.service</c>.</param>
/// <param name="UnitText">The unit file.</param>
/// <param name="Source">The executable that runs now.</param>
/// <param name="Bin">The folder that gets it.</param>
/// <param name="Data">The node's folder; never touched but by a purge.</param>
public sealed record InstallPlan(string Unit, string UnitText, string Source, string Bin, string Data)
{
    /// <summary>Where a system's own units stand.</summary>
    public string UnitFolder { get; init; } = "/etc/systemd/system";

    /// <summary>Whether to start it now; false: it is started with the machine's next boot.</summary>
    public bool Start { get; init; } = true;

    /// <summary>The installed executable.</summary>
    public string Target => Path.Combine(Bin, Path.GetFileName(Source));

    public string UnitPath => Path.Combine(UnitFolder, $"{Unit}.service");
}

/// <summary>What became of it.</summary>
public abstract record InstallOutcome
{
    private InstallOutcome() { }

    /// <summary>Done; each line is one thing that was done or found as it should be.</summary>
    public sealed record Done(IReadOnlyList<string> Lines) : InstallOutcome;

    /// <summary>Why not, and what to do. What was done before stays and is done again by the next try.</summary>
    public sealed record Failed(string Reason) : InstallOutcome;
}
