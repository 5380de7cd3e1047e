using Capillary.Core.Identity;
using Capillary.Core.Protocol;
using Capillary.Core.Trust;

namespace Capillary.Node.Parent;

/// <summary>What a tier does with what its children bring.</summary>
/// <param name="TakeReport">Verifies and keeps a report; null when it is durable here, else why it was refused for good.</param>
/// <param name="HeardOf">These sites live.</param>
/// <param name="Enroll">Answers an enrollment request: the hub decides, a region passes it on.</param>
/// <param name="Fleet">The fleet's name, for those who enroll.</param>
public sealed record ParentHandlers(
    Func<Envelope, NodeRecord, CancellationToken, ValueTask<string?>> TakeReport,
    Action<IReadOnlyList<SiteId>> HeardOf,
    Func<EnrollRequest, CancellationToken, Task<EnrollAnswer>> Enroll,
    FleetName Fleet);
