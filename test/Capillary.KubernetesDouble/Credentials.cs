using System.Net;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text;
using Microsoft.AspNetCore.Http;

namespace Capillary.KubernetesDouble;

/// <summary>The double's own CA, its server certificate, and who may come in.</summary>
internal sealed class Credentials : IDisposable
{
    private readonly ECDsa caKey = ECDsa.Create(ECCurve.NamedCurves.nistP256);
    private readonly X509Certificate2 ca;

    public Credentials()
    {
        var request = new CertificateRequest("CN=capillary-kubernetes-double", caKey, HashAlgorithmName.SHA256);
        request.CertificateExtensions.Add(new X509BasicConstraintsExtension(true, false, 0, true));
        request.CertificateExtensions.Add(new X509KeyUsageExtension(X509KeyUsageFlags.KeyCertSign | X509KeyUsageFlags.DigitalSignature,
            true));
        ca = request.CreateSelfSigned(DateTimeOffset.UtcNow.AddDays(-1), DateTimeOffset.UtcNow.AddYears(10));
        Server = Issue("localhost", isServer: true);
        Tokens[AdminToken] = "admin";
    }

    public string AdminToken { get; } = Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(16));

    /// <summary>Token -> user.</summary>
    public Dictionary<string, string> Tokens { get; } = [];

    public X509Certificate2 Server { get; }

    public string CaPem => ca.ExportCertificatePem();

    /// <summary>A certificate for this user, with its key.</summary>
    public X509Certificate2 Issue(string user, bool isServer = false)
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest($"CN={user}", key, HashAlgorithmName.SHA256);
        var names = new SubjectAlternativeNameBuilder();
        names.AddDnsName("localhost");
        names.AddIpAddress(IPAddress.Loopback);
        if (isServer) request.CertificateExtensions.Add(names.Build());
        request.CertificateExtensions.Add(new X509EnhancedKeyUsageExtension(
            [new Oid(isServer ? "1.3.6.1.5.5.7.3.1" : "1.3.6.1.5.5.7.3.2")], false));
        using var issued = request.Create(ca.SubjectName, X509SignatureGenerator.CreateForECDsa(caKey), ca.NotBefore,
            ca.NotAfter.AddDays(-1),
            RandomNumberGenerator.GetBytes(8));
        using var withKey = issued.CopyWithPrivateKey(key);
        return X509CertificateLoader.LoadPkcs12(withKey.Export(X509ContentType.Pkcs12), null);
    }

    public bool IsOurs(X509Certificate2 certificate)
    {
        using var chain = new X509Chain();
        chain.ChainPolicy.TrustMode = X509ChainTrustMode.CustomRootTrust;
        chain.ChainPolicy.CustomTrustStore.Add(ca);
        chain.ChainPolicy.RevocationMode = X509RevocationMode.NoCheck;
        return chain.Build(certificate);
    }

    /// <summary>Null: nobody we know.</summary>
    public string? UserOf(HttpContext http)
    {
        var given = http.Request.Headers.Authorization.ToString();
        if (given.StartsWith("Bearer ", StringComparison.Ordinal)) return Tokens.GetValueOrDefault(given["Bearer ".Length..]);
        return http.Connection.ClientCertificate?.GetNameInfo(X509NameType.SimpleName, false);
    }

    /// <summary>A kubeconfig for the administrator: with the token, or with a client certificate.</summary>
    public string Kubeconfig(Uri address, bool withCertificate)
    {
        var user = $"    token: {AdminToken}\n";
        if (withCertificate)
        {
            using var certificate = Issue("admin");
            using var key = certificate.GetECDsaPrivateKey()!;
            user = $"    client-certificate-data: {Base64(certificate.ExportCertificatePem())}\n    client-key-data: "
                + $"{Base64(key.ExportPkcs8PrivateKeyPem())}\n";
        }
        return $"""
            apiVersion: v1
            kind: Config
            clusters:
            - name: double
              cluster:
                server: {address.ToString().TrimEnd('/')}
                certificate-authority-data: {Base64(CaPem)}
            users:
            - name: admin
              user:
            {user}contexts:
            - name: double
              context:
                cluster: double
                user: admin
            current-context: double

            """;
    }

    public void Dispose()
    {
        caKey.Dispose();
        ca.Dispose();
        Server.Dispose();
    }

    private static string Base64(string text) => Convert.ToBase64String(Encoding.UTF8.GetBytes(text));
}
