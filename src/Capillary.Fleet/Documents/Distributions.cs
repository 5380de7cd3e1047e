namespace Capillary.Fleet.Documents;

/// <summary>What a site can be, by platform.</summary>
internal static class Distributions
{
    private static readonly string[] Host = ["debian", "ubuntu", "rhel", "fedora", "suse", "alpine", "other"];
    private static readonly string[] Kubernetes = ["talos", "k3s", "rke2", "openshift", "kubeadm", "eks", "aks", "gke", "other"];

    public static IReadOnlyList<string> On(SitePlatform platform) => platform == SitePlatform.Host ? Host : Kubernetes;

    /// <summary>The platform's word in YAML, labels and templates.</summary>
    public static string NameOf(SitePlatform platform) => platform == SitePlatform.Host ? "host" : "kubernetes";
}
