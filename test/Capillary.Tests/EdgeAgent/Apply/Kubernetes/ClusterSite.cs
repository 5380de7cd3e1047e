using Capillary.KubernetesDouble;

namespace Capillary.Tests.EdgeAgent.Apply.Kubernetes;

/// <summary>An agent's apply on the double, both in this process.</summary>
internal sealed class ClusterSite : ClusterAgent
{
    private ClusterSite(ClusterDouble cluster, string folder) : base(cluster.KubeconfigPath, "capillary-system", folder)
    {
        Cluster = cluster;
        foreach (var space in (string[])["capillary-system", "lab"])
            cluster.Create("""{"apiVersion":"v1","kind":"Namespace","metadata":{"name":"NAME"}}""".Replace("NAME", space), "test");
    }

    public ClusterDouble Cluster { get; }

    public static async Task<ClusterSite> StartAsync(bool controllers = true, int maxPrunePercent = 50)
    {
        var folder = Directory.CreateTempSubdirectory("capillary-k8s-").FullName;
        var cluster = await ClusterDouble.StartAsync(new ClusterDoubleOptions { KubeconfigPath = $"{folder}/kubeconfig", RunsControllers = controllers });
        var site = new ClusterSite(cluster, folder) { MaxPrunePercent = maxPrunePercent };
        site.Start();
        return site;
    }

    public static string ConfigMap(string name, string value = "1", string more = "") => """
        {"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"NAME","namespace":"lab"MORE},"data":{"value":"VALUE"}}
        """.Replace("NAME", name).Replace("VALUE", value).Replace("MORE", more);

    public static string Deployment(string name, string image = "registry.example/web:1", string replicas = "1", string more = "") => """
        {"apiVersion":"apps/v1","kind":"Deployment","metadata":{"name":"NAME","namespace":"lab"MORE},"spec":{"replicas":COUNT,
        "selector":{"matchLabels":{"app":"NAME"}},"template":{"metadata":{"labels":{"app":"NAME"}},
        "spec":{"containers":[{"name":"web","image":"IMAGE"}]}}}}
        """.Replace("NAME", name).Replace("IMAGE", image).Replace("COUNT", replicas).Replace("MORE", more);

    /// <param name="name">Its name.</param>
    /// <param name="annotations">JSON members.</param>
    public static string Job(string name, string annotations) => """
        {"apiVersion":"batch/v1","kind":"Job","metadata":{"name":"NAME","namespace":"lab","annotations":{NOTES}},
        "spec":{"template":{"spec":{"restartPolicy":"Never","containers":[{"name":"run","image":"registry.example/run:1"}]}}}}
        """.Replace("NAME", name).Replace("NOTES", annotations);

    public static ClusterObject Map(string name) => new("", "ConfigMap", "lab", name);

    public static ClusterObject Web(string name) => new("apps", "Deployment", "lab", name);

    public bool Has(ClusterObject which) => Cluster.Find(which) is not null;

    public string? Value(string map) => (string?)Cluster.Find(Map(map))?["data"]?["value"];

    public override async ValueTask DisposeAsync()
    {
        await base.DisposeAsync();
        await Cluster.DisposeAsync();
    }
}
