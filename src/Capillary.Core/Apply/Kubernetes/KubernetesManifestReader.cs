using System.Runtime.InteropServices;
using System.Security.Cryptography;
using System.Text.Json;
using Capillary.Core.Identity;

namespace Capillary.Core.Apply.Kubernetes;

/// <summary>
/// Reads what the agent needs to know of a Kubernetes object, the same at compile (where an error gets its line) and at the site (where
/// nothing is believed). What stands in <c>spec</c> is the API server's to judge.
/// </summary>
public static class KubernetesManifestReader
{
    private const int MaxName = 253;
    private const int MaxKind = 63;
    private const int HashBytes = 5;
    private const string OfHostSites = "capillary.dev";

    /// <summary>Null when <paramref name="errors"/> has got an entry.</summary>
    /// <param name="root">The object as canonical JSON: a name made from <c>generateName</c> holds the hash of exactly these bytes.</param>
    /// <param name="defaultNamespace">For objects that name none.</param>
    /// <param name="errors">Gets what is wrong, each with its JSON path.</param>
    public static KubernetesManifest? Read(JsonElement root, string defaultNamespace, List<ObjectError> errors)
    {
        var before = errors.Count;
        var fields = new ObjectFields(root, "$", errors);
        if (!fields.IsObject) return null;
        var (group, version) = ApiVersion(fields);
        var kind = Kind(fields, root);
        if (errors.Count > before || kind is null) return null;
        if (group == OfHostSites)
        {
            fields.Error("kind",
                $"'{kind}' of {group} is for host sites; on a Kubernetes site write a Kubernetes object, such as ConfigMap");
            return null;
        }
        if (fields.Object("metadata", required: true) is not { IsObject: true } metadata) return null;
        RejectServerFields(metadata);
        metadata.Map("labels");
        var asked = new KubernetesAnnotations(metadata.Map("annotations"), $"{metadata.Path}.annotations", errors);
        var space = Namespace(metadata);
        var name = Name(metadata, group, asked, root);
        if (KubernetesOrder.IsClusterScoped(group, kind)) space = "";
        var manifest = new KubernetesManifest(new ObjectRef(group, version, kind, space ?? defaultNamespace, name ?? ""),
            asked.Order(), asked.Hook(), asked.Deletion(), asked.Options());
        return errors.Count == before ? manifest : null;
    }

    /// <summary>What is wrong with the name of a namespace, or null.</summary>
    public static string? NamespaceProblem(string text) =>
        DnsLabel.IsValid(text) ? null : $"'{text}' is not the name of a namespace: 1 to 63 lower-case letters, digits and '-'";

    /// <summary>What is wrong with an API group (<c>apps</c>, <c>cert-manager.io</c>; "" is the core group), or null.</summary>
    public static string? GroupProblem(string text) => text.Length == 0 || IsSubdomain(text)
        ? null : $"'{text}' is not an API group: lower-case letters, digits, '-' and '.', such as apps or cert-manager.io";

    /// <summary>What is wrong with a kind, or null.</summary>
    public static string? KindProblem(string text) =>
        text.Length is > 0 and <= MaxKind && char.IsAsciiLetter(text[0]) && text.All(char.IsAsciiLetterOrDigit)
            ? null : $"'{text}' is not a kind: 1 to {MaxKind} letters and digits, such as ConfigMap";

    private static (string Group, string Version) ApiVersion(ObjectFields fields)
    {
        if (fields.Text("apiVersion", required: true) is not { } text) return ("", "");
        var slash = text.IndexOf('/');
        var (group, version) = slash < 0 ? ("", text) : (text[..slash], text[(slash + 1)..]);
        if ((slash >= 0 && group.Length == 0) || GroupProblem(group) is not null || !DnsLabel.IsValid(version))
            fields.Error("apiVersion", $"'{text}' is not an API version: write VERSION or GROUP/VERSION, such as v1 or apps/v1");
        return (group, version);
    }

    private static string? Kind(ObjectFields fields, JsonElement root)
    {
        if (fields.Text("kind", required: true) is not { } kind) return null;
        if (KindProblem(kind) is { } problem) fields.Error("kind", problem);
        else if (kind.EndsWith("List", StringComparison.Ordinal) && (kind == "List" || root.TryGetProperty("items", out _)))
            fields.Error("kind", $"a {kind} is not applied: write its items as documents of their own, with '---' between them");
        return kind;
    }

    // Somebody exported these from a cluster: applying them elsewhere fails there, and late.
    private static void RejectServerFields(ObjectFields metadata)
    {
        foreach (var name in (ReadOnlySpan<string>)["managedFields", "resourceVersion", "uid"])
        {
            if (metadata.Has(name)) metadata.Error(name, $"is set by the API server: remove metadata.{name} from the exported manifest");
        }
    }

    private static string? Namespace(ObjectFields metadata)
    {
        // An empty one means none, as the API server reads it.
        if (metadata.Text("namespace") is not { Length: > 0 } space) return null;
        if (NamespaceProblem(space) is { } problem) metadata.Error("namespace", problem);
        return space;
    }

    private static string? Name(ObjectFields metadata, string group, KubernetesAnnotations asked, JsonElement root)
    {
        var prefix = metadata.Text("generateName");
        if (!metadata.Has("name") && prefix is { Length: > 0 })
        {
            if (!asked.NamesHook)
            {
                metadata.Error("generateName", "is for hooks only: an object that stays needs metadata.name");
                return null;
            }
            // The same bytes, the same name: a hook that did not change is found again after a crash.
            var hash = SHA256.HashData(JsonMarshal.GetRawUtf8Value(root));
            return Checked(metadata, "generateName", prefix + Convert.ToHexStringLower(hash.AsSpan(0, HashBytes)), group);
        }
        return metadata.Text("name", required: true) is { } name ? Checked(metadata, "name", name, group) : null;
    }

    private static string Checked(ObjectFields metadata, string field, string name, string group)
    {
        // Kubernetes' own kinds have DNS names, but roles are called system:node; what others allow only their API server knows.
        var isDns = KubernetesOrder.IsBuiltIn(group) && group is not ("rbac.authorization.k8s.io" or "apiregistration.k8s.io");
        if (isDns ? !IsSubdomain(name) : !IsPathSegment(name))
        {
            metadata.Error(field, isDns ? $"'{name}' is not a name: 1 to {MaxName} lower-case letters, digits, '-' and '.'"
                : $"'{name}' is not a name: 1 to {MaxName} printable ASCII characters without '/', '%', '\\' and spaces");
        }
        return name;
    }

    private static bool IsSubdomain(string text) => text.Length <= MaxName && text.Split('.').All(IsDnsPart);

    // A part of a subdomain may be longer than a label.
    private static bool IsDnsPart(string part) => part.Length > 0 && part[0] != '-' && part[^1] != '-'
        && part.All(c => char.IsAsciiLetterLower(c) || char.IsAsciiDigit(c) || c == '-');

    private static bool IsPathSegment(string text) => text.Length is > 0 and <= MaxName && text is not ("." or "..")
        && text.All(c => c is > ' ' and < '\x7f' and not ('/' or '%' or '\\'));
}
