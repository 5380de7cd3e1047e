using System.Collections.Concurrent;
using Capillary.Core.Identity;

namespace Capillary.HubNode.Observe;

/// <summary>How a node's link to this hub stands.</summary>
/// <param name="Sessions">Live ones.</param>
/// <param name="Since">Since when it is linked, or is not.</param>
internal sealed record LinkFact(int Sessions, DateTimeOffset Since)
{
    public bool IsLive => Sessions > 0;
}

/// <summary>Which nodes are linked to this hub itself, and since when; a node that never was has been away since the hub's start.</summary>
internal sealed class LinkFacts(TimeProvider time)
{
    private readonly ConcurrentDictionary<NodeName, LinkFact> facts = new();

    /// <summary>When this hub began to listen.</summary>
    public DateTimeOffset Start { get; } = time.GetUtcNow();

    public LinkFact Of(NodeName node) => facts.GetValueOrDefault(node) ?? new(0, Start);

    public void Joined(NodeName node)
    {
        var now = time.GetUtcNow();
        facts.AddOrUpdate(node, _ => new(1, now), (_, old) => old.IsLive ? old with { Sessions = old.Sessions + 1 } : new(1, now));
    }

    public void Left(NodeName node)
    {
        var now = time.GetUtcNow();
        facts.AddOrUpdate(node, _ => new(0, now), (_, old) => old.Sessions > 1 ? old with { Sessions = old.Sessions - 1 } : new(0, now));
    }
}
