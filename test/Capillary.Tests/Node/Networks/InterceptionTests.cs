using System.Net;
using System.Net.Security;
using System.Net.Sockets;
using System.Security.Authentication;
using System.Security.Cryptography;
using Capillary.Node.Child;
using Capillary.Node.Keys;
using Capillary.Node.Links;
using Xunit;

namespace Capillary.Tests.Node.Networks;

/// <summary>What answers in the parent's place is named, and learns nothing.</summary>
public sealed class InterceptionTests : IAsyncLifetime
{
    private readonly LinkBench bench = new();
    private IPEndPoint parent = null!;

    public async Task InitializeAsync() => parent = await bench.ServeAsync();

    public async Task DisposeAsync() => await bench.DisposeAsync();

    [Fact]
    public async Task An_inspecting_proxy_with_an_RSA_certificate_is_named_by_its_CA()
    {
        using var key = RSA.Create(2048);
        await using var proxy = new InterceptingProxy(key);
        var status = await FailsAsync(proxy.Settings);
        Assert.Equal(LinkProblem.Intercepted, status.Kind);
        Assert.Equal($"TLS to 127.0.0.1:{parent.Port} is intercepted: the certificate shown is issued by 'Hospital Proxy CA'; "
            + $"ask the network's people for a bypass rule (no inspection) for 127.0.0.1:{parent.Port}", status.Problem);
    }

    [Fact]
    public async Task Promise1_an_inspecting_proxy_with_a_P256_certificate_is_found_out_by_the_parents_record()
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        using var own = SigningKey.Create();
        await using var proxy = new InterceptingProxy(key) { ClientKey = own };
        var status = await FailsAsync(proxy.Settings);
        Assert.Equal(LinkProblem.Intercepted, status.Kind);
        Assert.StartsWith("wrong-parent-key: ", status.Problem, StringComparison.Ordinal);
        Assert.Contains("issued by 'Hospital Proxy CA', and its key is not the parent's; ask the network's people", status.Problem,
            StringComparison.Ordinal);
    }

    [Fact]
    public async Task An_inspecting_proxy_that_the_parent_turns_away_is_named_all_the_same()
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        await using var proxy = new InterceptingProxy(key);
        var status = await FailsAsync(proxy.Settings);
        Assert.Equal(LinkProblem.Intercepted, status.Kind);
        Assert.Contains("'Hospital Proxy CA'", status.Problem, StringComparison.Ordinal);
    }

    [Fact]
    public async Task An_inspecting_proxy_that_speaks_no_HTTP2_is_named()
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        await using (var silent = new InterceptingProxy(key) { Application = null })
        {
            var status = await FailsAsync(silent.Settings);
            Assert.Equal(LinkProblem.Intercepted, status.Kind);
            Assert.Contains("does not offer HTTP/2", status.Problem, StringComparison.Ordinal);
        }
        await using var old = new InterceptingProxy(key) { Application = SslApplicationProtocol.Http11 };
        var refused = await FailsAsync(old.Settings);
        Assert.Equal(LinkProblem.Intercepted, refused.Kind);
        Assert.Contains("does not offer HTTP/2", refused.Problem, StringComparison.Ordinal);
    }

    [Fact]
    public async Task An_inspecting_proxy_with_TLS_1_2_only_is_named()
    {
        using var key = RSA.Create(2048);
        await using var proxy = new InterceptingProxy(key) { Protocols = SslProtocols.Tls12 };
        var status = await FailsAsync(proxy.Settings);
        Assert.Equal(LinkProblem.Intercepted, status.Kind);
        Assert.Contains("does not offer TLS 1.3", status.Problem, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("HTTP/1.1 302 Found\r\nLocation: http://login.ward/\r\n\r\n", "answers in plain HTTP, not in TLS: a login page of this network")]
    [InlineData("SSH-2.0-OpenSSH_9.2\r\n", "does not answer in TLS")]
    public async Task What_does_not_speak_TLS_is_named(string says, string text)
    {
        using var portal = new TcpListener(IPAddress.Loopback, 0);
        portal.Start();
        var answering = AnswerAsync(portal, says);
        using var connection = new LinkConnection(new DnsEndPoint("127.0.0.1", ((IPEndPoint)portal.LocalEndpoint).Port), bench.SiteKey);
        var e = await Assert.ThrowsAsync<LinkException>(() => connection.OpenSessionAsync(bench.Stop));
        Assert.Equal(LinkProblem.NotAParent, e.Problem);
        Assert.Contains(text, e.Message, StringComparison.Ordinal);
        await answering;
    }

    [Fact]
    public async Task A_server_that_is_no_proxy_is_named_and_its_flood_is_not_read()
    {
        foreach (var says in (string[])["SSH-2.0-OpenSSH_9.2\r\n", "HTTP/1.1 200 " + new string('x', 100_000), "HTTP/1.1 banana\r\n\r\n"])
        {
            using var server = new TcpListener(IPAddress.Loopback, 0);
            server.Start();
            var answering = AnswerAsync(server, says);
            var proxy = new ProxySettings("127.0.0.1", ((IPEndPoint)server.LocalEndpoint).Port);
            using var connection = new LinkConnection(new DnsEndPoint("hub.example", 443), bench.SiteKey, proxy);
            var e = await Assert.ThrowsAsync<LinkException>(() => connection.OpenSessionAsync(bench.Stop));
            Assert.Equal(LinkProblem.ProxyFailed, e.Problem);
            Assert.Contains("is no HTTP proxy", e.Message, StringComparison.Ordinal);
            await answering;
        }
    }

    [Fact]
    public async Task A_proxy_that_takes_no_Basic_says_what_it_takes()
    {
        using var server = new TcpListener(IPAddress.Loopback, 0);
        server.Start();
        var answering = AnswerAsync(server, "HTTP/1.1 407 No\r\nProxy-Authenticate: Negotiate\r\nProxy-Authenticate: NTLM\r\n\r\n");
        var proxy = new ProxySettings("127.0.0.1", ((IPEndPoint)server.LocalEndpoint).Port, "lab", "secret1");
        using var connection = new LinkConnection(new DnsEndPoint("hub.example", 443), bench.SiteKey, proxy);
        var e = await Assert.ThrowsAsync<LinkException>(() => connection.OpenSessionAsync(bench.Stop));
        Assert.Equal(LinkProblem.ProxyAuthentication, e.Problem);
        Assert.Contains("wants Negotiate or NTLM, and only Basic", e.Message, StringComparison.Ordinal);
        await answering;
    }

    [Fact]
    public async Task A_name_without_an_address_is_named()
    {
        using var connection = new LinkConnection(new DnsEndPoint("no-such-host.invalid", 443), bench.SiteKey);
        var e = await Assert.ThrowsAsync<LinkException>(() => connection.OpenSessionAsync(bench.Stop));
        Assert.Equal(LinkProblem.DnsFailed, e.Problem);
        using var wrong = new LinkConnection(new DnsEndPoint("hub example\r\nX: y", 443), bench.SiteKey);
        Assert.Equal(LinkProblem.DnsFailed, (await Assert.ThrowsAsync<LinkException>(() => wrong.OpenSessionAsync(bench.Stop))).Problem);
    }

    [Fact]
    public async Task A_parent_is_dialled_by_an_IPv6_address_too()
    {
        if (!Socket.OSSupportsIPv6) return;
        var six = await bench.ServeAsync(bench.Authority.HubKey, IPAddress.IPv6Loopback);
        await bench.Run(bench.To(six)).WhenLiveAsync(bench.Stop);
    }

    private async Task<LinkStatus> FailsAsync(ProxySettings proxy)
    {
        using var done = new CancellationTokenSource();
        bench.Statuses.Clear();
        bench.Run(bench.To(parent) with { Proxy = proxy }, until: done.Token);
        var status = await bench.StatusAsync(status => status.Problem is not null);
        await done.CancelAsync();
        return status;
    }

    private async Task AnswerAsync(TcpListener listener, string says)
    {
        using var client = await listener.AcceptTcpClientAsync(bench.Stop);
        var stream = client.GetStream();
        var heard = new byte[4096];
        try
        {
            await stream.ReadAtLeastAsync(heard, 1, throwOnEndOfStream: false, bench.Stop);
            await stream.WriteAsync(System.Text.Encoding.ASCII.GetBytes(says), bench.Stop);
            while (await stream.ReadAsync(heard, bench.Stop) > 0) { }
        }
        catch (IOException)
        {
            // The child closed on us.
        }
    }
}
