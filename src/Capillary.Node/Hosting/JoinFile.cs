using System.Net;
using System.Text.Json;
using System.Text.Json.Serialization;
using Capillary.Core.Bundles;
using Capillary.Core.Identity;
using Capillary.Node.Links;

namespace Capillary.Node.Hosting;

/// <summary>
/// All that a technician carries to a node that is to join: who it will be, where its parents are, whom to trust, and the join code.
/// </summary>
/// <param name="V">Format version, 1.</param>
/// <param name="Fleet">The fleet.</param>
/// <param name="Node">The node's name.</param>
/// <param name="Kind">Region or site.</param>
/// <param name="Parents">Addresses as <c>host:port</c>, 1 to 16.</param>
/// <param name="TrustRoot">Digest of the trust root of version 1.</param>
/// <param name="Code">The join code; a secret until it is used.</param>
/// <param name="Proxy">What the site's network demands; null: none.</param>
public sealed record JoinFile(int V, FleetName Fleet, NodeName Node, NodeKind Kind, IReadOnlyList<string> Parents, Digest TrustRoot,
    string Code, ProxySettings? Proxy = null)
{
    public byte[] ToBytes() => JsonSerializer.SerializeToUtf8Bytes(this, HostingJson.Default.JoinFile);

    /// <exception cref="InvalidDataException">The file is not a join file; says why.</exception>
    public static JoinFile Read(string path)
    {
        try
        {
            var join = JsonSerializer.Deserialize(File.ReadAllBytes(path), HostingJson.Default.JoinFile);
            if (join is not { V: 1, Fleet.Value: not null, Node.Value: not null, TrustRoot.Text: not null, Code: not null,
                Parents.Count: > 0 and <= 16 })
                throw new InvalidDataException($"{path}: is not a join file of version 1; make a new one on the hub");
            foreach (var parent in join.Parents) ParseAddress(parent, path);
            join.Proxy?.Validate(path);
            return join;
        }
        catch (JsonException e)
        {
            // The agent ships without the texts of the base library, so the exception's own would be a key.
            throw new InvalidDataException($"{path}:{e.LineNumber + 1}: is damaged or no join file; copy it again, or make a new one with: "
                + "capillary site enroll NAME --out FILE", e);
        }
    }

    /// <summary>Reads <c>host:port</c> or <c>[v6]:port</c>.</summary>
    /// <exception cref="InvalidDataException">The text is neither.</exception>
    public static DnsEndPoint ParseAddress(string text, string place)
    {
        var colon = text.LastIndexOf(':');
        if (colon > 0 && ushort.TryParse(text.AsSpan(colon + 1), out var port) && port > 0)
            return new DnsEndPoint(text[..colon].Trim('[', ']'), port);
        throw new InvalidDataException($"{place}: '{text}' is not an address: expected host:port");
    }
}

/// <summary>Who a node is since it joined.</summary>
/// <param name="V">Format version, 1.</param>
/// <param name="Fleet">The fleet.</param>
/// <param name="Node">Its name.</param>
/// <param name="Kind">Region or site.</param>
/// <param name="Region">The region it is or belongs to.</param>
/// <param name="Parents">Addresses of its parents.</param>
/// <param name="Incarnation">Version of the record it joined with; what its reports and events are numbered within.</param>
/// <param name="Proxy">What its network demands; null: none.</param>
public sealed record NodeSettings(int V, FleetName Fleet, NodeName Node, NodeKind Kind, RegionId Region, IReadOnlyList<string> Parents,
    long Incarnation, ProxySettings? Proxy = null);

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase, WriteIndented = true,
    DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull)]
[JsonSerializable(typeof(JoinFile))]
[JsonSerializable(typeof(NodeSettings))]
internal sealed partial class HostingJson : JsonSerializerContext;
