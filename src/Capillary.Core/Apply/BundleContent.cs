using System.Collections.Immutable;
using System.Text;
using System.Text.Json;
using Capillary.Core.Apply.Kubernetes;
using Capillary.Core.Bundles;

namespace Capillary.Core.Apply;

/// <summary>A bundle read from its blobs: apps in order with their objects. Artifacts are only named, never held in memory.</summary>
/// <param name="Digest">The bundle.</param>
/// <param name="Apps">In apply order.</param>
/// <param name="Artifacts">Size of each artifact, by digest.</param>
public sealed record BundleContent(
    Digest Digest, ImmutableArray<AppContent> Apps, IReadOnlyDictionary<Digest, long> Artifacts)
{
    /// <summary>Reads and checks a bundle. Every blob's bytes are compared with its digest: nothing from outside is believed.</summary>
    /// <param name="bundle">The manifest's digest.</param>
    /// <param name="blob">The bytes of a blob, or null when it is not here. Called for the manifest and the app layers only.</param>
    public static BundleLoad Load(Digest bundle, Func<Digest, ReadOnlyMemory<byte>?> blob)
    {
        try
        {
            if (Verified(bundle, blob) is not { } bytes) return new BundleLoad.Missing(bundle);
            var manifest = BundleManifest.Parse(bytes);
            var artifacts = new Dictionary<Digest, long>();
            foreach (var artifact in manifest.Artifacts) artifacts[artifact.Digest] = artifact.Size;
            var apps = ImmutableArray.CreateBuilder<AppContent>(manifest.Apps.Count);
            var names = new HashSet<string>(StringComparer.Ordinal);
            foreach (var descriptor in manifest.Apps)
            {
                if (Verified(descriptor.Digest, blob) is not { } layer) return new BundleLoad.Missing(descriptor.Digest);
                var app = AppContent.Read(layer, artifacts);
                if (!names.Add(app.Name)) throw new BundleFormatException($"app '{app.Name}' stands twice in the bundle");
                apps.Add(app);
            }
            return new BundleLoad.Loaded(new BundleContent(bundle, apps.ToImmutable(), artifacts));
        }
        catch (BundleFormatException e)
        {
            return new BundleLoad.Invalid(e.Message);
        }
    }

    /// <summary>The objects without their bytes; relative paths are taken from <paramref name="root"/>.</summary>
    /// <exception cref="BundleFormatException">Two objects name one path, or one object of a cluster.</exception>
    public DesiredObjects ToDesired(string root)
    {
        var paths = new Dictionary<string, string>(StringComparer.Ordinal);
        var apps = ImmutableArray.CreateBuilder<DesiredApp>(Apps.Length);
        var objects = new Dictionary<string, string>(StringComparer.Ordinal);
        var order = 0;
        foreach (var app in Apps)
        {
            var files = ImmutableArray.CreateBuilder<DesiredFile>();
            foreach (var file in app.Files)
            {
                var path = Absolute(root, file.Path);
                if (!paths.TryAdd(path, $"{app.Name}/{file.Name}"))
                    throw new BundleFormatException($"'{path}' is named by {paths[path]} and by {app.Name}/{file.Name}");
                var (digest, size) = Measure(app, file);
                files.Add(new DesiredFile(app.Name, file.Name, path, file.Mode, file.Owner, digest, size, order++));
            }
            var done = files.ToImmutable();
            var services = ImmutableArray.CreateBuilder<DesiredService>();
            foreach (var (service, json) in app.Services)
                services.Add(new DesiredService(app.Name, service, json, SpecDigest(json, done), order++));
            apps.Add(new DesiredApp(app.Name, app.HealthDeadlineSeconds, done, services.ToImmutable())
            {
                Objects = app.Cluster.ToDesired(app.Name, objects, ref order),
            });
        }
        return new DesiredObjects(Digest, apps.ToImmutable());
    }

    /// <summary>A path of an object, made absolute.</summary>
    public static string Absolute(string root, string path) => path.StartsWith('/') ? path : $"{root.TrimEnd('/')}/{path}";

    private (Digest Digest, long Size) Measure(AppContent app, FileObject file)
    {
        if (file.Source is FileSource.Artifact artifact) return (artifact.Digest, Artifacts[artifact.Digest]);
        var bytes = app.Bytes(file)!.Value;
        return (Digest.Of(bytes.Span), bytes.Length);
    }

    private static Digest SpecDigest(string json, ImmutableArray<DesiredFile> files)
    {
        var text = new StringBuilder("capillary.service.v1\n").Append(json).Append('\n');
        foreach (var file in files)
        {
            text.Append(file.Path).Append('\0').Append(file.Digest.Text).Append('\0').Append(file.Mode).Append('\0');
            text.Append(file.Owner).Append('\n');
        }
        return Digest.Of(Encoding.UTF8.GetBytes(text.ToString()));
    }

    private static ReadOnlyMemory<byte>? Verified(Digest digest, Func<Digest, ReadOnlyMemory<byte>?> blob)
    {
        if (blob(digest) is not { } bytes) return null;
        return Digest.Of(bytes.Span) == digest ? bytes : throw new BundleFormatException($"the bytes of {digest} have another digest");
    }
}

/// <summary>One app of a <see cref="BundleContent"/>.</summary>
/// <param name="Name">The app.</param>
/// <param name="HealthDeadlineSeconds">From applied to healthy.</param>
/// <param name="Files">In ordinal order of name.</param>
/// <param name="Services">In ordinal order of name, each with the text it was read from.</param>
/// <param name="Rendered">The layer's plain files.</param>
public sealed record AppContent(
    string Name,
    int HealthDeadlineSeconds,
    ImmutableArray<FileObject> Files,
    ImmutableArray<(ServiceObject Object, string Json)> Services,
    IReadOnlyDictionary<string, ReadOnlyMemory<byte>> Rendered)
{
    /// <summary>The app's Kubernetes objects; none on a host.</summary>
    public ClusterContent Cluster { get; init; } = ClusterContent.Empty;

    /// <summary>The bytes of a file that is no artifact; null for an artifact.</summary>
    public ReadOnlyMemory<byte>? Bytes(FileObject file) => file.Source switch
    {
        FileSource.Inline inline => Encoding.UTF8.GetBytes(inline.Content),
        FileSource.Rendered rendered => Rendered[rendered.File],
        // The cast matters: a bare null would become an empty memory by way of byte[].
        _ => (ReadOnlyMemory<byte>?)null,
    };

    internal static AppContent Read(ReadOnlyMemory<byte> bytes, Dictionary<Digest, long> artifacts)
    {
        var layer = AppLayer.Parse(bytes);
        var files = ImmutableArray.CreateBuilder<FileObject>();
        var services = ImmutableArray.CreateBuilder<(ServiceObject, string)>();
        var cluster = new SortedDictionary<string, ReadOnlyMemory<byte>>(StringComparer.Ordinal);
        foreach (var (key, json) in layer.Objects.OrderBy(pair => pair.Key, StringComparer.Ordinal))
        {
            if (ClusterContent.Holds(json))
            {
                cluster.Add(key, json);
                continue;
            }
            var value = ReadObject(layer.Name.Value, key, json);
            if (value is ServiceObject service) services.Add((service, Encoding.UTF8.GetString(json.Span)));
            if (value is not FileObject file) continue;
            Check(layer, file, artifacts);
            files.Add(file);
        }
        return new AppContent(
            layer.Name.Value, layer.HealthDeadlineSeconds, files.ToImmutable(), services.ToImmutable(), layer.Files)
        {
            Cluster = ClusterContent.Read(layer.Name.Value, cluster, KubernetesPolicyJson.Read(layer.Kubernetes)),
        };
    }

    private static HostObject ReadObject(string app, string key, ReadOnlyMemory<byte> json)
    {
        var errors = new List<ObjectError>();
        try
        {
            using var document = JsonDocument.Parse(json);
            var value = HostObjectReader.Read(document.RootElement, errors);
            if (value is not null && $"{value.Kind}.{value.Name}" == key) return value;
            var problem = errors.Count > 0 ? $"{errors[0].Path}: {errors[0].Message}" : "the entry's name is not the object's";
            throw new BundleFormatException($"app '{app}', {key}: {problem}");
        }
        catch (JsonException e)
        {
            throw new BundleFormatException($"app '{app}', {key}: {e.Message}", e);
        }
    }

    private static void Check(AppLayer layer, FileObject file, Dictionary<Digest, long> artifacts)
    {
        var problem = file.Source switch
        {
            FileSource.Rendered rendered when !layer.Files.ContainsKey(rendered.File) => $"the layer holds no file '{rendered.File}'",
            FileSource.Artifact artifact when !artifacts.ContainsKey(artifact.Digest) => $"the bundle holds no artifact {artifact.Digest}",
            _ => null,
        };
        if (problem is not null) throw new BundleFormatException($"app '{layer.Name}', File.{file.Name}: {problem}");
    }
}

/// <summary>What came of reading a bundle.</summary>
public abstract record BundleLoad
{
    private BundleLoad() { }

    /// <summary>Every layer is here and holds.</summary>
    public sealed record Loaded(BundleContent Content) : BundleLoad;

    /// <summary>This blob is not here.</summary>
    public sealed record Missing(Digest Blob) : BundleLoad;

    /// <summary>The bytes break a rule; they will not get better.</summary>
    public sealed record Invalid(string Reason) : BundleLoad;
}
