using System.Net;
using System.Net.Security;
using System.Security.Authentication;
using System.Security.Cryptography.X509Certificates;
using Capillary.Node.Keys;

namespace Capillary.Node.Doctor;

/// <summary>Begins TLS on a stream, whatever is shown, and says what was shown.</summary>
internal static class Handshake
{
    /// <summary>
    /// Takes part in any TLS that a device on the way may speak, to be able to name it. Nothing is sent after the handshake.
    /// </summary>
    public static async Task<TlsFinding> LookAsync(Stream stream, string host, SigningKey key, TimeSpan within, CancellationToken stop)
    {
        TlsFinding? shown = null;
        using var certificate = key.ToCertificate();
        var options = Options(host, certificate, SslProtocols.Tls12 | SslProtocols.Tls13);
        options.ApplicationProtocols = [SslApplicationProtocol.Http2, SslApplicationProtocol.Http11];
        options.RemoteCertificateValidationCallback = (_, peer, _, _) =>
        {
            shown = peer is null ? null : Describe(peer);
            return shown is not null;
        };
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(stop);
        limit.CancelAfter(within);
        await using var tls = new SslStream(stream, leaveInnerStreamOpen: true);
        try
        {
            await tls.AuthenticateAsClientAsync(options, limit.Token);
            return shown is TlsFinding.Shown seen
                ? seen with { Protocol = $"{tls.SslProtocol}", Http2 = tls.NegotiatedApplicationProtocol == SslApplicationProtocol.Http2 }
                : new TlsFinding.NotTls("it showed no certificate");
        }
        catch (OperationCanceledException) when (!stop.IsCancellationRequested)
        {
            return new TlsFinding.Silent();
        }
        // A device may show its certificate and then fail for reasons of its own: the certificate names it.
        catch (Exception e) when (e is IOException or AuthenticationException && shown is not null)
        {
            return shown;
        }
        catch (IOException)
        {
            return new TlsFinding.Cut();
        }
        catch (AuthenticationException e)
        {
            return new TlsFinding.NotTls(e.InnerException?.Message ?? e.Message);
        }
    }

    /// <summary>As a link begins it; certificates are looked at by key only, so nothing may be fetched to build a chain.</summary>
    public static SslClientAuthenticationOptions Options(string host, X509Certificate2 certificate, SslProtocols protocols) => new()
    {
        TargetHost = IPAddress.TryParse(host, out _) ? "" : host,
        EnabledSslProtocols = protocols,
        ClientCertificates = [certificate],
        LocalCertificateSelectionCallback = (_, _, _, _, _) => certificate,
        CertificateChainPolicy = new X509ChainPolicy { DisableCertificateDownloads = true, RevocationMode = X509RevocationMode.NoCheck },
    };

    private static TlsFinding.Shown Describe(X509Certificate peer) =>
        new(peer.Subject, peer.Issuer, SigningKey.KeyOf(peer) is not null, "TLS", false);
}
