namespace Capillary.EndToEnd;

/// <summary>Where the nodes of a fleet run, and how they reach one another.</summary>
internal interface IGround
{
    /// <summary>Called once, with every node of the fleet, before the first is started.</summary>
    Task PrepareAsync(IReadOnlyList<string> nodes, CancellationToken stop);

    /// <summary>Where a parent listens, as address:port.</summary>
    string Listen(string parent);

    /// <summary>Where a child dials its parent, as host:port.</summary>
    string Dial(string child, string parent);

    /// <summary>The command line that runs a program where a node is; it must replace itself by the program, so that it can be killed.</summary>
    (string Program, IReadOnlyList<string> Arguments) Command(string node, string program, IReadOnlyList<string> arguments);
}

/// <summary>All on this machine's loopback, each parent with a port of its own.</summary>
internal sealed class LoopbackGround : IGround
{
    private readonly System.Collections.Concurrent.ConcurrentDictionary<string, string> listens = new();

    public Task PrepareAsync(IReadOnlyList<string> nodes, CancellationToken stop) => Task.CompletedTask;

    public string Listen(string parent) => listens.GetOrAdd(parent, _ => $"127.0.0.1:{FleetRepository.FreePort()}");

    public string Dial(string child, string parent) => Listen(parent);

    public (string Program, IReadOnlyList<string> Arguments) Command(string node, string program, IReadOnlyList<string> arguments) =>
        (program, arguments);
}
