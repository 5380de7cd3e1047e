using System.Collections.Immutable;
using Capillary.Core.Apply.Kubernetes;

namespace Capillary.Fleet.Documents;

/// <summary>Reads <c>spec.kubernetes</c> of <c>app.yaml</c>.</summary>
internal static class KubernetesPolicyReader
{
    public static readonly string[] Conflicts = ["force", "leave"];

    public static KubernetesPolicy Read(FieldReader spec)
    {
        var policy = KubernetesPolicy.Default;
        if (spec.Child("kubernetes") is not { } fields) return policy;
        if (fields.Text("namespace") is { } space && IsUsable(fields, space, KubernetesManifestReader.NamespaceProblem(space.Value)))
            policy = policy with { Namespace = space.Value };
        if (fields.OneOf("conflicts", Conflicts)?.Value == "leave") policy = policy with { Conflicts = ConflictPolicy.Leave };
        var differences = ImmutableArray.CreateBuilder<IgnoredDifference>();
        var nodes = fields.List("ignoreDifferences");
        foreach (var node in nodes.Take(KubernetesPolicyJson.MaxEntries))
        {
            if (FieldReader.Of(node, fields.PathOf("ignoreDifferences"), fields.Bag) is { } item) differences.Add(Difference(item));
        }
        if (nodes.Count > KubernetesPolicyJson.MaxEntries) TooMany(fields, nodes, "ignoreDifferences", KubernetesPolicyJson.MaxEntries);
        fields.RejectUnknown();
        return policy with { IgnoreDifferences = differences.ToImmutable() };
    }

    /// <summary><c>group</c> ("" when it is missing) and <c>kind</c> of a rule; a kind that is missing is reported.</summary>
    public static (string Group, Located<string> Kind) ReadKind(FieldReader fields)
    {
        var group = fields.Text("group");
        if (group is { } written) IsUsable(fields, written, KubernetesManifestReader.GroupProblem(written.Value));
        var kind = fields.Text("kind", required: true);
        if (kind is { } found) IsUsable(fields, found, KubernetesManifestReader.KindProblem(found.Value));
        return (group?.Value ?? "", kind ?? new("", fields.At));
    }

    public static void TooMany(FieldReader fields, IReadOnlyList<YamlNode> nodes, string name, int most) =>
        fields.Bag.Error(DiagnosticCodes.NotAllowed, nodes[most].At, $"{fields.PathOf(name)}: at most {most} entries");

    private static IgnoredDifference Difference(FieldReader fields)
    {
        var (group, kind) = ReadKind(fields);
        var (name, space) = (fields.Text("name"), fields.Text("namespace"));
        if (space is { } written) IsUsable(fields, written, KubernetesManifestReader.NamespaceProblem(written.Value));
        var pointers = ImmutableArray.CreateBuilder<string>();
        var nodes = fields.List("jsonPointers", required: true);
        foreach (var node in nodes.Take(KubernetesPolicyJson.MaxParts))
        {
            if (fields.AsText(node, fields.PathOf("jsonPointers")) is not { } pointer) continue;
            if (KubernetesPolicyJson.PointerProblem(pointer.Value) is { } problem)
            {
                fields.Bag.Error(DiagnosticCodes.NotAllowed, pointer.At, $"{fields.PathOf("jsonPointers")}: '{pointer.Value}': {problem}",
                    "write it such as /spec/replicas");
            }
            pointers.Add(pointer.Value);
        }
        if (nodes.Count > KubernetesPolicyJson.MaxParts) TooMany(fields, nodes, "jsonPointers", KubernetesPolicyJson.MaxParts);
        if (nodes.Count == 0 && fields.Get("jsonPointers") is { } empty)
            fields.Bag.Error(DiagnosticCodes.NotAllowed, empty.At, $"{fields.PathOf("jsonPointers")}: names no field");
        fields.RejectUnknown();
        return new IgnoredDifference(group, kind.Value, name?.Value, space?.Value, pointers.ToImmutable());
    }

    private static bool IsUsable(FieldReader fields, Located<string> text, string? problem)
    {
        if (problem is not null) fields.Bag.Error(DiagnosticCodes.BadName, text.At, $"{fields.Path}: {problem}");
        return problem is null;
    }
}
