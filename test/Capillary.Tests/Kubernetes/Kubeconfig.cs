using System.Net;
using System.Net.Http.Headers;
using System.Security.Cryptography.X509Certificates;
using System.Text;
using YamlDotNet.Serialization;

namespace Capillary.Tests.Kubernetes;

/// <summary>As much of a kubeconfig file as the suite needs: its current context, with certificates and tokens in the file.</summary>
internal static class Kubeconfig
{
    public static HttpClient Connect(string path)
    {
        var file = new DeserializerBuilder().Build().Deserialize<Dictionary<string, object>>(File.ReadAllText(path));
        var context = Named(file, "contexts", (string)file["current-context"], "context");
        var cluster = Named(file, "clusters", (string)context["cluster"], "cluster");
        var user = Named(file, "users", (string)context["user"], "user");
        var handler = new SocketsHttpHandler { AutomaticDecompression = DecompressionMethods.All, UseProxy = false };
        if (Data(cluster, "certificate-authority") is { } ca)
            handler.SslOptions.RemoteCertificateValidationCallback = (_, certificate, _, _) =>
                certificate is not null && IsSignedBy(certificate, ca);
        if (Data(user, "client-certificate") is { } own)
        {
            using var pair = X509Certificate2.CreateFromPem(own, Data(user, "client-key"));
            handler.SslOptions.ClientCertificates = [X509CertificateLoader.LoadPkcs12(pair.Export(X509ContentType.Pkcs12), null)];
        }
        var http = new HttpClient(handler)
        {
            BaseAddress = new Uri((string)cluster["server"]),
            DefaultRequestVersion = HttpVersion.Version20,
            Timeout = TimeSpan.FromSeconds(100),
        };
        if (user.TryGetValue("token", out var token))
            http.DefaultRequestHeaders.Authorization = new AuthenticationHeaderValue("Bearer", (string)token);
        http.DefaultRequestHeaders.UserAgent.ParseAdd("conformance/1");
        return http;
    }

    private static Dictionary<object, object> Named(Dictionary<string, object> file, string list, string name, string part) =>
        (Dictionary<object, object>)((List<object>)file[list]).Cast<Dictionary<object, object>>()
            .First(one => (string)one["name"] == name)[part];

    private static string? Data(Dictionary<object, object> map, string name) =>
        map.TryGetValue(name + "-data", out var data) ? Encoding.UTF8.GetString(Convert.FromBase64String((string)data))
        : map.TryGetValue(name, out var path) ? File.ReadAllText((string)path) : null;

    private static bool IsSignedBy(X509Certificate certificate, string ca)
    {
        using var root = X509Certificate2.CreateFromPem(ca);
        using var chain = new X509Chain();
        chain.ChainPolicy.TrustMode = X509ChainTrustMode.CustomRootTrust;
        chain.ChainPolicy.CustomTrustStore.Add(root);
        chain.ChainPolicy.RevocationMode = X509RevocationMode.NoCheck;
        return chain.Build(X509CertificateLoader.LoadCertificate(certificate.GetRawCertData()));
    }
}
