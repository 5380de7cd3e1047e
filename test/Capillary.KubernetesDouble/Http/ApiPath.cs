namespace Capillary.KubernetesDouble.Http;

/// <summary>What a URL names.</summary>
/// <param name="Group">"" is the core group.</param>
/// <param name="Version">Such as <c>v1</c>.</param>
/// <param name="Space">Null when the URL names no namespace.</param>
/// <param name="Plural">The resource.</param>
/// <param name="Name">Null: the collection.</param>
/// <param name="Subresource">"" for the object itself.</param>
internal sealed record ApiPath(string Group, string Version, string? Space, string Plural, string? Name, string Subresource)
{
    /// <summary>Null when it is no path of a resource.</summary>
    public static ApiPath? Parse(string path)
    {
        var parts = path.Trim('/').Split('/').Select(Uri.UnescapeDataString).ToArray();
        return parts switch
        {
            ["api", var version, .. var rest] => Resource("", version, rest),
            ["apis", var group, var version, .. var rest] => Resource(group, version, rest),
            _ => null,
        };
    }

    private static ApiPath? Resource(string group, string version, string[] rest) => rest switch
    {
        ["namespaces", var name, "status" or "finalize"] when group.Length == 0 =>
            new ApiPath(group, version, null, "namespaces", name, rest[2]),
        ["namespaces", var space, var plural, .. var object_] => Object(group, version, space, plural, object_),
        [var plural, .. var object_] when plural.Length > 0 => Object(group, version, null, plural, object_),
        _ => null,
    };

    private static ApiPath? Object(string group, string version, string? space, string plural, string[] rest) => rest switch
    {
        [] => new ApiPath(group, version, space, plural, null, ""),
        [var name] => new ApiPath(group, version, space, plural, name, ""),
        [var name, var part] => new ApiPath(group, version, space, plural, name, part),
        _ => null,
    };
}
