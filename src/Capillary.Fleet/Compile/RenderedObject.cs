using Capillary.Core.Apply;
using Capillary.Core.Apply.Kubernetes;
using Capillary.Fleet.Documents;

namespace Capillary.Fleet.Compile;

/// <summary>One object of an app at one site.</summary>
/// <param name="Key">Its key in the layer: <c>Kind.name</c>, or <c>ObjectRef.LayerKey</c>.</param>
/// <param name="Json">Canonical bytes.</param>
/// <param name="Host">The object as a host site reads it; null on Kubernetes.</param>
/// <param name="Template">The file it was rendered from.</param>
/// <param name="Root">Its YAML, for places.</param>
internal sealed record RenderedObject(string Key, byte[] Json, HostObject? Host, RenderedText Template, YamlNode Root)
{
    /// <summary>Which object of a cluster it is; null on a host.</summary>
    public ObjectRef? Ref { get; init; }
}
