using System.Text.Json.Nodes;

namespace Capillary.KubernetesDouble.Rules;

/// <summary>What an API server fills in inside a pod.</summary>
internal static class PodDefaults
{
    public static void Template(JsonObject spec, string restart)
    {
        if (spec.Map("template") is { } template) Fill(template.Ensure("spec"), restart);
    }

    public static void Fill(JsonObject spec, string restart)
    {
        spec.Default("restartPolicy", restart);
        spec.Default("dnsPolicy", "ClusterFirst");
        spec.Default("schedulerName", "default-scheduler");
        spec.Default("terminationGracePeriodSeconds", 30);
        spec.Ensure("securityContext");
        if (spec.Text("serviceAccountName") is { } account) spec.Default("serviceAccount", account);
        foreach (var container in spec.Items("containers").Concat(spec.Items("initContainers")).OfType<JsonObject>()) Container(container);
        foreach (var volume in spec.Items("volumes").OfType<JsonObject>()) Volume(volume);
    }

    private static void Container(JsonObject container)
    {
        container.Default("terminationMessagePath", "/dev/termination-log");
        container.Default("terminationMessagePolicy", "File");
        container.Default("imagePullPolicy", PullPolicy(container.Text("image") ?? ""));
        container.Ensure("resources");
        foreach (var port in container.Items("ports").OfType<JsonObject>()) port.Default("protocol", "TCP");
        foreach (var field in container.Items("env").Select(variable => variable.Map("valueFrom", "fieldRef")).OfType<JsonObject>())
            field.Default("apiVersion", "v1");
        foreach (var name in (string[])["livenessProbe", "readinessProbe", "startupProbe"])
        {
            if (container.Map(name) is { } probe) Probe(probe);
        }
    }

    private static string PullPolicy(string image)
    {
        var last = image[(image.LastIndexOf('/') + 1)..];
        return !image.Contains('@') && (!last.Contains(':') || last.EndsWith(":latest", StringComparison.Ordinal)) ? "Always"
            : "IfNotPresent";
    }

    private static void Probe(JsonObject probe)
    {
        probe.Default("timeoutSeconds", 1);
        probe.Default("periodSeconds", 10);
        probe.Default("successThreshold", 1);
        probe.Default("failureThreshold", 3);
        if (probe.Map("httpGet") is not { } get) return;
        get.Default("scheme", "HTTP");
        get.Default("path", "/");
    }

    private static void Volume(JsonObject volume)
    {
        if (volume.Count == 1) volume["emptyDir"] = new JsonObject();
        foreach (var source in (string[])["secret", "configMap", "downwardAPI", "projected"])
            volume.Map(source)?.Default("defaultMode", 420);
        volume.Map("hostPath")?.Default("type", "");
    }
}
