namespace Capillary.KubernetesDouble;

/// <summary>One request as the double understood it.</summary>
/// <param name="Verb">As RBAC names it: get, list, watch, create, update, patch, delete, deletecollection; "" for discovery and the
/// like.</param>
/// <param name="Group">API group; "" is the core group.</param>
/// <param name="Resource">Plural; "" for a request that names none.</param>
/// <param name="Namespace">"" when the URL names none.</param>
/// <param name="Name">"" when the URL names none.</param>
/// <param name="Subresource">"" for the object itself.</param>
/// <param name="Path">The URL's path and query.</param>
/// <param name="ContentType">Of the body; tells the kinds of patches apart.</param>
/// <param name="User">Who asked; "" when nobody known did.</param>
/// <param name="IsDryRun">It asked to keep nothing.</param>
public sealed record ApiCall(string Verb, string Group, string Resource, string Namespace, string Name, string Subresource, string Path,
    string ContentType, string User, bool IsDryRun)
{
    /// <summary>Whether it asked for a change of the cluster.</summary>
    public bool IsWrite => !IsDryRun && Verb is "create" or "update" or "patch" or "delete" or "deletecollection";

    /// <summary>Whether it is a server-side apply.</summary>
    public bool IsApply => ContentType.StartsWith("application/apply-patch", StringComparison.Ordinal);
}
