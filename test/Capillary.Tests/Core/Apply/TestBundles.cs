using System.Text;
using System.Text.Json;
using Capillary.Core.Apply.Kubernetes;
using Capillary.Core.Bundles;
using Capillary.Core.Identity;

namespace Capillary.Tests.Core.Apply;

/// <summary>Blobs of bundles for tests: kept in memory, and in a folder when a host is to read them.</summary>
internal sealed class TestBundles(string? folder = null)
{
    public Dictionary<Digest, ReadOnlyMemory<byte>> Blobs { get; } = [];

    public ReadOnlyMemory<byte>? Get(Digest digest) => Blobs.TryGetValue(digest, out var bytes) ? bytes : (ReadOnlyMemory<byte>?)null;

    public string? PathOf(Digest digest) => File.Exists(FileOf(digest)) ? FileOf(digest) : null;

    public string FileOf(Digest digest) => System.IO.Path.Combine(folder!, digest.Hex);

    public Digest Put(ReadOnlyMemory<byte> bytes)
    {
        var blob = Blob.Of(bytes);
        Blobs[blob.Digest] = bytes;
        if (folder is not null) File.WriteAllBytes(FileOf(blob.Digest), bytes.ToArray());
        return blob.Digest;
    }

    public Digest Bundle(params TestApp[] apps) => Bundle(apps, []);

    public Digest Bundle(TestApp[] apps, ReadOnlyMemory<byte>[] artifacts)
    {
        var layers = apps.Select(app => app.Layer().ToBytes()).ToArray();
        var manifest = new BundleManifest(
            [.. apps.Zip(layers, (app, bytes) => new Descriptor(MediaTypes.App, Put(bytes), bytes.Length, app.Name))],
            [.. artifacts.Select(bytes => new Descriptor(MediaTypes.Artifact, Put(bytes), bytes.Length, "artifact"))]);
        return Put(manifest.ToBytes());
    }
}

/// <summary>One app of a test's bundle.</summary>
internal sealed record TestApp(string Name, int Deadline = 60)
{
    private readonly SortedDictionary<string, ReadOnlyMemory<byte>> objects = new(StringComparer.Ordinal);
    private readonly SortedDictionary<string, ReadOnlyMemory<byte>> files = new(StringComparer.Ordinal);

    /// <summary>How the app is applied to a cluster; null: as usual.</summary>
    public KubernetesPolicy? Policy { get; init; }

    public AppLayer Layer() => new(new AppName(Name), objects, files, Deadline)
    {
        Kubernetes = Policy is null ? null : KubernetesPolicyJson.Write(Policy),
    };

    public TestApp File(string name, string path, string content, string? mode = null, string? owner = null) =>
        Add("File", name, new Dictionary<string, object?> { ["path"] = path, ["content"] = content, ["mode"] = mode, ["owner"] = owner });

    public TestApp Rendered(string name, string path, string file, string content)
    {
        files[file] = Encoding.UTF8.GetBytes(content);
        return Add("File", name, new() { ["path"] = path, ["contentFrom"] = new Dictionary<string, object?> { ["file"] = file } });
    }

    public TestApp Artifact(string name, string path, Digest digest) => Add("File", name, new()
    {
        ["path"] = path,
        ["contentFrom"] = new Dictionary<string, object?> { ["artifact"] = digest.Text },
    });

    public TestApp Service(string name, string user, string[] command, Dictionary<string, object?>? more = null)
    {
        var spec = new Dictionary<string, object?> { ["user"] = user, ["command"] = command };
        foreach (var (key, value) in more ?? []) spec[key] = value;
        return Add("Service", name, spec);
    }

    /// <summary>A Kubernetes object, as JSON.</summary>
    public TestApp Object(string json)
    {
        objects[$"Kubernetes.{objects.Count:d4}"] = Encoding.UTF8.GetBytes(json);
        return this;
    }

    private TestApp Add(string kind, string name, Dictionary<string, object?> spec)
    {
        var document = new Dictionary<string, object?>
        {
            ["apiVersion"] = "capillary.dev/v1",
            ["kind"] = kind,
            ["metadata"] = new Dictionary<string, object?> { ["name"] = name },
            ["spec"] = spec.Where(pair => pair.Value is not null).ToDictionary(pair => pair.Key, pair => pair.Value),
        };
        objects[$"{kind}.{name}"] = JsonSerializer.SerializeToUtf8Bytes(document);
        return this;
    }
}
