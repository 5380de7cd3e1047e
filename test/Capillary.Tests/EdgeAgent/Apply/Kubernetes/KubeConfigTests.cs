using Capillary.EdgeAgent.Apply.Kubernetes;
using Capillary.KubernetesDouble;
using Xunit;

namespace Capillary.Tests.EdgeAgent.Apply.Kubernetes;

/// <summary>Kubeconfigs as people have them: what is taken, what is refused, and in which words.</summary>
public sealed class KubeConfigTests : IDisposable
{
    private const string Usual = """
        apiVersion: v1
        kind: Config
        current-context: lab
        contexts:
        - name: lab
          context: {cluster: lab, user: agent}
        clusters:
        - name: lab
          cluster:
            server: https://10.0.0.1:6443/k8s
            CLUSTER
        users:
        - name: agent
          user:
            USER
        """;

    private readonly string folder = Directory.CreateTempSubdirectory("capillary-kubeconfig-").FullName;

    public void Dispose() => Directory.Delete(folder, recursive: true);

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task A_token_and_a_client_certificate_open_the_cluster(bool certificate)
    {
        var options = new ClusterDoubleOptions { KubeconfigPath = $"{folder}/config", UsesClientCertificate = certificate };
        await using var cluster = await ClusterDouble.StartAsync(options);
        using var client = new KubeClient(KubeConfigFile.Load(cluster.KubeconfigPath), TimeProvider.System);
        using var space = await client.GetAsync("/api/v1/namespaces/default", CancellationToken.None);
        Assert.Equal("default", space.RootElement.GetProperty("metadata").GetProperty("name").GetString());
    }

    [Fact]
    public async Task A_cluster_whose_certificate_another_authority_made_is_not_spoken_to()
    {
        await using var cluster = await ClusterDouble.StartAsync(new ClusterDoubleOptions { KubeconfigPath = $"{folder}/config" });
        await using var other = await ClusterDouble.StartAsync(new ClusterDoubleOptions { KubeconfigPath = $"{folder}/other" });
        var wrong = KubeConfigFile.Load(cluster.KubeconfigPath) with { Authorities = KubeConfigFile.Load(other.KubeconfigPath).Authorities };
        using var client = new KubeClient(wrong, TimeProvider.System);
        await Assert.ThrowsAsync<KubeUnreachableException>(() => client.GetAsync("/api/v1/namespaces/default", CancellationToken.None));
        Assert.Empty(cluster.Requests.All);
    }

    [Fact]
    public async Task A_token_that_is_replaced_in_its_file_is_read_again()
    {
        await using var cluster = await ClusterDouble.StartAsync(new ClusterDoubleOptions { KubeconfigPath = $"{folder}/config" });
        var first = cluster.AddToken("agent");
        await File.WriteAllTextAsync($"{folder}/token", first);
        var token = new KubeConnection.TokenFile($"{folder}/token");
        using var client = new KubeClient(KubeConfigFile.Load(cluster.KubeconfigPath) with { Token = token.Read }, TimeProvider.System);
        (await client.GetAsync("/version", CancellationToken.None)).Dispose();
        cluster.RevokeToken(first);
        await File.WriteAllTextAsync($"{folder}/token", cluster.AddToken("agent"));
        File.SetLastWriteTimeUtc($"{folder}/token", DateTime.UtcNow.AddMinutes(1));
        (await client.GetAsync("/version", CancellationToken.None)).Dispose();
    }

    [Theory]
    [InlineData("", "exec: {command: aws-iam-authenticator}", "exec plugin")]
    [InlineData("", "auth-provider: {name: gcp}", "auth-provider")]
    [InlineData("", "username: admin", "password")]
    [InlineData("insecure-skip-tls-verify: true", "token: t", "certificate-authority-data")]
    [InlineData("proxy-url: http://proxy", "token: t", "proxy-url")]
    [InlineData("certificate-authority-data: '%%'", "token: t", "cannot be read")]
    [InlineData("", "client-certificate-data: YQ==", "without client-key")]
    public void What_cannot_be_used_is_refused_in_words(string cluster, string user, string told) =>
        Assert.Contains(told, Refused(Usual.Replace("CLUSTER", cluster).Replace("USER", user)), StringComparison.Ordinal);

    [Fact]
    public void A_broken_file_is_told_with_its_line()
    {
        Assert.Contains($"{folder}/config:4:", Refused("apiVersion: v1\nkind: Config\ncontexts: [\n"), StringComparison.Ordinal);
        Assert.Contains("current-context", Refused("apiVersion: v1\nkind: Config\n"), StringComparison.Ordinal);
        Assert.Contains("there is none of the name 'lab'", Refused("current-context: lab\n"), StringComparison.Ordinal);
        Assert.Contains("no such file", Assert.Throws<InvalidDataException>(() => KubeConfigFile.Load($"{folder}/nowhere")).Message,
            StringComparison.Ordinal);
    }

    [Fact]
    public void Outside_of_a_pod_there_is_no_cluster_of_ones_own() =>
        Assert.Contains("--kubeconfig", Assert.Throws<InvalidDataException>(() => KubeConnection.InCluster($"{folder}/nowhere")).Message,
            StringComparison.Ordinal);

    private string Refused(string text)
    {
        File.WriteAllText($"{folder}/config", text);
        return Assert.Throws<InvalidDataException>(() => KubeConfigFile.Load($"{folder}/config")).Message;
    }
}
