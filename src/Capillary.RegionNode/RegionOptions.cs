using System.Net;
using Capillary.Node.Links;
using Capillary.Core.Protocol;

namespace Capillary.RegionNode;

/// <summary>How a region node is run.</summary>
/// <param name="Home">Its folder (key, record, trust, mirror), made by joining.</param>
/// <param name="Listen">Where its sites dial.</param>
/// <param name="Limits">What its link to the hub may take of the network; null: all.</param>
public sealed record RegionOptions(string Home, IPEndPoint Listen, LinkLimits? Limits = null)
{
    /// <summary>Who stays when two machines are at work with one key (default: the newest).</summary>
    public TwoSessionsPolicy TwoSessions { get; init; } = TwoSessionsPolicy.NewestStays;
}
