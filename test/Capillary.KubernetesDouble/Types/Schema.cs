using System.Text.Json.Nodes;

namespace Capillary.KubernetesDouble.Types;

/// <summary>How one place of an object merges: all that server-side apply needs of a schema.</summary>
internal sealed class Schema
{
    /// <summary>A place of a built-in kind that nothing is said of: objects merge, lists are replaced.</summary>
    public static readonly Schema Plain = new();

    /// <summary>A place of a custom resource that its schema leaves open.</summary>
    public static readonly Schema Untyped = new() { IsOpenMap = true };

    private readonly Dictionary<string, Schema> fields = new(StringComparer.Ordinal);

    /// <summary>Replaced as a whole: an atomic map or list, whatever lies below.</summary>
    public bool IsAtomic { get; init; }

    /// <summary>Keys of a list that is a map; empty: no such list.</summary>
    public IReadOnlyList<string> Keys { get; init; } = [];

    /// <summary>Value of a key that an item may leave out.</summary>
    public IReadOnlyDictionary<string, string> KeyDefaults { get; init; } = new Dictionary<string, string>();

    public bool IsSet { get; init; }

    /// <summary>Its fields are no declared ones: a map with names of the user's.</summary>
    public bool IsOpenMap { get; init; }

    /// <summary>What an item of a list is, or a value of an open map.</summary>
    public Schema? Element { get; init; }

    public IDictionary<string, Schema> Fields => fields;

    public bool MergesItems => Keys.Count > 0 || IsSet;

    public bool Declares(string field) => fields.ContainsKey(field) || !IsOpenMap;

    public Schema Field(string name) =>
        fields.TryGetValue(name, out var field) ? field : IsOpenMap ? Element ?? (ReferenceEquals(this, Untyped) ? this : Plain) : Plain;

    public Schema Item => Element ?? Plain;

    public Schema At(string element) => element[0] == 'f' ? Field(element[2..]) : Item;

    /// <summary>The path element of an item of a list that merges.</summary>
    /// <exception cref="FormatException">It has none of the keys.</exception>
    public string ElementOf(JsonNode? item)
    {
        if (IsSet) return "v:" + item.Compact();
        var key = new JsonObject();
        foreach (var name in Keys.Order(StringComparer.Ordinal))
        {
            if (item.At(name) is { } value) key[name] = value.DeepClone();
            else if (KeyDefaults.TryGetValue(name, out var standard)) key[name] = standard;
        }
        if (key.Count > 0) return "k:" + key.Compact();
        var keys = string.Join(" ", Keys.Select(name => $"\"{name}\""));
        throw new FormatException(
            $"associative list with keys has an element that omits all key fields [{keys}] (and doesn't have default values for any key "
            + $"fields)");
    }
}
