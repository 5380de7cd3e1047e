using System.Text.Json.Nodes;

namespace Capillary.KubernetesDouble.Fields;

/// <summary>One entry of <c>metadata.managedFields</c>.</summary>
internal sealed record FieldOwner(string Manager, bool Applied, string ApiVersion, string Subresource, string? Time, FieldSet Fields)
{
    /// <summary>Who it is: an applier stays the same through versions of the API.</summary>
    public (string, bool, string, string) Identity => (Manager, Applied, Applied ? "" : ApiVersion, Subresource);

    public static IReadOnlyList<FieldOwner> Read(JsonObject tree) =>
        [.. tree.Items("metadata", "managedFields").Select(entry => new FieldOwner(
        entry.Text("manager") ?? "", entry.Text("operation") == "Apply", entry.Text("apiVersion") ?? "", entry.Text("subresource") ?? "",
        entry.Text("time"), FieldSet.Parse(entry.Map("fieldsV1"))))];

    public static void Write(JsonObject tree, IEnumerable<FieldOwner> owners)
    {
        var entries = owners.Where(owner => !owner.Fields.IsEmpty)
            .OrderBy(owner => !owner.Applied).ThenBy(owner => owner.Time ?? "", StringComparer.Ordinal)
            .ThenBy(owner => owner.Manager, StringComparer.Ordinal).ThenBy(owner => owner.ApiVersion, StringComparer.Ordinal)
            .ThenBy(owner => owner.Subresource, StringComparer.Ordinal)
            .Select(owner => owner.ToJson()).ToArray<JsonNode>();
        if (entries.Length == 0) tree.Ensure("metadata").Remove("managedFields");
        else tree.Ensure("metadata")["managedFields"] = new JsonArray(entries);
    }

    /// <summary>As a conflict names it.</summary>
    public override string ToString()
    {
        var name = $"\"{Manager}\"" + (Subresource.Length > 0 ? $" with subresource \"{Subresource}\"" : "");
        return Applied ? name : $"{name} using {ApiVersion}";
    }

    private JsonObject ToJson()
    {
        var entry = new JsonObject
        {
            ["apiVersion"] = ApiVersion,
            ["fieldsType"] = "FieldsV1",
            ["fieldsV1"] = Fields.ToJson(),
            ["manager"] = Manager,
            ["operation"] = Applied ? "Apply" : "Update",
        };
        if (Subresource.Length > 0) entry["subresource"] = Subresource;
        if (Time is not null) entry["time"] = Time;
        return entry;
    }
}
