using Capillary.Core.Identity;
using Capillary.Core.Protocol;
using Capillary.Core.Trust;

namespace Capillary.Node.Parent;

/// <summary>What a tier does with what its children bring.</summary>
/// <param name="TakeReport">Verifies and keeps a report; null when it is durable here, else why it was refused for good.</param>
/// <param name="HeardOf">These sites live.</param>
/// <param name="Enroll">Answers an enrollment request that came with a key (its id): the hub decides, a region passes it on.</param>
/// <param name="Fleet">The fleet's name, for those who enroll.</param>
public sealed record ParentHandlers(
    Func<Envelope, NodeRecord, CancellationToken, ValueTask<string?>> TakeReport,
    Action<IReadOnlyList<SiteId>> HeardOf,
    Func<EnrollRequest, string, CancellationToken, Task<EnrollAnswer>> Enroll,
    FleetName Fleet)
{
    /// <summary>A child's session is live; told before anything is sent to it.</summary>
    public Action<ParentOutput.Joined> Joined { get; init; } = _ => { };

    /// <summary>A session that was live is over.</summary>
    public Action<NodeRecord> Left { get; init; } = _ => { };

    /// <summary>Somebody was refused whose key stands in no record of the name he gave.</summary>
    public Action<ParentOutput.Knocked> Knocked { get; init; } = _ => { };

    /// <summary>A node holds a newer trust root than this parent.</summary>
    public Action<ParentOutput.RootAhead> RootAhead { get; init; } = _ => { };

    /// <summary>Takes a succession in: the hub decides, a region passes it on; null when it is kept, else why not.</summary>
    public Func<Envelope, NodeRecord, string?> Succeed { get; init; } = (_, _) => "successions are not taken here";

    /// <summary>
    /// Takes a batch of events in: the hub keeps it, a region passes it on. Returns when there is room for the next one.
    /// </summary>
    public Func<Envelope, NodeRecord, EventsAnswer, CancellationToken, ValueTask> TakeEvents { get; init; } = (_, _, _, _) => default;

    /// <summary>Signs of copied keys that this parent saw, all of them.</summary>
    public Action<IReadOnlyList<CloneSighting>> Sighted { get; init; } = _ => { };

    /// <summary>Signs of copied keys that a region saw.</summary>
    public Action<IReadOnlyList<CloneSighting>, NodeRecord> SightedBelow { get; init; } = (_, _) => { };

    /// <summary>A region's records, as a hub asked for them, and whether they are the last.</summary>
    public Action<IReadOnlyList<Envelope>, NodeRecord, bool> TakeRecords { get; init; } = (_, _, _) => { };
}

/// <summary>Tells the child whose session it is that the hub keeps its events up to a number; any later time, or never.</summary>
public delegate void EventsAnswer(Frame.EventsAck kept);
