using System.Security.Cryptography.X509Certificates;

namespace Capillary.EdgeAgent.Apply.Kubernetes;

/// <summary>Where a cluster's API server is, and who we are there.</summary>
/// <param name="Server">Its <c>https:</c> address, with or without a path.</param>
/// <param name="Authorities">The certificate authorities that may have signed its certificate; null: those of the machine.</param>
/// <param name="ServerName">The name that its certificate must have; null: the host of <paramref name="Server"/>.</param>
/// <param name="Client">Our certificate with its key, or null.</param>
/// <param name="Token">Our bearer token as it is now, or null; called for each request, and again after a refusal.</param>
/// <param name="Namespace">Where the agent keeps its own objects.</param>
internal sealed record KubeConnection(Uri Server, X509Certificate2Collection? Authorities, string? ServerName, X509Certificate2? Client,
    Func<string?> Token, string Namespace)
{
    /// <summary>The namespace of the agent's own objects, unless something else is set.</summary>
    public const string DefaultNamespace = "capillary-system";

    private const string AccountFolder = "/var/run/secrets/kubernetes.io/serviceaccount";

    /// <summary>The service account of the pod that we run in. Its token is short-lived: the kubelet writes a new one in time.</summary>
    /// <exception cref="InvalidDataException">We do not run in a pod, or it has no service account.</exception>
    public static KubeConnection InCluster(string folder = AccountFolder)
    {
        var host = Environment.GetEnvironmentVariable("KUBERNETES_SERVICE_HOST");
        var port = Environment.GetEnvironmentVariable("KUBERNETES_SERVICE_PORT") ?? "443";
        if (string.IsNullOrEmpty(host) || !File.Exists($"{folder}/token"))
            throw new InvalidDataException("--in-cluster: this is no pod with a service account "
                + $"(no {folder}/token, or no KUBERNETES_SERVICE_HOST); "
                + "outside of a cluster give --kubeconfig FILE");
        var authorities = new X509Certificate2Collection();
        authorities.ImportFromPemFile($"{folder}/ca.crt");
        var server = new UriBuilder(Uri.UriSchemeHttps, host.Contains(':') ? $"[{host.Trim('[', ']')}]" : host, int.Parse(port)).Uri;
        var space = File.Exists($"{folder}/namespace") ? File.ReadAllText($"{folder}/namespace").Trim() : DefaultNamespace;
        return new KubeConnection(server, authorities, null, null, new TokenFile($"{folder}/token").Read, space);
    }

    /// <summary>A token in a file that is replaced from time to time.</summary>
    internal sealed class TokenFile(string path)
    {
        private (DateTime At, string Text)? known;

        public string Read()
        {
            var at = File.GetLastWriteTimeUtc(path);
            if (known is { } held && held.At == at) return held.Text;
            var text = File.ReadAllText(path).Trim();
            known = (at, text);
            return text;
        }
    }
}
