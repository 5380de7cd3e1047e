using System.Text.Json.Nodes;
using Capillary.KubernetesDouble.Types;

namespace Capillary.KubernetesDouble.Fields;

/// <summary>What differs between two states of an object, field by field.</summary>
internal sealed record Comparison(FieldSet Added, FieldSet Modified, FieldSet Removed)
{
    public static Comparison Of(JsonObject before, JsonObject after, Schema schema)
    {
        var walk = new Walk();
        walk.Compare(true, before, true, after, schema);
        return new Comparison(walk.Added, walk.Modified, walk.Removed);
    }

    public Comparison Filter(Func<FieldSet, FieldSet> keep) => new(keep(Added), keep(Modified), keep(Removed));

    private sealed class Walk
    {
        private readonly List<string> path = [];

        public FieldSet Added { get; } = new();

        public FieldSet Modified { get; } = new();

        public FieldSet Removed { get; } = new();

        // "There" and null are not the same: a field may be there and null.
        public void Compare(bool wasThere, JsonNode? before, bool isThere, JsonNode? after, Schema schema)
        {
            var shape = after ?? before;
            if (schema.IsAtomic || shape is null or JsonValue || (Empty(before) && Empty(after)) || Unlike(before, after)
                || (shape is JsonArray && !schema.MergesItems))
            {
                Leaf(wasThere, before, isThere, after);
                return;
            }
            if (shape is JsonArray) CompareItems(before as JsonArray, after as JsonArray, schema);
            else CompareFields(before as JsonObject, after as JsonObject, schema);
            if (!wasThere) Added.Insert(path);
            else if (!isThere) Removed.Insert(path);
        }

        private static bool Empty(JsonNode? tree) => tree is null or JsonObject { Count: 0 } or JsonArray { Count: 0 };

        private static bool Unlike(JsonNode? a, JsonNode? b) => a is not null && b is not null && a.GetType() != b.GetType();

        private void Leaf(bool wasThere, JsonNode? before, bool isThere, JsonNode? after)
        {
            if (!wasThere) Added.Insert(path);
            else if (!isThere) Removed.Insert(path);
            else if (!Json.Same(before, after)) Modified.Insert(path);
        }

        private void CompareFields(JsonObject? before, JsonObject? after, Schema schema)
        {
            foreach (var name in (before ?? []).Select(field => field.Key).Union((after ?? []).Select(field => field.Key)))
            {
                JsonNode? was = null, now = null;
                var wasThere = before is not null && before.TryGetPropertyValue(name, out was);
                var isThere = after is not null && after.TryGetPropertyValue(name, out now);
                Below("f:" + name, wasThere, was, isThere, now, schema.Field(name));
            }
        }

        private void CompareItems(JsonArray? before, JsonArray? after, Schema schema)
        {
            var (was, now) = (Index(before, schema), Index(after, schema));
            foreach (var element in was.Keys.Union(now.Keys))
            {
                var wasThere = was.TryGetValue(element, out var old);
                var isThere = now.TryGetValue(element, out var young);
                Below(element, wasThere, old, isThere, young, schema.Item);
            }
        }

        private static Dictionary<string, JsonNode?> Index(JsonArray? list, Schema schema)
        {
            var index = new Dictionary<string, JsonNode?>();
            foreach (var (element, item) in ObjectFields.Items(list ?? [], schema)) index.TryAdd(element, item);
            return index;
        }

        private void Below(string element, bool wasThere, JsonNode? before, bool isThere, JsonNode? after, Schema schema)
        {
            path.Add(element);
            Compare(wasThere, before, isThere, after, schema);
            path.RemoveAt(path.Count - 1);
        }
    }
}
