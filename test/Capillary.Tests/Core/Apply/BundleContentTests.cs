using Capillary.Core.Apply;
using Capillary.Core.Bundles;
using Xunit;

namespace Capillary.Tests.Core.Apply;

public sealed class BundleContentTests
{
    private readonly TestBundles bundles = new();

    [Fact]
    public void Objects_come_in_apply_order_with_digests_sizes_and_absolute_paths()
    {
        var artifact = new byte[10];
        var bundle = bundles.Bundle(
            [
                new TestApp("b", Deadline: 7).Service("s", "app", ["x"]).File("z", "z.txt", "zz").Rendered("y", "/opt/y", "y.j2", "y"),
                new TestApp("a").Artifact("m", "m.bin", Digest.Of(artifact)),
            ],
            [artifact]);
        var desired = Load(bundle).ToDesired("/srv/site/");
        Assert.Equal(["b", "a"], desired.Apps.Select(app => app.Name));
        Assert.Equal(7, desired.Apps[0].HealthDeadlineSeconds);
        Assert.Equal(["/opt/y", "/srv/site/z.txt"], desired.Apps[0].Files.Select(file => file.Path));
        Assert.Equal((Digest.Of("zz"u8), 2L), (desired.Apps[0].Files[1].Digest, desired.Apps[0].Files[1].Size));
        Assert.Equal((Digest.Of(artifact), 10L), (desired.Apps[1].Files[0].Digest, desired.Apps[1].Files[0].Size));
    }

    [Fact]
    public void A_service_starts_anew_for_its_own_apps_files_only()
    {
        DesiredObjects Of(string own, string other) => Load(bundles.Bundle(
            new TestApp("a").File("f", "f", own).Service("s", "app", ["x"]), new TestApp("b").File("g", "g", other))).ToDesired("/r");
        Digest Spec(DesiredObjects desired) => desired.Apps[0].Services[0].SpecDigest;
        Assert.Equal(Spec(Of("1", "1")), Spec(Of("1", "2")));
        Assert.NotEqual(Spec(Of("1", "1")), Spec(Of("2", "1")));
    }

    [Fact]
    public void A_missing_blob_is_named()
    {
        var bundle = bundles.Bundle(new TestApp("a").File("f", "f", "1"));
        var layer = BundleManifest.Parse(bundles.Get(bundle)!.Value).Apps[0].Digest;
        bundles.Blobs.Remove(layer);
        Assert.Equal(layer, Assert.IsType<BundleLoad.Missing>(BundleContent.Load(bundle, bundles.Get)).Blob);
    }

    [Fact]
    public void Promise8_bytes_that_break_a_rule_are_told_and_nothing_else_happens()
    {
        var missing = Digest.Of("nowhere"u8);
        Invalid(bundles.Bundle(new TestApp("a").Artifact("m", "m", missing)), "holds no artifact");
        Invalid(bundles.Bundle(new TestApp("a"), new TestApp("a")), "stands twice");
        Invalid(bundles.Bundle(new TestApp("a").File("f", "../x", "1")), "'..'");
        Invalid(bundles.Bundle(new TestApp("a").Service("s", "app", [])), "names no program");
        Invalid(bundles.Put("{}"u8.ToArray()), "manifest");
        var tampered = bundles.Bundle(new TestApp("a"));
        bundles.Blobs[tampered] = "{\"schemaVersion\":2}"u8.ToArray();
        Invalid(tampered, "another digest");
        var twice = Load(bundles.Bundle(new TestApp("a").File("f", "x", "1"), new TestApp("b").File("g", "/r/x", "2")));
        var error = Assert.Throws<BundleFormatException>(() => twice.ToDesired("/r"));
        Assert.Contains("a/f and by b/g", error.Message, StringComparison.Ordinal);
    }

    private void Invalid(Digest bundle, string reason)
    {
        var invalid = Assert.IsType<BundleLoad.Invalid>(BundleContent.Load(bundle, bundles.Get));
        Assert.Contains(reason, invalid.Reason, StringComparison.Ordinal);
    }

    private BundleContent Load(Digest bundle) => Assert.IsType<BundleLoad.Loaded>(BundleContent.Load(bundle, bundles.Get)).Content;
}
