namespace Capillary.EndToEnd;

/// <summary>What fleet to run.</summary>
/// <param name="Binaries">With which executables.</param>
/// <param name="Folder">Its work folder.</param>
/// <param name="Sites">Number of sites.</param>
internal sealed record FleetPlan(Binaries Binaries, string Folder, int Sites)
{
    /// <summary>Commits made before the hub looks. Default: none.</summary>
    public Func<FleetRepository, CancellationToken, Task> Prepare { get; init; } = (_, _) => Task.CompletedTask;

    /// <summary>Where its nodes run. Default: all on loopback.</summary>
    public IGround Ground { get; init; } = new LoopbackGround();

    /// <summary>More arguments of <c>capillary hub run</c>.</summary>
    public IReadOnlyList<string> HubArguments { get; init; } = [];
}
