using System.Net;
using System.Net.Security;
using System.Net.Sockets;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text;
using Capillary.Fleet.Rollouts;
using Capillary.HubNode.Rollout;
using Microsoft.Extensions.Logging.Abstractions;
using Xunit;

namespace Capillary.Tests.HubNode;

/// <summary>HTTP gates over real TLS.</summary>
public sealed class GateHostsTests : IAsyncLifetime
{
    private readonly CancellationTokenSource stop = new(TimeSpan.FromSeconds(30));
    private readonly TcpListener listener = new(IPAddress.Loopback, 0);
    private readonly X509Certificate2 certificate = Certificate();
    private volatile string status = "503 Service Unavailable";
    private volatile TaskCompletionSource<string>? held;
    private readonly SemaphoreSlim asked = new(0);
    private Task serving = Task.CompletedTask;

    private int Port => ((IPEndPoint)listener.LocalEndpoint).Port;

    public Task InitializeAsync()
    {
        listener.Start();
        serving = Task.Run(ServeAsync);
        return Task.CompletedTask;
    }

    [Fact]
    public async Task Only_an_answer_of_success_is_a_yes()
    {
        using var hosts = Hosts($"localhost:{Port}");
        var running = hosts.RunAsync(stop.Token);
        hosts.Ask(Waiting($"https://localhost:{Port}/ok"));
        Assert.Equal(new HostAnswer(false, $"localhost:{Port} answered 503"), await AnswerAsync(hosts));
        // Where it leads is not asked: that host is on no list.
        await AnswerOf(hosts, "302 Found\r\nLocation: https://localhost:1/", new(false, $"localhost:{Port} answered 302"));
        await AnswerOf(hosts, "204 No Content", new(true, $"localhost:{Port} answered 204"));
        await stop.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => running);
    }

    [Fact]
    public async Task An_answer_that_comes_late_is_none_to_the_next_rollout()
    {
        using var hosts = Hosts($"localhost:{Port}");
        var said = new List<HostAnswer>();
        hosts.Changed = () => said.AddRange(hosts.Answers.Values);
        var running = hosts.RunAsync(stop.Token);
        (status, held) = ("204 No Content", new());
        hosts.Ask(Waiting($"https://localhost:{Port}/ok"));
        await asked.WaitAsync(stop.Token);
        hosts.Ask(Waiting($"https://localhost:{Port}/ok") with { Rollout = 2 });
        var first = held;
        (status, held) = ("503 Service Unavailable", null);
        first.SetResult("204 No Content");
        Assert.Equal(new HostAnswer(false, $"localhost:{Port} answered 503"), await AnswerAsync(hosts));
        Assert.DoesNotContain(said, answer => answer.IsYes);
        await stop.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => running);
    }

    [Fact]
    public async Task A_host_that_is_on_no_list_is_never_asked()
    {
        using var hosts = Hosts("localhost");
        var running = hosts.RunAsync(stop.Token);
        hosts.Ask(Waiting($"https://localhost:{Port}/ok"));
        var answer = await AnswerAsync(hosts);
        Assert.Equal($"'localhost:{Port}' is not on this hub's list of hosts: capillary hub run --gate-host localhost:{Port}", answer.Text);
        Assert.Equal((false, 0), (answer.IsYes, asked.CurrentCount));
        await stop.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => running);
    }

    public async Task DisposeAsync()
    {
        await stop.CancelAsync();
        listener.Stop();
        await serving;
        certificate.Dispose();
        stop.Dispose();
    }

    private static RolloutStatus Waiting(string url) => new(1, RolloutPhase.Rolling, "", [new("default", "canary", true, "", []) { Asks = url }], []);

    private GateHosts Hosts(string allowed) => new([allowed], new SocketsHttpHandler
    {
        AllowAutoRedirect = false,
        SslOptions = { RemoteCertificateValidationCallback = (_, shown, _, _) => shown?.GetCertHashString() == certificate.GetCertHashString() },
    }, TimeProvider.System, NullLogger<GateHosts>.Instance);

    private async Task AnswerOf(GateHosts hosts, string next, HostAnswer expected)
    {
        status = next;
        hosts.Ask(new(1, RolloutPhase.Rolling, "", [], []));
        hosts.Ask(Waiting($"https://localhost:{Port}/ok"));
        Assert.Equal(expected, await AnswerAsync(hosts));
    }

    private async Task<HostAnswer> AnswerAsync(GateHosts hosts)
    {
        while (true)
        {
            if (hosts.Answers.TryGetValue("default/canary", out var answer)) return answer;
            await Task.Delay(10, stop.Token);
        }
    }

    private async Task ServeAsync()
    {
        try
        {
            while (true)
            {
                using var client = await listener.AcceptTcpClientAsync(stop.Token);
                await using var stream = new SslStream(client.GetStream());
                await stream.AuthenticateAsServerAsync(new SslServerAuthenticationOptions { ServerCertificate = certificate }, stop.Token);
                var waits = held;
                asked.Release();
                await stream.ReadAtLeastAsync(new byte[16], 16, cancellationToken: stop.Token);
                var answer = waits is null ? status : await waits.Task.WaitAsync(stop.Token);
                await stream.WriteAsync(Encoding.ASCII.GetBytes($"HTTP/1.1 {answer}\r\nConnection: close\r\nContent-Length: 0\r\n\r\n"), stop.Token);
                await stream.ShutdownAsync();
            }
        }
        catch (Exception e) when (e is OperationCanceledException or SocketException or InvalidOperationException or IOException)
        {
            // The test is over.
        }
    }

    private static X509Certificate2 Certificate()
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        using var made = new CertificateRequest("CN=localhost", key, HashAlgorithmName.SHA256)
            .CreateSelfSigned(DateTimeOffset.UtcNow.AddDays(-1), DateTimeOffset.UtcNow.AddDays(1));
        return X509CertificateLoader.LoadPkcs12(made.Export(X509ContentType.Pkcs12), null);
    }
}
