using System.Text.Json.Nodes;

namespace Capillary.KubernetesDouble.Storage;

/// <summary>One change of one object.</summary>
/// <param name="Revision">The store's counter after it.</param>
/// <param name="Place">Group and plural.</param>
/// <param name="Key">Namespace and name.</param>
/// <param name="Before">Null: it was added.</param>
/// <param name="After">Null: it was deleted.</param>
/// <param name="Last">What a watch shows: the new state, or the last one with the revision of its deletion.</param>
internal sealed record StoreEvent(long Revision, string Place, string Key, JsonObject? Before, JsonObject? After, JsonObject Last);

/// <summary>The state of one place at one revision.</summary>
internal sealed record Snapshot(long Revision, IReadOnlyList<KeyValuePair<string, JsonObject>> Objects);
