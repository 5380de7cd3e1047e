using System.Text;
using System.Text.Json;
using Capillary.Fleet.Compile;

namespace Capillary.Cli;

/// <summary>A compiled site as named texts that people read and compare: objects as YAML, files as they are.</summary>
internal static class SiteText
{
    /// <summary>
    /// <c>app/kubernetes</c> (how the app is applied), <c>app/objects/KEY.yaml</c> and <c>app/files/path</c> to text, in apply order.
    /// </summary>
    /// <param name="site">The site.</param>
    /// <param name="except">Layers of apps that are left out.</param>
    public static IReadOnlyList<(string Name, string Text)> Of(CompiledSite site, IReadOnlySet<Core.Bundles.Digest>? except = null)
    {
        var texts = new List<(string, string)>();
        foreach (var app in site.Apps.Where(app => except?.Contains(app.Descriptor.Digest) != true))
        {
            var folder = app.Layer.Name.Value;
            if (app.Layer.Kubernetes is { } policy) texts.Add(($"{folder}/kubernetes", Yaml(Encoding.UTF8.GetBytes(policy))));
            foreach (var (key, bytes) in app.Layer.Objects.OrderBy(pair => pair.Key, StringComparer.Ordinal))
                texts.Add(($"{folder}/objects/{key}.yaml", Yaml(bytes)));
            foreach (var (path, bytes) in app.Layer.Files.OrderBy(pair => pair.Key, StringComparer.Ordinal))
                texts.Add(($"{folder}/files/{path}", FileText(bytes)));
        }
        if (site.Artifacts.Count > 0)
        {
            texts.Add(("artifacts", string.Concat(site.Artifacts.OrderBy(item => item.Path, StringComparer.Ordinal)
                .Select(item => $"{item.Path} {item.Descriptor.Digest} {item.Descriptor.Size}\n"))));
        }
        return texts;
    }

    /// <summary>An object's canonical JSON as YAML.</summary>
    public static string Yaml(ReadOnlyMemory<byte> json)
    {
        using var document = JsonDocument.Parse(json);
        var text = new StringBuilder();
        YamlText.Write(text, document.RootElement, 0);
        return text.ToString();
    }

    /// <summary>The text, or a line about the bytes when they are not text.</summary>
    public static string FileText(ReadOnlyMemory<byte> bytes) => IsText(bytes)
        ? Encoding.UTF8.GetString(bytes.Span)
        : $"({bytes.Length:N0} bytes, {Core.Bundles.Digest.Of(bytes.Span)})\n";

    public static bool IsText(ReadOnlyMemory<byte> bytes) =>
        System.Text.Unicode.Utf8.IsValid(bytes.Span) && !bytes.Span.ContainsAny((byte)0, (byte)0x1b);
}
