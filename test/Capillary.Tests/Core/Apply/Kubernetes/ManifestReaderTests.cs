using System.Text;
using System.Text.Json;
using Capillary.Core.Apply;
using Capillary.Core.Apply.Kubernetes;
using Xunit;

namespace Capillary.Tests.Core.Apply.Kubernetes;

public sealed class ManifestReaderTests
{
    [Theory]
    [InlineData("apps/v1", "Deployment", "", "apps/Deployment/lab/x")]
    [InlineData("apps/v1", "Deployment", ",\"namespace\":\"other\"", "apps/Deployment/other/x")]
    [InlineData("apps/v1", "Deployment", ",\"namespace\":\"\"", "apps/Deployment/lab/x")]
    [InlineData("v1", "ConfigMap", ",\"namespace\":null,\"labels\":null,\"annotations\":null", "/ConfigMap/lab/x")]
    [InlineData("v1", "Namespace", "", "/Namespace//x")]
    [InlineData("rbac.authorization.k8s.io/v1", "ClusterRole", ",\"namespace\":\"other\"", "rbac.authorization.k8s.io/ClusterRole//x")]
    [InlineData("storage.k8s.io/v1", "VolumeAttachment", "", "storage.k8s.io/VolumeAttachment//x")]
    [InlineData("example.com/v1alpha1", "Namespace", "", "example.com/Namespace/lab/x")]
    [InlineData("example.com/v1alpha1", "PlayList", "", "example.com/PlayList/lab/x")]
    public void It_knows_which_object_is_meant(string version, string kind, string more, string key)
    {
        var manifest = Good($$$"""
            {"apiVersion":"{{{version}}}","kind":"{{{kind}}}","metadata":{"name":"x"{{{more}}}},"status":{"phase":"Bound"}}
            """);
        Assert.Equal(key, manifest.Ref.Key);
        Assert.Equal(version, manifest.Ref.ApiVersion);
        Assert.Equal((0, HookPhases.None, ManifestOptions.None), (manifest.Order, manifest.Hook, manifest.Options));
    }

    [Theory]
    [InlineData("{}", "$.apiVersion: is required|$.kind: is required")]
    [InlineData("[]", "$: expected an object")]
    [InlineData("""{"apiVersion":"a/b/c","kind":"K","metadata":{"name":"x"}}""", "$.apiVersion: 'a/b/c' is not an API version")]
    [InlineData("""{"apiVersion":"/v1","kind":"K","metadata":{"name":"x"}}""", "$.apiVersion: '/v1' is not an API version")]
    [InlineData("""{"apiVersion":"v1","kind":"K/L","metadata":{"name":"x"}}""", "$.kind: 'K/L' is not a kind")]
    [InlineData("""{"apiVersion":"v1","kind":"List","items":[]}""", "$.kind: a List is not applied: write its items as documents")]
    [InlineData("""{"apiVersion":"v1","kind":"SecretList","items":[]}""", "$.kind: a SecretList is not applied")]
    [InlineData("""{"apiVersion":"capillary.dev/v1","kind":"File","metadata":{"name":"x"}}""",
        "$.kind: 'File' of capillary.dev is for host sites")]
    [InlineData("""{"apiVersion":"v1","kind":"Pod"}""", "$.metadata: is required")]
    [InlineData("""{"apiVersion":"v1","kind":"Pod","metadata":{}}""", "$.metadata.name: is required")]
    [InlineData("""{"apiVersion":"v1","kind":"Pod","metadata":{"name":7}}""", "$.metadata.name: expected a string, found the number 7")]
    [InlineData("""{"apiVersion":"v1","kind":"Pod","metadata":{"name":"A_b"}}""", "$.metadata.name: 'A_b' is not a name")]
    [InlineData("""{"apiVersion":"v1","kind":"Pod","metadata":{"name":"a:b"}}""", "$.metadata.name: 'a:b' is not a name")]
    [InlineData("""{"apiVersion":"e.com/v1","kind":"E","metadata":{"name":".."}}""", "$.metadata.name: '..' is not a name")]
    [InlineData("""{"apiVersion":"e.com/v1","kind":"E","metadata":{"name":"a/b"}}""", "$.metadata.name: 'a/b' is not a name")]
    [InlineData("""{"apiVersion":"v1","kind":"Pod","metadata":{"name":"x","namespace":"a.b"}}""",
        "$.metadata.namespace: 'a.b' is not the name")]
    [InlineData("""{"apiVersion":"v1","kind":"Pod","metadata":{"name":"x","labels":{"a":true}}}""",
        "$.metadata.labels.a: expected a string, found the boolean true")]
    [InlineData("""{"apiVersion":"v1","kind":"Pod","metadata":{"name":"x","annotations":{"a":1}}}""",
        "$.metadata.annotations.a: expected a string, found the number 1")]
    [InlineData("""{"apiVersion":"v1","kind":"Pod","metadata":{"name":"x","annotations":[]}}""",
        "$.metadata.annotations: expected an object, found a list")]
    [InlineData("""{"apiVersion":"v1","kind":"Pod","metadata":{"generateName":"x-"}}""", "$.metadata.generateName: is for hooks only")]
    [InlineData("""{"apiVersion":"v1","kind":"Pod","metadata":{"name":"x","uid":"1","resourceVersion":"2","managedFields":[]}}""",
        "$.metadata.managedFields: is set by the API server: remove metadata.managedFields|$.metadata.resourceVersion|$.metadata.uid")]
    public void What_is_wrong_is_said_with_its_place(string json, string expected)
    {
        var errors = new List<ObjectError>();
        Assert.Null(Read(json, errors));
        var said = errors.ConvertAll(error => $"{error.Path}: {error.Message}");
        Assert.Equal(expected.Split('|').Length, said.Count);
        foreach (var (text, begin) in said.Zip(expected.Split('|'))) Assert.StartsWith(begin, text, StringComparison.Ordinal);
    }

    [Fact]
    public void Roles_may_have_colons()
    {
        var manifest = Good("""{"apiVersion":"rbac.authorization.k8s.io/v1","kind":"Role","metadata":{"name":"system:lab:Reader"}}""");
        Assert.Equal("system:lab:Reader", manifest.Ref.Name);
    }

    [Fact]
    public void A_generated_name_is_the_same_for_the_same_bytes()
    {
        static string Json(string image) => $$$$"""
            {"apiVersion":"batch/v1","kind":"Job","spec":"{{{{image}}}}",
             "metadata":{"annotations":{"argocd.argoproj.io/hook":"PreSync"},"generateName":"migrate-"}}
            """.Trim();
        var (one, again, other) = (Good(Json("a")).Ref.Name, Good(Json("a")).Ref.Name, Good(Json("b")).Ref.Name);
        Assert.Matches("^migrate-[0-9a-f]{10}$", one);
        Assert.Equal(one, again);
        Assert.NotEqual(one, other);
    }

    [Theory]
    [InlineData("capillary.dev/apply-order=-5", -5)]
    [InlineData("argocd.argoproj.io/sync-wave=7", 7)]
    [InlineData("argocd.argoproj.io/sync-wave=100000", 100000)]
    [InlineData("argocd.argoproj.io/sync-wave=x;capillary.dev/apply-order=3", 3)]
    public void Orders(string annotations, int order) => Assert.Equal(order, Annotated(annotations).Order);

    [Theory]
    [InlineData("capillary.dev/hook=pre", HookPhases.Pre)]
    [InlineData("capillary.dev/hook=pre, post", HookPhases.Pre | HookPhases.Post)]
    [InlineData("capillary.dev/hook=during,on-failure", HookPhases.During | HookPhases.Failure)]
    [InlineData("capillary.dev/hook=never,pre", HookPhases.Never)]
    [InlineData("argocd.argoproj.io/hook=PreSync,PostSync", HookPhases.Pre | HookPhases.Post)]
    [InlineData("argocd.argoproj.io/hook=Sync", HookPhases.During)]
    [InlineData("argocd.argoproj.io/hook=SyncFail", HookPhases.Failure)]
    [InlineData("argocd.argoproj.io/hook=Skip", HookPhases.Never)]
    [InlineData("argocd.argoproj.io/hook=PreDelete", HookPhases.Never)]
    [InlineData("argocd.argoproj.io/hook=PostDelete,PostSync", HookPhases.Post)]
    [InlineData("argocd.argoproj.io/hook=Skip;capillary.dev/hook=post", HookPhases.Post)]
    public void Hooks(string annotations, HookPhases phases)
    {
        var manifest = Annotated(annotations);
        Assert.Equal(phases, manifest.Hook);
        Assert.True(manifest.IsHook);
        Assert.Equal(HookDeletion.BeforeCreation, manifest.Deletion);
    }

    [Theory]
    [InlineData("capillary.dev/hook-delete-policy=succeeded", HookDeletion.Succeeded)]
    [InlineData("capillary.dev/hook-delete-policy=before-creation,failed", HookDeletion.BeforeCreation | HookDeletion.Failed)]
    [InlineData("argocd.argoproj.io/hook-delete-policy=HookSucceeded,HookFailed", HookDeletion.Succeeded | HookDeletion.Failed)]
    [InlineData("argocd.argoproj.io/hook-delete-policy=BeforeHookCreation", HookDeletion.BeforeCreation)]
    [InlineData("argocd.argoproj.io/hook-delete-policy=HookFailed;capillary.dev/hook-delete-policy=succeeded", HookDeletion.Succeeded)]
    public void Deletion_of_hooks(string annotations, HookDeletion deletion) =>
        Assert.Equal(deletion, Annotated($"capillary.dev/hook=pre;{annotations}").Deletion);

    [Theory]
    [InlineData("capillary.dev/prune=false", ManifestOptions.KeepOnPrune)]
    [InlineData("capillary.dev/prune=confirm", ManifestOptions.ConfirmPrune)]
    [InlineData("capillary.dev/replace=true", ManifestOptions.Replace)]
    [InlineData("argocd.argoproj.io/sync-options=Prune=false", ManifestOptions.KeepOnPrune)]
    [InlineData("argocd.argoproj.io/sync-options=Delete=false", ManifestOptions.KeepOnPrune)]
    [InlineData("argocd.argoproj.io/sync-options=Prune=confirm", ManifestOptions.ConfirmPrune)]
    [InlineData("argocd.argoproj.io/sync-options=Replace=true", ManifestOptions.Replace)]
    [InlineData("argocd.argoproj.io/sync-options=Force=true, PruneLast=true", ManifestOptions.Replace)]
    [InlineData("argocd.argoproj.io/sync-options=ServerSideApply=true,Validate=false,Prune=true,Replace=false", ManifestOptions.None)]
    [InlineData("argocd.argoproj.io/ignore-healthcheck=true", ManifestOptions.IgnoreHealth)]
    [InlineData("argocd.argoproj.io/sync-options=Prune=false;capillary.dev/prune=true", ManifestOptions.None)]
    [InlineData("argocd.argoproj.io/sync-options=Prune=false;capillary.dev/prune=confirm", ManifestOptions.ConfirmPrune)]
    [InlineData("argocd.argoproj.io/sync-options=Replace=true;capillary.dev/replace=false", ManifestOptions.None)]
    public void Options(string annotations, ManifestOptions options) => Assert.Equal(options, Annotated(annotations).Options);

    [Theory]
    [InlineData("capillary.dev/apply-order=1001", "is not a whole number from -1000 to 1000")]
    [InlineData("capillary.dev/apply-order=1.5", "is not a whole number from -1000 to 1000")]
    [InlineData("argocd.argoproj.io/sync-wave=first", "is not a whole number")]
    [InlineData("capillary.dev/hook=before", "'before' is not one of pre, during, post, on-failure, never")]
    [InlineData("capillary.dev/hook=", "names no phase")]
    [InlineData("argocd.argoproj.io/hook=Presync",
        "'Presync' is not one of PreSync, Sync, PostSync, SyncFail, Skip, PreDelete, PostDelete")]
    [InlineData("capillary.dev/hook-delete-policy=always", "'always' is not one of before-creation, succeeded, failed")]
    [InlineData("argocd.argoproj.io/hook-delete-policy=Never", "'Never' is not one of BeforeHookCreation, HookSucceeded, HookFailed")]
    [InlineData("capillary.dev/prune=no", "'no' is not one of true, false, confirm")]
    [InlineData("capillary.dev/replace=yes", "'yes' is not one of true, false")]
    [InlineData("argocd.argoproj.io/sync-options=Purne=false", "'Purne=false' is not an option of Argo CD")]
    [InlineData("argocd.argoproj.io/sync-options=Prune=no", "'Prune=no' is not an option of Argo CD, or not a value of it")]
    [InlineData("argocd.argoproj.io/ignore-healthcheck=1", "'1' is not one of true, false")]
    [InlineData("capillary.dev/aply-order=1", "unknown annotation; known are capillary.dev/apply-order")]
    public void A_wrong_annotation_is_named(string annotation, string message)
    {
        var errors = new List<ObjectError>();
        Assert.Null(Read(Json(annotation), errors));
        var error = Assert.Single(errors);
        Assert.Equal($"$.metadata.annotations.{annotation[..annotation.IndexOf('=')]}", error.Path);
        Assert.Contains(message, error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Kinds_have_the_order_of_Argo_CD()
    {
        string[] order =
        [
            "Namespace", "Secret", "ConfigMap", "CustomResourceDefinition", "ClusterRole", "RoleBinding", "Service", "Deployment", "Job",
            "Ingress", "APIService", "Widget",
        ];
        Assert.Equal(order, order.Reverse().OrderBy(KubernetesOrder.RankOf));
        Assert.Equal(KubernetesOrder.RankOf("Widget"), KubernetesOrder.RankOf("Gadget"));
    }

    private static KubernetesManifest Annotated(string annotations) => Good(Json(annotations));

    private static string Json(string annotations)
    {
        var members = annotations.Split(';').Select(item => $"\"{item[..item.IndexOf('=')]}\":\"{item[(item.IndexOf('=') + 1)..]}\"");
        return $$$"""{"apiVersion":"batch/v1","kind":"Job","metadata":{"annotations":{{{{string.Join(',', members)}}}},"name":"x"}}""";
    }

    private static KubernetesManifest Good(string json)
    {
        var errors = new List<ObjectError>();
        var manifest = Read(json, errors);
        Assert.Empty(errors);
        return manifest!;
    }

    private static KubernetesManifest? Read(string json, List<ObjectError> errors)
    {
        using var document = JsonDocument.Parse(Encoding.UTF8.GetBytes(json));
        return KubernetesManifestReader.Read(document.RootElement, "lab", errors);
    }
}
