using System.Net;
using System.Net.Security;
using System.Net.Sockets;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text;

namespace Capillary.Tests.Node.Doctor;

/// <summary>A listener on loopback that treats every connection as a broken network would.</summary>
internal sealed class BrokenServer : IAsyncDisposable
{
    private readonly TcpListener listener = new(IPAddress.Loopback, 0);
    private readonly CancellationTokenSource stop = new();
    private readonly Task serving;

    private BrokenServer(Func<NetworkStream, CancellationToken, Task> serve)
    {
        listener.Start();
        serving = ServeAsync(serve);
    }

    public int Port => ((IPEndPoint)listener.LocalEndpoint).Port;

    /// <summary>Takes connections and never says anything.</summary>
    public static BrokenServer Silent() => new((_, stop) => Task.Delay(Timeout.Infinite, stop));

    /// <summary>Resets the connection as soon as something came.</summary>
    public static BrokenServer Cutting() => new(async (stream, stop) =>
    {
        _ = await stream.ReadAsync(new byte[10], stop);
        stream.Socket.LingerState = new LingerOption(true, 0);
        stream.Socket.Close();
    });

    /// <summary>Says this at once, in no TLS.</summary>
    public static BrokenServer Saying(string text) => new(async (stream, stop) =>
    {
        await stream.WriteAsync(Encoding.ASCII.GetBytes(text), stop);
        _ = await stream.ReadAsync(new byte[4096], stop);
    });

    /// <summary>Opens TLS with a certificate of its own, as a device that looks into connections does.</summary>
    public static BrokenServer Intercepting(string subject, string issuer)
    {
        var certificate = Certificate(subject, issuer);
        return new(async (stream, stop) =>
        {
            await using var tls = new SslStream(stream);
            await tls.AuthenticateAsServerAsync(new SslServerAuthenticationOptions { ServerCertificate = certificate }, stop);
            _ = await tls.ReadAsync(new byte[10], stop);
        });
    }

    public async ValueTask DisposeAsync()
    {
        await stop.CancelAsync();
        await serving;
        listener.Stop();
        stop.Dispose();
    }

    private async Task ServeAsync(Func<NetworkStream, CancellationToken, Task> serve)
    {
        try
        {
            while (true)
            {
                using var client = await listener.AcceptTcpClientAsync(stop.Token);
                try
                {
                    await serve(client.GetStream(), stop.Token);
                }
                catch (Exception e) when (e is IOException or ObjectDisposedException or System.Security.Authentication.AuthenticationException)
                {
                    // The other side went away.
                }
            }
        }
        catch (Exception e) when (e is OperationCanceledException or SocketException)
        {
            // The end of the test.
        }
    }

    private static X509Certificate2 Certificate(string subject, string issuer)
    {
        using var authorityKey = RSA.Create(2048);
        var (from, until) = (DateTimeOffset.UtcNow.AddDays(-1), DateTimeOffset.UtcNow.AddDays(1));
        var request = new CertificateRequest(issuer, authorityKey, HashAlgorithmName.SHA256, RSASignaturePadding.Pkcs1);
        request.CertificateExtensions.Add(new X509BasicConstraintsExtension(true, false, 0, true));
        using var authority = request.CreateSelfSigned(from, until);
        using var key = RSA.Create(2048);
        using var made = new CertificateRequest(subject, key, HashAlgorithmName.SHA256, RSASignaturePadding.Pkcs1)
            .Create(authority, from, until, [1]);
        using var whole = made.CopyWithPrivateKey(key);
        return X509CertificateLoader.LoadPkcs12(whole.Export(X509ContentType.Pkcs12), null);
    }
}
