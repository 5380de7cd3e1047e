using System.Text;
using Capillary.Core.Bundles;

namespace Capillary.Tests.Core.Bundles;

/// <summary>A bundle of two apps and two artifacts whose every byte is known.</summary>
internal static class TestBundles
{
    public static AppLayer Gateway { get; } = new(new("gateway"),
        new Dictionary<string, ReadOnlyMemory<byte>>
        {
            ["Service.gateway"] = Utf8("""{"apiVersion":"capillary.dev/v1","kind":"Service","metadata":{"name":"gateway"}}"""),
            ["File.settings"] = Utf8("""{"apiVersion":"capillary.dev/v1","kind":"File","metadata":{"name":"settings"}}"""),
        },
        new Dictionary<string, ReadOnlyMemory<byte>> { ["etc/gateway.toml"] = Utf8("port = 2575\n") }, 120);

    public static AppLayer Empty { get; } =
        new(new("viewer"), new Dictionary<string, ReadOnlyMemory<byte>>(), new Dictionary<string, ReadOnlyMemory<byte>>(), 60);

    public static BundleManifest Manifest { get; } = new(
        [Describe(Gateway), Describe(Empty)],
        [.. new[] { "gateway.bin", "model.onnx" }.Select(name => new Descriptor(MediaTypes.Artifact, Digest.Of(Utf8(name).Span), 1234, name))
            .OrderBy(item => item.Digest)]);

    public static ReadOnlyMemory<byte> Utf8(string text) => Encoding.UTF8.GetBytes(text);

    private static Descriptor Describe(AppLayer layer) =>
        new(MediaTypes.App, Digest.Of(layer.ToBytes()), layer.ToBytes().Length, layer.Name.Value);
}
