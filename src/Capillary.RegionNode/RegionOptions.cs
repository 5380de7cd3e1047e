using System.Net;

namespace Capillary.RegionNode;

/// <summary>How a region node is run.</summary>
/// <param name="Home">Its folder (key, record, trust, mirror), made by joining.</param>
/// <param name="Listen">Where its sites dial.</param>
public sealed record RegionOptions(string Home, IPEndPoint Listen);
