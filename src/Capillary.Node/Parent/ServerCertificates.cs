using System.Net.Security;
using System.Security.Authentication;
using System.Security.Cryptography.X509Certificates;
using Capillary.Node.Keys;

namespace Capillary.Node.Parent;

/// <summary>The TLS settings of a parent: made once per identity key, so that a succession shows in the next handshake.</summary>
internal sealed class ServerCertificates(LinkKeys keys) : IDisposable
{
    private readonly Lock gate = new();
    private readonly List<X509Certificate2> made = [];
    private SslServerAuthenticationOptions? newest;
    private SigningKey? of;

    public SslServerAuthenticationOptions Newest()
    {
        var key = keys.Current;
        lock (gate)
        {
            if (newest is not null && of == key) return newest;
            var certificate = key.ToCertificate();
            made.Add(certificate);
            (newest, of) = (Options(certificate), key);
            return newest;
        }
    }

    public void Dispose()
    {
        foreach (var certificate in made) certificate.Dispose();
    }

    private static SslServerAuthenticationOptions Options(X509Certificate2 certificate) => new()
    {
        ServerCertificateContext = SslStreamCertificateContext.Create(certificate, null, offline: true),
        EnabledSslProtocols = SslProtocols.Tls13,
        ApplicationProtocols = [SslApplicationProtocol.Http2],
        ClientCertificateRequired = true,
        // Any key may knock; the session looks it up in the records. A connection without one is answered 403.
        RemoteCertificateValidationCallback = (_, certificate, _, _) => certificate is not null,
        CertificateRevocationCheckMode = X509RevocationMode.NoCheck,
        CertificateChainPolicy = NoAuthority(),
    };

    // No certificate authority has a say here; without this a child's certificate could make its parent fetch what it names.
    private static X509ChainPolicy NoAuthority() => new()
    {
        TrustMode = X509ChainTrustMode.CustomRootTrust,
        RevocationMode = X509RevocationMode.NoCheck,
        DisableCertificateDownloads = true,
        VerificationFlags = X509VerificationFlags.AllFlags,
    };
}
