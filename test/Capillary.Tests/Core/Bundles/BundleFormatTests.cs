using System.Formats.Tar;
using System.Globalization;
using System.Text;
using Capillary.Core.Bundles;
using Capillary.Tests.Core.Identity;
using Xunit;

namespace Capillary.Tests.Core.Bundles;

/// <summary>Manifest and app layer: their bytes, and what a reader refuses.</summary>
public sealed class BundleFormatTests
{
    [Fact]
    public void Bundles_are_written_to_the_bit()
    {
        Golden.Check("manifest", TestBundles.Manifest.ToBytes());
        Golden.Check("manifest-empty", new BundleManifest([], []).ToBytes());
        Golden.Check("app-layer.tar", TestBundles.Gateway.ToBytes());
        Golden.Check("app-layer.hex", Dump(TestBundles.Gateway.ToBytes()));
        Golden.Check("app-layer-empty.tar", TestBundles.Empty.ToBytes());
    }

    [Fact]
    public void Bundles_read_back()
    {
        Assert.Equal(TestBundles.Manifest.ToBytes(), BundleManifest.Parse(TestBundles.Manifest.ToBytes()).ToBytes());
        foreach (var layer in (AppLayer[])[TestBundles.Gateway, TestBundles.Empty])
            Assert.Equal(layer.ToBytes(), AppLayer.Parse(layer.ToBytes()).ToBytes());
        Assert.Equal("{}"u8, BundleManifest.EmptyConfig.Content.Span);
        Assert.Equal(5, TestBundles.Manifest.Blobs.Count());
    }

    [Fact]
    public void Promise1_a_spoilt_manifest_has_another_name_and_is_read_in_order()
    {
        var genuine = TestBundles.Manifest.ToBytes();
        foreach (var spoilt in Tamper.Bytes(genuine).Concat(Tamper.Json(genuine)))
        {
            Assert.True(spoilt.Bytes.AsSpan().SequenceEqual(genuine) || Digest.Of(spoilt.Bytes) != Digest.Of(genuine), spoilt.How);
            if (Read(() => BundleManifest.Parse(spoilt.Bytes), spoilt.How) is not { } manifest) continue;
            // Whatever is read can be added up and written again.
            Assert.True(manifest.Blobs.Sum(blob => blob.Size) >= 0 && manifest.ToBytes().Length > 0, spoilt.How);
            Assert.True(manifest.Apps.Select(app => app.Title).Distinct().Count() == manifest.Apps.Count, spoilt.How);
        }
    }

    [Fact]
    public void Promise1_a_spoilt_app_layer_has_another_name_and_is_read_in_order()
    {
        var genuine = TestBundles.Gateway.ToBytes();
        foreach (var spoilt in Tamper.Bytes(genuine))
        {
            Assert.NotEqual(Digest.Of(genuine), Digest.Of(spoilt.Bytes));
            if (Read(() => AppLayer.Parse(spoilt.Bytes), spoilt.How) is { } layer) AssertPlain(layer, spoilt.How);
        }
    }

    /// <summary>With its checksum mended, a spoilt header reaches the reader's every corner.</summary>
    [Fact]
    public void A_spoilt_header_with_a_good_checksum_is_read_in_order()
    {
        var genuine = TestBundles.Gateway.ToBytes();
        for (var i = 0; i < 512; i++)
        {
            for (var value = 0; value < 256; value += 5)
            {
                var copy = (byte[])genuine.Clone();
                copy[i] = (byte)value;
                MendChecksum(copy);
                if (Read(() => AppLayer.Parse(copy), $"byte {i} = {value}") is { } layer) AssertPlain(layer, $"byte {i} = {value}");
            }
        }
    }

    [Theory]
    [InlineData("77777777777")]
    [InlineData("17777777777")]
    [InlineData("00000100000")]
    public void A_length_that_the_layer_does_not_have_is_refused_before_memory_is_taken(string octal)
    {
        var copy = TestBundles.Gateway.ToBytes();
        Encoding.ASCII.GetBytes(octal).CopyTo(copy, 124);
        MendChecksum(copy);
        var before = GC.GetAllocatedBytesForCurrentThread();
        Assert.Throws<BundleFormatException>(() => AppLayer.Parse(copy));
        Assert.InRange(GC.GetAllocatedBytesForCurrentThread() - before, 0, 1 << 20);
    }

    [Theory]
    [InlineData("files/../../etc/passwd")]
    [InlineData("files//a")]
    [InlineData("files/./a")]
    [InlineData("/etc/passwd")]
    [InlineData("files/a\\b")]
    [InlineData("other/a")]
    [InlineData("objects/.json")]
    public void A_path_that_is_not_plain_or_not_known_is_refused(string path)
    {
        Assert.Throws<BundleFormatException>(() => AppLayer.Parse(Tar(("app.json", Settings), (path, "x"))));
        if (!path.StartsWith("files/", StringComparison.Ordinal)) return;
        var layer = TestBundles.Empty with { Files = new Dictionary<string, ReadOnlyMemory<byte>> { [path[6..]] = TestBundles.Utf8("x") } };
        Assert.Throws<BundleFormatException>(() => layer.ToBytes());
    }

    private const string Settings = """{"v":1,"name":"viewer","healthDeadlineSeconds":60}""";

    [Fact]
    public void Names_that_stand_twice_or_out_of_order_are_refused()
    {
        Assert.Equal("viewer", AppLayer.Parse(Tar(("app.json", Settings), ("files/a", "x"))).Name.Value);
        Assert.Throws<BundleFormatException>(() => AppLayer.Parse(Tar(("app.json", Settings), ("app.json", Settings))));
        Assert.Throws<BundleFormatException>(() => AppLayer.Parse(Tar(("app.json", Settings), ("files/a", "x"), ("files/a", "y"))));
        Assert.Throws<BundleFormatException>(() => AppLayer.Parse(Tar(("files/a", "x"), ("app.json", Settings))));
    }

    [Theory]
    [InlineData("""{"v":2,"name":"viewer","healthDeadlineSeconds":60}""")]
    [InlineData("""{"v":1,"v":1,"name":"viewer","healthDeadlineSeconds":60}""")]
    [InlineData("""{"v":1,"name":"Viewer","healthDeadlineSeconds":60}""")]
    [InlineData("""{"v":1,"name":"viewer","healthDeadlineSeconds":0}""")]
    [InlineData("""{"v":1,"name":"viewer","healthDeadlineSeconds":86401}""")]
    [InlineData("""{"v":1,"name":"viewer"}""")]
    [InlineData("[]")]
    [InlineData("")]
    public void Settings_that_break_a_rule_are_refused(string settings) =>
        Assert.Throws<BundleFormatException>(() => AppLayer.Parse(Tar(("app.json", settings))));

    [Fact]
    public void A_path_that_USTAR_does_not_hold_is_named()
    {
        var layer = TestBundles.Empty with { Files = new Dictionary<string, ReadOnlyMemory<byte>> { [new string('x', 200)] = default } };
        Assert.Contains("too long", Assert.Throws<BundleFormatException>(() => layer.ToBytes()).Message, StringComparison.Ordinal);
        Assert.Throws<BundleFormatException>(() => (TestBundles.Empty with { HealthDeadlineSeconds = 0 }).ToBytes());
    }

    [Fact]
    public void A_manifest_with_doubled_or_unordered_layers_is_refused()
    {
        var manifest = TestBundles.Manifest;
        foreach (var wrong in (BundleManifest[])
            [
                manifest with { Apps = [manifest.Apps[0], manifest.Apps[0]] }, manifest with { Artifacts = [.. manifest.Artifacts.Reverse()] },
                manifest with { Artifacts = [manifest.Artifacts[0], manifest.Artifacts[0]] },
                manifest with { Apps = [manifest.Apps[0] with { Title = null }] }, manifest with { Apps = [manifest.Apps[0] with { Title = "A b" }] },
                manifest with { Artifacts = [manifest.Artifacts[0] with { Size = long.MaxValue }] },
                manifest with { Apps = [manifest.Apps[0] with { Size = AppLayer.MaxBytes + 1 }] },
                manifest with { Apps = [.. Enumerable.Repeat(manifest.Apps[0], BundleManifest.MaxLayers + 1)] },
            ])
            Assert.Throws<BundleFormatException>(() => BundleManifest.Parse(wrong.ToBytes()));
        Assert.Throws<BundleFormatException>(() => BundleManifest.Parse(new byte[BundleManifest.MaxBytes + 1]));
        Assert.Throws<BundleFormatException>(() => AppLayer.Parse(new byte[AppLayer.MaxBytes + 1]));
    }

    private static void AssertPlain(AppLayer layer, string how)
    {
        foreach (var path in layer.Files.Keys.Concat(layer.Objects.Keys))
            Assert.False(path.StartsWith('/') || path.Split('/').Contains(".."), $"{how}: {path}");
    }

    private static T? Read<T>(Func<T> read, string how) where T : class
    {
        try
        {
            return read();
        }
        catch (BundleFormatException)
        {
            return null;
        }
        catch (Exception e)
        {
            throw new InvalidOperationException($"{how}: {e.GetType().Name} instead of {nameof(BundleFormatException)}: {e.Message}", e);
        }
    }

    private static byte[] Tar(params (string Name, string Content)[] entries)
    {
        using var stream = new MemoryStream();
        using (var tar = new TarWriter(stream, TarEntryFormat.Ustar, leaveOpen: true))
        {
            foreach (var (name, content) in entries)
                tar.WriteEntry(new UstarTarEntry(TarEntryType.RegularFile, name) { DataStream = new MemoryStream(Encoding.UTF8.GetBytes(content)) });
        }
        return stream.ToArray();
    }

    private static void MendChecksum(byte[] tar)
    {
        tar.AsSpan(148, 8).Fill((byte)' ');
        var sum = tar.AsSpan(0, 512).ToArray().Sum(value => value);
        Encoding.ASCII.GetBytes(Convert.ToString(sum, 8).PadLeft(6, '0') + "\0 ").CopyTo(tar, 148);
    }

    /// <summary>As <c>hexdump -C</c>: offset, bytes, text; lines of zeros only are a star.</summary>
    private static string Dump(byte[] bytes)
    {
        var text = new StringBuilder();
        var zeros = false;
        for (var at = 0; at < bytes.Length; at += 16)
        {
            var row = bytes.AsSpan(at, Math.Min(16, bytes.Length - at));
            var blank = row.IndexOfAnyExcept((byte)0) < 0;
            if (blank && !zeros) text.Append("*\n");
            zeros = blank;
            if (blank) continue;
            text.Append(at.ToString("x8", CultureInfo.InvariantCulture));
            foreach (var value in row) text.Append(' ').Append(value.ToString("x2", CultureInfo.InvariantCulture));
            text.Append("  |").Append(string.Concat(row.ToArray().Select(value => value is >= 32 and < 127 ? (char)value : '.'))).Append("|\n");
        }
        return text.Append(bytes.Length.ToString("x8", CultureInfo.InvariantCulture)).Append('\n').ToString();
    }
}
