using System.Security.Cryptography;
using System.Text;

namespace Capillary.Core.Apply.Kubernetes;

/// <summary>Which object of a cluster: group, version, kind, namespace and name.</summary>
/// <param name="Group">The API group; "" is the core group.</param>
/// <param name="Version">The API version it is written in; no part of the object's identity.</param>
/// <param name="Kind">Such as <c>Deployment</c>.</param>
/// <param name="Namespace">"" for an object without one, as far as the bundle can tell.</param>
/// <param name="Name">Its name.</param>
public sealed record ObjectRef(string Group, string Version, string Kind, string Namespace, string Name)
{
    /// <summary>As manifests write it: <c>apps/v1</c>, or <c>v1</c> for the core group.</summary>
    public string ApiVersion => Group.Length == 0 ? Version : $"{Group}/{Version}";

    /// <summary>The identity, without version: <c>apps/Deployment/lab/web</c>; unique within a cluster.</summary>
    public string Key => $"{Group}/{Kind}/{Namespace}/{Name}";

    /// <summary>
    /// Its key in an app layer (docs/bundle-format.md): <c>Deployment.apps/lab/web</c>, <c>ConfigMap/lab/settings</c>, or
    /// <c>Namespace/lab</c> where there is no namespace. Always with a <c>/</c>, which keys of host objects never have.
    /// </summary>
    public string LayerKey
    {
        get
        {
            var kind = Short(Group.Length == 0 ? Kind : $"{Kind}.{Group}", MaxKindPart);
            var name = Short(Name, MaxNamePart);
            return Namespace.Length == 0 ? $"{kind}/{name}" : $"{kind}/{Namespace}/{name}";
        }
    }

    /// <summary>What a person calls it: <c>Deployment lab/web</c>.</summary>
    public string Subject => Namespace.Length == 0 ? $"{Kind} {Name}" : $"{Kind} {Namespace}/{Name}";

    /// <summary>All five parts: <c>apps/v1/Deployment/lab/web</c>; the group is empty for the core group.</summary>
    public override string ToString() => $"{Group}/{Version}/{Kind}/{Namespace}/{Name}";

    /// <summary>Reads <see cref="ToString"/> back.</summary>
    /// <exception cref="FormatException">It has not five parts.</exception>
    public static ObjectRef Parse(string text) => text.Split('/') is [var group, var version, var kind, var space, var name]
        ? new ObjectRef(group, version, kind, space, name)
        : throw new FormatException($"'{text}' does not name an object of a cluster");

    // USTAR holds 155 characters of folders and 100 of a name: what is longer ends in a hash of the whole.
    private const int MaxKindPart = 80;
    private const int MaxNamePart = 90;
    private const int HashBytes = 5;

    private static string Short(string text, int most)
    {
        if (text.Length <= most) return text;
        var hash = SHA256.HashData(Encoding.UTF8.GetBytes(text));
        return $"{text[..(most - (2 * HashBytes) - 1)]}~{Convert.ToHexStringLower(hash.AsSpan(0, HashBytes))}";
    }
}
