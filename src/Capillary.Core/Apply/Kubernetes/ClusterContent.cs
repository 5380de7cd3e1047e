using System.Collections.Immutable;
using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using Capillary.Core.Bundles;

namespace Capillary.Core.Apply.Kubernetes;

/// <summary>The Kubernetes objects of one app in a bundle, with the bytes they were read from.</summary>
/// <param name="Policy">How the app is applied.</param>
/// <param name="Objects">In ordinal order of their entries' names.</param>
public sealed record ClusterContent(KubernetesPolicy Policy,
    ImmutableArray<(KubernetesManifest Manifest, ReadOnlyMemory<byte> Json)> Objects)
{
    /// <summary>No objects.</summary>
    public static ClusterContent Empty { get; } = new(KubernetesPolicy.Default, []);

    /// <summary>The bytes of one object, as the bundle has them.</summary>
    /// <exception cref="KeyNotFoundException">The app has no such object.</exception>
    public ReadOnlyMemory<byte> JsonOf(ObjectRef wanted)
    {
        foreach (var (manifest, json) in Objects)
        {
            if (manifest.Ref == wanted) return json;
        }
        throw new KeyNotFoundException($"the app has no {wanted.Subject}");
    }

    /// <summary>Whether a layer's object is one of a cluster: any that is not of <c>capillary.dev</c>.</summary>
    internal static bool Holds(ReadOnlyMemory<byte> json)
    {
        try
        {
            using var document = JsonDocument.Parse(json);
            return document.RootElement.ValueKind == JsonValueKind.Object
                && document.RootElement.TryGetProperty("apiVersion", out var version) && version.ValueKind == JsonValueKind.String
                && version.GetString() != HostObjectReader.ApiVersion;
        }
        catch (JsonException)
        {
            return false; // the reader of host objects says what is wrong
        }
    }

    /// <exception cref="BundleFormatException">An object breaks a rule.</exception>
    internal static ClusterContent Read(string app, SortedDictionary<string, ReadOnlyMemory<byte>> objects, KubernetesPolicy policy)
    {
        if (objects.Count == 0) return Empty;
        var read = ImmutableArray.CreateBuilder<(KubernetesManifest, ReadOnlyMemory<byte>)>(objects.Count);
        foreach (var (key, json) in objects)
        {
            var errors = new List<ObjectError>();
            using var document = JsonDocument.Parse(json);
            var manifest = KubernetesManifestReader.Read(document.RootElement, policy.Namespace, errors)
                ?? throw new BundleFormatException($"app '{app}', {key}: {errors[0].Path}: {errors[0].Message}");
            read.Add((manifest, json));
        }
        return new ClusterContent(policy, read.ToImmutable());
    }

    /// <summary>The objects without their bytes.</summary>
    /// <exception cref="BundleFormatException">Another app names one of them.</exception>
    internal ImmutableArray<DesiredObject> ToDesired(string app, Dictionary<string, string> taken, ref int place)
    {
        if (Objects.IsEmpty) return [];
        var digests = Objects.Select(item => DigestOf(item.Manifest.Ref, item.Json)).ToList();
        // A hook runs anew when anything of its app changed.
        var whole = Digest.Of(Encoding.UTF8.GetBytes(string.Join('\n', digests.Select(digest => digest.Text))));
        var made = ImmutableArray.CreateBuilder<DesiredObject>(Objects.Length);
        for (var i = 0; i < Objects.Length; i++)
        {
            var manifest = Objects[i].Manifest;
            if (!taken.TryAdd(manifest.Ref.Key, app))
                throw new BundleFormatException($"{manifest.Ref.Subject} is named by {taken[manifest.Ref.Key]} and by {app}");
            made.Add(new DesiredObject(app, manifest, manifest.IsHook ? whole : digests[i], place++));
        }
        return [.. made.OrderBy(value => value.Key, StringComparer.Ordinal)];
    }

    /// <summary>Of all that decides what is sent for an object: its bytes, where it goes, and the app's word about fields of
    /// others.</summary>
    private Digest DigestOf(ObjectRef of, ReadOnlyMemory<byte> json)
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        hash.AppendData(Encoding.UTF8.GetBytes($"capillary.object.v1\n{of}\n{Policy.Conflicts}\n"));
        foreach (var pointer in Policy.IgnoredFor(of))
            hash.AppendData(Encoding.UTF8.GetBytes(string.Create(CultureInfo.InvariantCulture, $"{pointer.Length}:{pointer}\n")));
        hash.AppendData(json.Span);
        return Digest.FromHash(hash.GetHashAndReset());
    }
}
