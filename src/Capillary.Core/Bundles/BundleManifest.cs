using System.Buffers;
using System.Text.Encodings.Web;
using System.Text.Json;
using Capillary.Core.Identity;

namespace Capillary.Core.Bundles;

/// <summary>
/// All that one site runs, as an OCI image manifest: one layer per app in apply order, then one per distinct artifact.
/// The bytes are written here and nowhere else, so that the same content has the same digest on every machine (docs/bundle-format.md).
/// </summary>
/// <param name="Apps">One descriptor per app, in apply order; <see cref="Descriptor.Title"/> is the app's name.</param>
/// <param name="Artifacts">One descriptor per distinct artifact, in ordinal order of digest.</param>
public sealed record BundleManifest(IReadOnlyList<Descriptor> Apps, IReadOnlyList<Descriptor> Artifacts)
{
    /// <summary>The most layers in one bundle.</summary>
    public const int MaxLayers = 4096;

    /// <summary>The longest manifest, in bytes.</summary>
    public const int MaxBytes = 4 << 20;

    /// <summary>The longest artifact, in bytes: 1 TiB. So the sizes of all layers add up without overflow.</summary>
    public const long MaxArtifactBytes = 1L << 40;

    /// <summary>The annotation that carries an app's or artifact's name.</summary>
    public const string TitleAnnotation = "org.opencontainers.image.title";

    // Media types hold a '+', which the default encoder would write as \u002B for the sake of HTML.
    private static readonly JsonWriterOptions Plain = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    /// <summary>The config blob of every bundle: <c>{}</c> (OCI image spec, "guidance for an empty descriptor").</summary>
    public static Blob EmptyConfig { get; } = Blob.Of("{}"u8.ToArray());

    /// <summary>Every blob the bundle needs beside its manifest: config, apps, artifacts.</summary>
    public IEnumerable<Descriptor> Blobs => Apps.Concat(Artifacts).Prepend(new(MediaTypes.Empty, EmptyConfig.Digest, 2));

    /// <summary>The canonical bytes: UTF-8 JSON, no white space, members in the order of the OCI spec.</summary>
    public byte[] ToBytes()
    {
        var buffer = new ArrayBufferWriter<byte>(1024);
        using (var json = new Utf8JsonWriter(buffer, Plain))
        {
            json.WriteStartObject();
            json.WriteNumber("schemaVersion", 2);
            json.WriteString("mediaType", MediaTypes.Manifest);
            json.WriteString("artifactType", MediaTypes.Bundle);
            json.WritePropertyName("config");
            Write(json, new(MediaTypes.Empty, EmptyConfig.Digest, 2));
            json.WriteStartArray("layers");
            foreach (var app in Apps) Write(json, app);
            foreach (var artifact in Artifacts) Write(json, artifact);
            json.WriteEndArray();
            json.WriteEndObject();
        }
        return buffer.WrittenSpan.ToArray();
    }

    /// <exception cref="BundleFormatException">The bytes are not a bundle's manifest.</exception>
    public static BundleManifest Parse(ReadOnlyMemory<byte> bytes)
    {
        if (bytes.Length > MaxBytes) throw new BundleFormatException($"manifest: {bytes.Length} bytes, at most {MaxBytes}");
        try
        {
            using var document = JsonDocument.Parse(bytes, new JsonDocumentOptions { AllowDuplicateProperties = false });
            return Read(document.RootElement);
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException or KeyNotFoundException or FormatException)
        {
            throw new BundleFormatException($"manifest: {e.Message}", e);
        }
    }

    private static BundleManifest Read(JsonElement root)
    {
        if (root.GetProperty("schemaVersion").GetInt32() != 2) throw new BundleFormatException("manifest: schemaVersion is not 2");
        if (root.GetProperty("mediaType").GetString() != MediaTypes.Manifest)
            throw new BundleFormatException($"manifest: mediaType is not {MediaTypes.Manifest}");
        if (root.GetProperty("artifactType").GetString() != MediaTypes.Bundle)
            throw new BundleFormatException($"manifest: artifactType is not {MediaTypes.Bundle}");
        var layers = root.GetProperty("layers");
        if (layers.GetArrayLength() > MaxLayers) throw new BundleFormatException($"manifest: more than {MaxLayers} layers");
        var apps = new List<Descriptor>();
        var artifacts = new List<Descriptor>();
        foreach (var layer in layers.EnumerateArray())
        {
            var descriptor = ReadDescriptor(layer);
            var into = descriptor.MediaType switch
            {
                MediaTypes.App => apps,
                MediaTypes.Artifact => artifacts,
                var other => throw new BundleFormatException($"manifest: layer of unknown media type '{other}'"),
            };
            into.Add(descriptor);
        }
        RequireOrder(apps, artifacts);
        return new BundleManifest(apps, artifacts);
    }

    private static void RequireOrder(List<Descriptor> apps, List<Descriptor> artifacts)
    {
        var names = new HashSet<string>(StringComparer.Ordinal);
        foreach (var app in apps)
        {
            if (!DnsLabel.IsValid(app.Title) || !names.Add(app.Title))
                throw new BundleFormatException($"manifest: app '{app.Title}' is no name or stands twice");
        }
        for (var i = 1; i < artifacts.Count; i++)
        {
            if (artifacts[i - 1].Digest >= artifacts[i].Digest)
                throw new BundleFormatException($"manifest: artifact {artifacts[i].Digest} is out of order or stands twice");
        }
    }

    private static Descriptor ReadDescriptor(JsonElement layer)
    {
        var size = layer.GetProperty("size").GetInt64();
        var mediaType = layer.GetProperty("mediaType").GetString() ?? "";
        var most = mediaType == MediaTypes.App ? AppLayer.MaxBytes : MaxArtifactBytes;
        if (size < 0 || size > most) throw new BundleFormatException($"manifest: a layer of {size} bytes, expected 0 to {most}");
        string? title = null;
        if (layer.TryGetProperty("annotations", out var annotations) && annotations.TryGetProperty(TitleAnnotation, out var value))
            title = value.GetString();
        return new(mediaType, Digest.Parse(layer.GetProperty("digest").GetString()!), size, title);
    }

    private static void Write(Utf8JsonWriter json, Descriptor descriptor)
    {
        json.WriteStartObject();
        json.WriteString("mediaType", descriptor.MediaType);
        json.WriteString("digest", descriptor.Digest.Text);
        json.WriteNumber("size", descriptor.Size);
        if (descriptor.Title is not null)
        {
            json.WriteStartObject("annotations");
            json.WriteString(TitleAnnotation, descriptor.Title);
            json.WriteEndObject();
        }
        json.WriteEndObject();
    }
}
