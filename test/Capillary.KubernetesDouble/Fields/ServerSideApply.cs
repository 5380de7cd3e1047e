using System.Text.Json.Nodes;
using Capillary.KubernetesDouble.Http;
using Capillary.KubernetesDouble.Types;

namespace Capillary.KubernetesDouble.Fields;

/// <summary>Who writes, and how: what <c>managedFields</c> will say of it.</summary>
/// <param name="Manager">The field manager.</param>
/// <param name="ApiVersion">The version it writes in.</param>
/// <param name="Subresource">"", or the part of the object that it may write.</param>
/// <param name="Time">Now, as the API writes it.</param>
internal sealed record Writer(string Manager, string ApiVersion, string Subresource, string Time);

/// <summary>Keeps the ownership of fields: the rules of Kubernetes' structured merge, on one schema.</summary>
internal static class ServerSideApply
{
    private static readonly FieldSet NobodysFields = Parse("""
        {"f:apiVersion":{},"f:kind":{},"f:metadata":{".":{},"f:name":{},"f:namespace":{},"f:creationTimestamp":{},"f:selfLink":{},
         "f:uid":{},"f:clusterName":{},"f:generation":{},"f:managedFields":{},"f:resourceVersion":{}}}
        """);

    private static readonly FieldSet Status = Parse("""{"f:status":{}}""");

    /// <summary>The live object with the configuration laid over it and what its manager left out removed; owners are written into
    /// it.</summary>
    /// <param name="live">The live object, or an empty one of its kind.</param>
    /// <param name="config">What the manager wants.</param>
    /// <param name="type">Its kind.</param>
    /// <param name="writer">The manager.</param>
    /// <param name="force">Take fields from other managers.</param>
    /// <param name="finish">Gives the merged object its defaults.</param>
    /// <exception cref="ApiError">Another manager owns a field that would change, and nothing forces it.</exception>
    public static JsonObject Apply(JsonObject live, JsonObject config, ResourceType type, Writer writer, bool force,
        Action<JsonObject> finish)
    {
        var owners = FieldOwner.Read(live);
        var before = WithoutOwners(live);
        var mine = new FieldOwner(writer.Manager, true, writer.ApiVersion, writer.Subresource, null, new FieldSet());
        var last = owners.FirstOrDefault(owner => owner.Identity == mine.Identity);
        mine = mine with { Fields = Kept(ObjectFields.Of(config, type.Schema, isConfig: true), type, writer), Time = last?.Time };
        var others = owners.Where(owner => owner.Identity != mine.Identity).ToList();
        var merged = Merge.Over(before, config, type.Schema)!.AsObject();
        if (last is not null) merged = Prune(merged, type.Schema, last.Fields, [mine, .. others]);
        var change = Comparison.Of(before, merged, type.Schema).Filter(set => Kept(set, type, writer));
        if (!force) RefuseConflicts(others, change);
        if (!Json.Same(before, merged)) mine = mine with { Time = writer.Time };
        merged.DropNulls();
        finish(merged);
        mine = mine with { Fields = mine.Fields.Minus(NobodysFields) };
        FieldOwner.Write(merged, [mine, .. others.Select(owner => Without(owner, change))]);
        return merged;
    }

    /// <summary>Gives what an ordinary write changed to its manager; owners are written into <paramref name="after"/>.</summary>
    /// <param name="before">The live object, or an empty one of its kind.</param>
    /// <param name="after">The object as it will be.</param>
    /// <param name="type">Its kind.</param>
    /// <param name="writer">The manager.</param>
    public static void Update(JsonObject before, JsonObject after, ResourceType type, Writer writer)
    {
        var owners = OwnersFor(before, after, writer);
        after.Ensure("metadata").Remove("managedFields");
        var change = Comparison.Of(WithoutOwners(before), after, type.Schema).Filter(set => Kept(set, type, writer));
        var gained = change.Modified.Union(change.Added).Minus(NobodysFields);
        var mine = new FieldOwner(writer.Manager, false, writer.ApiVersion, writer.Subresource, writer.Time, gained);
        var result = owners.Select(owner => Without(owner, change)).ToList();
        if (!gained.IsEmpty)
        {
            var last = result.FirstOrDefault(owner => owner.Identity == mine.Identity);
            result.RemoveAll(owner => owner.Identity == mine.Identity);
            result.Add(last is null ? mine : mine with { Fields = last.Fields.Union(gained) });
        }
        FieldOwner.Write(after, result);
    }

    private static FieldSet Parse(string fields) => FieldSet.Parse(Json.Object(fields));

    private static JsonObject WithoutOwners(JsonObject tree)
    {
        var copy = tree.Copy();
        copy.Map("metadata")?.Remove("managedFields");
        return copy;
    }

    // An empty list (or one empty entry) takes all ownership away; none at all keeps what there was.
    private static IReadOnlyList<FieldOwner> OwnersFor(JsonObject before, JsonObject after, Writer writer)
    {
        if (writer.Subresource.Length == 0 && after.At("metadata", "managedFields") is JsonArray given)
        {
            if (given.Count == 0 || (given.Count == 1 && given[0] is JsonObject { Count: 0 })) return [];
            return FieldOwner.Read(after);
        }
        return FieldOwner.Read(before);
    }

    // A write to the object does not own its status, and one to the status owns nothing else.
    private static FieldSet Kept(FieldSet set, ResourceType type, Writer writer) => writer.Subresource switch
    {
        "status" => set.Only("f:status"),
        _ when type.HasStatus => set.MinusBelow(Status),
        _ => set,
    };

    private static FieldOwner Without(FieldOwner owner, Comparison change) =>
        owner with { Fields = owner.Fields.Minus(owner.Fields.And(change.Modified.Union(change.Added))).Minus(change.Removed) };

    private static void RefuseConflicts(IEnumerable<FieldOwner> others, Comparison change)
    {
        var changed = change.Modified.Union(change.Added);
        var conflicts = others.Select(owner => (owner, Paths: owner.Fields.And(changed).Paths().ToList()))
            .Where(pair => pair.Paths.Count > 0)
            .OrderBy(pair => pair.owner.ToString(), StringComparer.Ordinal).ToList();
        if (conflicts.Count > 0) throw ApiError.ApplyConflict([.. conflicts.Select(pair => (pair.owner.ToString(), pair.Paths))]);
    }

    // Takes away what the manager applied last time, does not apply now, and nobody else owns.
    private static JsonObject Prune(JsonObject merged, Schema schema, FieldSet last, IEnumerable<FieldOwner> owners)
    {
        var lastMembers = last.WithDeclared(schema);
        var pruned = Merge.Without(merged, lastMembers, schema)!.AsObject();
        var owned = owners.Aggregate(new FieldSet(), (sum, owner) => sum.Union(owner.Fields)).WithDeclared(schema);
        var all = ObjectFields.Of(merged, schema).WithDeclared(schema);
        pruned = Merge.Without(merged, all.Minus(ObjectFields.Of(pruned, schema).WithDeclared(schema).Union(owned)), schema)!.AsObject();
        var left = ObjectFields.Of(pruned, schema).WithDeclared(schema);
        return Merge.Without(merged, all.Minus(left).And(lastMembers), schema)!.AsObject();
    }
}
