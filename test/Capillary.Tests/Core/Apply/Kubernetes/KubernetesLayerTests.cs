using System.Text.Json;
using Capillary.Core.Apply.Kubernetes;
using Capillary.Core.Bundles;
using Capillary.Core.Identity;
using Xunit;

namespace Capillary.Tests.Core.Apply.Kubernetes;

/// <summary>What of Kubernetes stands in an app layer: the keys of its objects, and the app's policy.</summary>
public sealed class KubernetesLayerTests
{
    private static readonly KubernetesPolicy Full = new("lab", ConflictPolicy.Leave,
        [new("apps", "Deployment", "web", "lab", ["/spec/replicas", "/a~1b"]), new("", "ConfigMap", null, null, ["/data"])],
        [
            new("", "Pod", [new(".status.phase", HealthOperator.In, "Running,Succeeded")], [], [], null),
            new("e.com", "Valve", [new(".a[?(@.b=='c')].d", HealthOperator.Equals, "True")], [new(".a", HealthOperator.Missing, "")],
                [new(".n", HealthOperator.Less, "3")], ".why"),
        ]);

    private static readonly AppLayer Empty = new(new AppName("a"), new Dictionary<string, ReadOnlyMemory<byte>>(),
        new Dictionary<string, ReadOnlyMemory<byte>>(), 60);

    [Theory]
    [InlineData("apps", "Deployment", "lab", "web", "Deployment.apps/lab/web")]
    [InlineData("", "ConfigMap", "lab", "web", "ConfigMap/lab/web")]
    [InlineData("", "Namespace", "", "lab", "Namespace/lab")]
    [InlineData("rbac.authorization.k8s.io", "Role", "lab", "system:x", "Role.rbac.authorization.k8s.io/lab/system:x")]
    public void A_key_holds_all_that_makes_an_object(string group, string kind, string space, string name, string key) =>
        Assert.Equal(key, new ObjectRef(group, "v1", kind, space, name).LayerKey);

    [Fact]
    public void The_longest_object_fits_in_the_archive()
    {
        var longest = new ObjectRef(new string('g', 253), "v1", new string('K', 63), new string('n', 63), new string('x', 253));
        var other = longest with { Name = new string('x', 252) + "y" };
        Assert.NotEqual(longest.LayerKey, other.LayerKey);
        Assert.NotEqual(longest.LayerKey, (longest with { Group = new string('g', 252) + "h" }).LayerKey);
        var fits = new ObjectRef("g", "v1", new string('K', 63), new string('n', 63), new string('x', 90));
        Assert.EndsWith("/" + fits.Name, fits.LayerKey, StringComparison.Ordinal);
        ReadOnlyMemory<byte> json = "{}"u8.ToArray();
        var layer = new AppLayer(new AppName("a"), new[] { longest, other, fits }.ToDictionary(item => item.LayerKey, _ => json),
            new Dictionary<string, ReadOnlyMemory<byte>>(), 60);
        Assert.Equal(layer.Objects.Keys.Order(), AppLayer.Parse(layer.ToBytes()).Objects.Keys.Order());
    }

    [Fact]
    public void A_policy_comes_back_from_a_layer()
    {
        var layer = Empty with { Kubernetes = KubernetesPolicyJson.Write(Full) };
        var text = AppLayer.Parse(layer.ToBytes()).Kubernetes;
        Assert.Equal(layer.Kubernetes, text);
        var read = KubernetesPolicyJson.Read(text);
        Assert.Equal((Full.Namespace, Full.Conflicts), (read.Namespace, read.Conflicts));
        Assert.Equal(2, read.IgnoreDifferences.Length);
        Assert.Equal(Full.IgnoreDifferences[0].JsonPointers.AsEnumerable(), read.IgnoreDifferences[0].JsonPointers);
        Assert.Equal(Full.HealthRules[1].Suspended.AsEnumerable(), read.HealthRules[1].Suspended);
        Assert.Equal(text, KubernetesPolicyJson.Write(read));
    }

    [Fact]
    public void The_default_policy_costs_no_bytes()
    {
        Assert.Null(KubernetesPolicyJson.Write(KubernetesPolicy.Default));
        Assert.Same(KubernetesPolicy.Default, KubernetesPolicyJson.Read(null));
    }

    [Theory]
    [InlineData("""{"namespace":"A"}""", "namespace 'A'")]
    [InlineData("""{"namespace":null}""", "namespace is null")]
    [InlineData("""{"namespace":"a","namespace":"b"}""", "duplicate")]
    [InlineData("""{"conflicts":"Leave"}""", "conflicts 'Leave'")]
    [InlineData("""{"ignoreDifferences":{}}""", "requires an element of type")]
    [InlineData("""{"ignoreDifferences":[{"kind":"K","jsonPointers":["/a"]}]}""", "group is missing")]
    [InlineData("""{"ignoreDifferences":[{"group":"","kind":"K","jsonPointers":[]}]}""", "without jsonPointers")]
    [InlineData("""{"ignoreDifferences":[{"group":"","kind":"K","jsonPointers":["a"]}]}""", "'a': a JSON pointer begins with '/'")]
    [InlineData("""{"ignoreDifferences":[{"group":"","kind":"K","jsonPointers":["/a~2"]}]}""", "'~' is written ~0")]
    [InlineData("""{"ignoreDifferences":[{"group":"A","kind":"K","jsonPointers":["/a"]}]}""", "'A' is not an API group")]
    [InlineData("""{"healthRules":[{"group":"","kind":"K"}]}""", "names no healthy state")]
    [InlineData("""{"healthRules":[{"group":"","kind":"K","healthy":[{"path":"a","operator":"exists"}]}]}""", "'a' is not a path")]
    [InlineData("""{"healthRules":[{"group":"","kind":"K","healthy":[{"path":".a","operator":"Exists"}]}]}""", "operator 'Exists'")]
    [InlineData("""{"healthRules":[{"group":"","kind":"K","healthy":[{"path":".a","operator":"less","value":"x"}]}]}""",
        "'x' is not a number")]
    [InlineData("""{"healthRules":[{"group":"","kind":"K","healthy":[{"path":".a","operator":"exists"}],"messagePath":"x"}]}""",
        "'x' is not a path")]
    [InlineData("[]", "requires an element of type")]
    public void A_policy_that_breaks_a_rule_is_refused(string json, string problem)
    {
        var e = Assert.Throws<BundleFormatException>(() => KubernetesPolicyJson.Read(json));
        Assert.Contains(problem, e.Message, StringComparison.OrdinalIgnoreCase);
    }

    [Fact]
    public void A_policy_has_limits()
    {
        static string Differences(int count) => JsonSerializer.Serialize(new
        {
            ignoreDifferences = Enumerable.Repeat(new { group = "", kind = "K", jsonPointers = new[] { "/a" } }, count),
        });
        Assert.Equal(256, KubernetesPolicyJson.Read(Differences(256)).IgnoreDifferences.Length);
        Assert.Throws<BundleFormatException>(() => KubernetesPolicyJson.Read(Differences(257)));
        Assert.Throws<BundleFormatException>(() => KubernetesPolicyJson.Read($$"""{"namespace":"{{new string('a', 600)}}"}"""));
    }

    [Fact]
    public void A_layer_whose_policy_is_no_object_is_refused()
    {
        var bytes = (Empty with { Kubernetes = "[]" }).ToBytes();
        Assert.Throws<BundleFormatException>(() => AppLayer.Parse(bytes));
    }
}
