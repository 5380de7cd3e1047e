using System.Net;
using System.Net.Security;
using System.Net.Sockets;
using System.Security.Authentication;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Capillary.Node.Keys;
using Capillary.Node.Links;

namespace Capillary.Tests.Node.Networks;

/// <summary>
/// A hospital's inspecting proxy: takes CONNECT, ends the child's TLS with a certificate of its own CA, opens its own TLS to the parent and
/// passes on what it reads.
/// </summary>
internal sealed class InterceptingProxy : IAsyncDisposable
{
    private readonly TcpListener listener = new(IPAddress.Loopback, 0);
    private readonly CancellationTokenSource stop = new();
    private readonly X509Certificate2 certificate;
    private readonly Task accepting;

    public InterceptingProxy(AsymmetricAlgorithm key)
    {
        certificate = Issue(key, "Hospital Proxy CA");
        listener.Start();
        accepting = AcceptAsync();
    }

    public ProxySettings Settings => new("127.0.0.1", ((IPEndPoint)listener.LocalEndpoint).Port);

    /// <summary>TLS versions that it speaks with the child.</summary>
    public SslProtocols Protocols { get; init; } = SslProtocols.Tls13;

    /// <summary>What it takes of the child's ALPN; null: it does not speak of it.</summary>
    public SslApplicationProtocol? Application { get; init; } = SslApplicationProtocol.Http2;

    /// <summary>With a key of its own it gets through a parent's handshake; without one it does not.</summary>
    public SigningKey? ClientKey { get; init; }

    public async ValueTask DisposeAsync()
    {
        await stop.CancelAsync();
        listener.Dispose();
        await accepting;
        certificate.Dispose();
        stop.Dispose();
    }

    /// <summary>A certificate for any host, around <paramref name="key"/>, signed by a CA of this name.</summary>
    public static X509Certificate2 Issue(AsymmetricAlgorithm key, string issuer)
    {
        var (from, to) = (DateTimeOffset.UtcNow.AddDays(-1), DateTimeOffset.UtcNow.AddDays(30));
        using var caKey = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var caRequest = new CertificateRequest($"CN={issuer}", caKey, HashAlgorithmName.SHA256);
        caRequest.CertificateExtensions.Add(new X509BasicConstraintsExtension(true, false, 0, true));
        using var ca = caRequest.CreateSelfSigned(from, to);
        var signer = X509SignatureGenerator.CreateForECDsa(caKey);
        byte[] serial = [1, 2, 3, 4];
        return key switch
        {
            RSA rsa => new CertificateRequest("CN=parent", rsa, HashAlgorithmName.SHA256, RSASignaturePadding.Pkcs1)
                .Create(ca.SubjectName, signer, from, to, serial).CopyWithPrivateKey(rsa),
            ECDsa ec => new CertificateRequest("CN=parent", ec, HashAlgorithmName.SHA256)
                .Create(ca.SubjectName, signer, from, to, serial).CopyWithPrivateKey(ec),
            _ => throw new NotSupportedException($"{key}"),
        };
    }

    private async Task AcceptAsync()
    {
        try
        {
            while (true) _ = InterceptAsync(await listener.AcceptTcpClientAsync(stop.Token));
        }
        catch (Exception e) when (e is OperationCanceledException or SocketException or InvalidOperationException)
        {
            // Over: a stopped listener says "Not listening" when it is asked after the stop.
        }
    }

    private async Task InterceptAsync(TcpClient child)
    {
        using var _ = child;
        try
        {
            var stream = child.GetStream();
            var target = await ReadTargetAsync(stream);
            await stream.WriteAsync("HTTP/1.1 200 Connection established\r\nVia: inspection\r\n\r\n"u8.ToArray(), stop.Token);
            await using var near = new SslStream(stream);
            await near.AuthenticateAsServerAsync(new SslServerAuthenticationOptions
            {
                ServerCertificate = certificate,
                EnabledSslProtocols = Protocols,
                ApplicationProtocols = Application is { } application ? [application] : null,
            }, stop.Token);
            using var parent = new TcpClient();
            await parent.ConnectAsync(target.Host, target.Port, stop.Token);
            await using var far = new SslStream(parent.GetStream());
            using var shown = ClientKey?.ToCertificate();
            await far.AuthenticateAsClientAsync(new SslClientAuthenticationOptions
            {
                TargetHost = target.Host,
                ApplicationProtocols = [SslApplicationProtocol.Http2],
                ClientCertificates = shown is null ? null : [shown],
                LocalCertificateSelectionCallback = shown is null ? null : (_, _, _, _, _) => shown,
                RemoteCertificateValidationCallback = (_, peer, _, _) => peer is not null,
            }, stop.Token);
            await Task.WhenAny(near.CopyToAsync(far, stop.Token), far.CopyToAsync(near, stop.Token));
        }
        catch (Exception e) when (e is IOException or SocketException or AuthenticationException or OperationCanceledException)
        {
            // One side is gone.
        }
    }

    private async Task<DnsEndPoint> ReadTargetAsync(NetworkStream stream)
    {
        var head = new List<byte>();
        var one = new byte[1];
        while (!System.Runtime.InteropServices.CollectionsMarshal.AsSpan(head).EndsWith("\r\n\r\n"u8))
        {
            await stream.ReadExactlyAsync(one, stop.Token);
            head.Add(one[0]);
        }
        var target = new Uri($"https://{System.Text.Encoding.ASCII.GetString([.. head]).Split(' ')[1]}");
        return new DnsEndPoint(target.Host, target.Port);
    }
}
