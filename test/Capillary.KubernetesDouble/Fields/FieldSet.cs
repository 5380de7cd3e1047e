using System.Text.Json.Nodes;
using Capillary.KubernetesDouble.Types;

namespace Capillary.KubernetesDouble.Fields;

/// <summary>
/// A set of field paths, as <c>fieldsV1</c> writes it. An element is <c>f:NAME</c>, <c>k:{keys}</c> or <c>v:value</c>; a node may be in
/// the set
/// itself (<c>.</c>) and have members below it.
/// </summary>
internal sealed class FieldSet
{
    private readonly SortedDictionary<string, FieldSet> below = new(StringComparer.Ordinal);

    public bool Member { get; private set; }

    public bool IsEmpty => !Member && below.Values.All(child => child.IsEmpty);

    public static FieldSet Parse(JsonObject? fields)
    {
        var set = new FieldSet();
        foreach (var (element, child) in fields ?? [])
        {
            if (element == ".") set.Member = true;
            else set.below[element] = ParseBelow(child.Map());
        }
        return set;
    }

    public void Insert(IEnumerable<string> path)
    {
        var at = this;
        foreach (var element in path) at = at.below.TryGetValue(element, out var child) ? child : at.below[element] = new FieldSet();
        at.Member = true;
    }

    public FieldSet? Below(string element) => below.GetValueOrDefault(element);

    public bool Has(string element) => below.TryGetValue(element, out var child) && child.Member;

    public FieldSet Union(FieldSet other) => Combine(this, other, (a, b) => a || b);

    public FieldSet Minus(FieldSet other) => Combine(this, other, (a, b) => a && !b);

    public FieldSet And(FieldSet other) => Combine(this, other, (a, b) => a && b);

    /// <summary>Without what is at or below a member of the other.</summary>
    public FieldSet MinusBelow(FieldSet other)
    {
        var result = new FieldSet { Member = Member && !other.Member };
        foreach (var (element, child) in below)
        {
            if (other.Below(element) is not { } theirs) result.below[element] = child;
            else if (!theirs.Member) result.below[element] = child.MinusBelow(theirs);
        }
        return result;
    }

    /// <summary>Only what is at or below this top-level field.</summary>
    public FieldSet Only(string field)
    {
        var result = new FieldSet();
        if (Below(field) is { } child) result.below[field] = child;
        return result;
    }

    /// <summary>Declared fields that only have members below them count as members too: what is pruned is pruned with them.</summary>
    public FieldSet WithDeclared(Schema schema)
    {
        var result = new FieldSet { Member = Member };
        foreach (var (element, child) in below)
        {
            var sub = child.WithDeclared(schema.At(element));
            if (child.below.Count > 0 && element.StartsWith("f:", StringComparison.Ordinal) && schema.Declares(element[2..]))
                sub.Member = true;
            result.below[element] = sub;
        }
        return result;
    }

    public JsonObject ToJson()
    {
        var json = new JsonObject();
        if (Member && below.Count > 0) json["."] = new JsonObject();
        foreach (var (element, child) in below.Where(child => !child.Value.IsEmpty)) json[element] = child.ToJson();
        return json;
    }

    /// <summary>All members as a person reads them: <c>.spec.containers[name="a"].image</c>.</summary>
    public IEnumerable<string> Paths()
    {
        if (Member) yield return "";
        foreach (var (element, child) in below)
        {
            foreach (var rest in child.Paths()) yield return Readable(element) + rest;
        }
    }

    private static FieldSet ParseBelow(JsonObject? fields)
    {
        var set = Parse(fields);
        if (set.below.Count == 0) set.Member = true;
        return set;
    }

    private static FieldSet Combine(FieldSet a, FieldSet b, Func<bool, bool, bool> rule)
    {
        var result = new FieldSet { Member = rule(a.Member, b.Member) };
        foreach (var element in a.below.Keys.Union(b.below.Keys))
        {
            var child = Combine(a.Below(element) ?? new FieldSet(), b.Below(element) ?? new FieldSet(), rule);
            if (!child.IsEmpty) result.below[element] = child;
        }
        return result;
    }

    private static string Readable(string element) => element[0] switch
    {
        'f' => "." + element[2..],
        'v' => $"[={element[2..]}]",
        _ => $"[{string.Join(',', JsonNode.Parse(element[2..])!.AsObject().Select(key => $"{key.Key}={key.Value.Compact()}"))}]",
    };
}
