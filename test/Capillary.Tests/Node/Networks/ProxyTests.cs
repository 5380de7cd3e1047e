using System.Net;
using Capillary.Node.Child;
using Capillary.Node.Links;
using Xunit;

namespace Capillary.Tests.Node.Networks;

/// <summary>Links through real proxies of Debian's packages.</summary>
public sealed class ProxyTests : IAsyncLifetime
{
    private readonly LinkBench bench = new();
    private IPEndPoint parent = null!;

    public async Task InitializeAsync() => parent = await bench.ServeAsync();

    public async Task DisposeAsync() => await bench.DisposeAsync();

    [NeedsProgramFact("tinyproxy")]
    public async Task A_link_lives_through_tinyproxy()
    {
        await using var proxy = await ProxyProcess.TinyproxyAsync(parent.Port, null, bench.Stop);
        await LiveAsync(proxy.Settings);
    }

    [NeedsProgramFact("tinyproxy")]
    public async Task A_link_lives_through_tinyproxy_with_a_password()
    {
        await using var proxy = await ProxyProcess.TinyproxyAsync(parent.Port, ("lab", "secret1"), bench.Stop);
        await LiveAsync(proxy.Settings with { User = "lab", Password = "secret1" });
    }

    [NeedsProgramFact("squid")]
    public async Task A_link_lives_through_squid()
    {
        await using var proxy = await ProxyProcess.SquidAsync(parent.Port, basic: false, bench.Stop);
        await LiveAsync(proxy.Settings);
    }

    [NeedsProgramFact("squid")]
    public async Task A_link_lives_through_squid_with_a_password_of_all_characters()
    {
        await using var proxy = await ProxyProcess.SquidAsync(parent.Port, basic: true, bench.Stop);
        await LiveAsync(proxy.WithPassword(ProxyProcess.Password));
    }

    [NeedsProgramFact("squid")]
    public async Task The_parents_name_is_the_proxys_to_resolve()
    {
        await using var proxy = await ProxyProcess.SquidAsync(parent.Port, basic: false, bench.Stop);
        var nowhere = bench.To(parent) with { Parents = [new DnsEndPoint("no-such-host.invalid", parent.Port)] };
        bench.Run(nowhere with { Proxy = proxy.Settings });
        var status = await bench.StatusAsync(status => status.Problem is not null);
        Assert.Equal(LinkProblem.ProxyFailed, status.Kind);
        Assert.Contains($"does not reach no-such-host.invalid:{parent.Port} (5", status.Problem, StringComparison.Ordinal);
    }

    [NeedsProgramFact("tinyproxy")]
    public async Task Promise8_tinyproxy_refusals_are_named()
    {
        await using var proxy = await ProxyProcess.TinyproxyAsync(parent.Port, ("lab", "secret1"), bench.Stop);
        await FailsAsync(proxy.Settings, LinkProblem.ProxyAuthentication, "wants a user and password (407)");
        await FailsAsync(proxy.Settings with { User = "lab", Password = "wr0ng-one" }, LinkProblem.ProxyAuthentication,
            "does not take the user 'lab' with this password");
        await using var other = await ProxyProcess.TinyproxyAsync(1, null, bench.Stop);
        await FailsAsync(other.Settings, LinkProblem.ProxyRefused, $"forbids a tunnel to 127.0.0.1:{parent.Port} (403");
    }

    [NeedsProgramFact("squid")]
    public async Task Promise8_squid_refusals_are_named()
    {
        await using var proxy = await ProxyProcess.SquidAsync(parent.Port, basic: true, bench.Stop);
        await FailsAsync(proxy.Settings, LinkProblem.ProxyAuthentication, "wants a user and password (407)");
        await FailsAsync(proxy.WithPassword("wr0ng-one"), LinkProblem.ProxyAuthentication, $"does not take the user '{ProxyProcess.User}'");
        await using var other = await ProxyProcess.SquidAsync(1, basic: false, bench.Stop);
        await FailsAsync(other.Settings, LinkProblem.ProxyRefused, $"forbids a tunnel to 127.0.0.1:{parent.Port} (403");
    }

    [Fact]
    public Task Promise8_a_proxy_that_is_not_there_is_named() =>
        FailsAsync(new ProxySettings("127.0.0.1", ProxyProcess.FreePort()), LinkProblem.ProxyUnreachable, "check the proxy's address and port");

    [NeedsProgramFact("tinyproxy")]
    public async Task Promise8_a_blob_that_was_cut_with_the_proxy_goes_on_where_it_was_cut()
    {
        const int Size = 6 << 20;
        await using var wire = new Relay(parent);
        var (bundle, artifacts) = bench.Bundle(Size);
        var first = await ProxyProcess.TinyproxyAsync(wire.At.Port, null, bench.Stop);
        using var oneProxy = new CancellationTokenSource();
        var link = bench.Run(bench.To(wire.At) with { Proxy = first.Settings }, until: oneProxy.Token);
        await link.WhenLiveAsync(bench.Stop);
        var slow = new BlobFetcher(link, bench.SiteBlobs, new LinkLimits(2_000_000));
        var fetching = slow.FetchBundleAsync(bundle, bench.Stop);
        await bench.Eventually(() => bench.SiteBlobs.PartialLength(artifacts[0].Digest) > Size / 2);
        await first.DisposeAsync();
        Assert.IsType<FetchOutcome.Unavailable>(await fetching);
        await oneProxy.CancelAsync();
        var have = bench.SiteBlobs.PartialLength(artifacts[0].Digest);
        Assert.InRange(have, Size / 2, Size - 1);

        var before = wire.Down;
        await using var second = await ProxyProcess.TinyproxyAsync(wire.At.Port, null, bench.Stop);
        var again = bench.Run(bench.To(wire.At) with { Proxy = second.Settings });
        await again.WhenLiveAsync(bench.Stop);
        Assert.IsType<FetchOutcome.Complete>(await new BlobFetcher(again, bench.SiteBlobs).FetchBundleAsync(bundle, bench.Stop));
        Assert.Equal(artifacts[0].Content.ToArray(), bench.SiteBlobs.ReadAll(artifacts[0].Digest));
        // TLS, HTTP/2 and the session take some percent beside.
        Assert.InRange(wire.Down - before, Size - have, (Size - have) * 1.05 + 64_000);
    }

    private async Task LiveAsync(ProxySettings proxy)
    {
        var link = bench.Run(bench.To(parent) with { Proxy = proxy });
        await link.WhenLiveAsync(bench.Stop);
        var (bundle, artifacts) = bench.Bundle(100_000);
        Assert.IsType<FetchOutcome.Complete>(await new BlobFetcher(link, bench.SiteBlobs).FetchBundleAsync(bundle, bench.Stop));
        Assert.True(bench.SiteBlobs.Has(artifacts[0].Digest));
    }

    private async Task FailsAsync(ProxySettings proxy, LinkProblem problem, string text)
    {
        using var done = new CancellationTokenSource();
        bench.Statuses.Clear();
        var log = new WrittenLog();
        bench.Run(bench.To(parent) with { Proxy = proxy }, log, done.Token);
        var status = await bench.StatusAsync(status => status.Problem is not null);
        await done.CancelAsync();
        Assert.Equal(problem, status.Kind);
        Assert.Contains(text, status.Problem, StringComparison.Ordinal);
        Assert.Contains(status.Problem!, log.Text, StringComparison.Ordinal);
        if (proxy.Password is { } password) Assert.DoesNotContain(password, log.Text, StringComparison.Ordinal);
    }
}
