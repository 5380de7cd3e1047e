using System.Net;
using System.Net.Sockets;
using Capillary.Core.Identity;
using Capillary.Core.Protocol;
using Capillary.Node.Blobs;
using Capillary.Node.Doctor;
using Capillary.Node.Keys;
using Capillary.Node.Links;
using Capillary.Node.Parent;
using Capillary.Sim;
using Microsoft.Extensions.Logging.Abstractions;
using Xunit;
using Xunit.Abstractions;

namespace Capillary.Tests.Node.Doctor;

/// <summary>The doctor on real sockets: one good parent, and networks that are broken in one way each.</summary>
public sealed class DoctorTests(ITestOutputHelper output) : IAsyncLifetime
{
    private static readonly DoctorLimits Hasty = new()
    {
        Connect = TimeSpan.FromSeconds(1), Answer = TimeSpan.FromSeconds(1), Message = TimeSpan.FromSeconds(1),
    };

    private readonly string folder = Directory.CreateTempSubdirectory("capillary-doctor-").FullName;
    private readonly Authority authority = new();
    private readonly CancellationTokenSource stop = new(TimeSpan.FromSeconds(60));
    private readonly List<Task> running = [];

    public Task InitializeAsync() => Task.CompletedTask;

    public async Task DisposeAsync()
    {
        await stop.CancelAsync();
        foreach (var task in running) await task.ContinueWith(_ => { }, TaskScheduler.Default);
        Directory.Delete(folder, recursive: true);
        stop.Dispose();
    }

    [Fact]
    public async Task A_good_way_is_good_before_joining()
    {
        var found = await ExamineAsync(Target(await ServeAsync(authority.HubKey)) with { Fleet = authority.Fleet });
        Assert.Null(found.Failed);
        Assert.Equal(CheckNames.All, found.Checks.Select(check => check.Name));
        Assert.Equal([CheckState.Skipped, CheckState.Skipped, CheckState.Ok, CheckState.Ok, CheckState.Ok, CheckState.Ok, CheckState.Ok],
            found.Checks.Select(check => check.State));
    }

    [Fact]
    public async Task After_joining_the_parent_is_proven_by_its_record()
    {
        var found = await ExamineAsync(Joined(await ServeAsync(authority.HubKey)));
        Assert.Contains("it is 'hub' of fleet sim, proven", Of(found, CheckNames.Parent).Seen, StringComparison.Ordinal);
        Assert.Null(found.Failed);
    }

    [Fact]
    public async Task A_parent_that_no_record_names_is_found_out()
    {
        using var impostor = SigningKey.Create();
        var found = await ExamineAsync(Joined(await ServeAsync(impostor)));
        Assert.Equal(CheckNames.Parent, found.Failed?.Name);
        Assert.Contains("Do not go on", found.Failed!.Advice, StringComparison.Ordinal);
        Assert.Equal(CheckState.Skipped, Of(found, CheckNames.PathMtu).State);
    }

    [Fact]
    public async Task A_parent_of_another_fleet_is_named()
    {
        var found = await ExamineAsync(Target(await ServeAsync(authority.HubKey)) with { Fleet = new FleetName("wards") });
        Assert.Equal(CheckNames.Parent, found.Failed?.Name);
        Assert.Contains("fleet 'sim'", found.Failed!.Seen, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_clock_at_1970_is_a_warning_and_never_a_decision()
    {
        authority.Beat(DateTimeOffset.UtcNow);
        var found = await ExamineAsync(Joined(await ServeAsync(authority.HubKey)), time: new StoppedClock(DateTimeOffset.UnixEpoch));
        Assert.Null(found.Failed);
        var clock = Of(found, CheckNames.Clock);
        Assert.Equal(CheckState.Warning, clock.State);
        Assert.Contains("1970-01-01 00:00:00 UTC; the hub signed", clock.Seen, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_clock_ten_years_ahead_is_seen_by_what_the_parent_says()
    {
        var found = await ExamineAsync(Target(await ServeAsync(authority.HubKey)), time: new StoppedClock(DateTimeOffset.UtcNow.AddYears(10)));
        Assert.Equal(CheckState.Warning, Of(found, CheckNames.Clock).State);
        Assert.Contains("the parent says", Of(found, CheckNames.Clock).Seen, StringComparison.Ordinal);
        Assert.Null(found.Failed);
    }

    [Fact]
    public async Task A_closed_port_says_no_at_once()
    {
        var found = await FailsAsync(FreePort(), CheckNames.Port);
        Assert.Contains("says no at once", found.Seen, StringComparison.Ordinal);
    }

    [Fact]
    public async Task An_address_that_drops_packets_does_not_answer()
    {
        // Never accepted and the queue full: the kernel drops what comes, as a firewall does.
        using var full = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        full.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        full.Listen(0);
        var there = (IPEndPoint)full.LocalEndPoint!;
        var fillers = Enumerable.Range(0, 3).Select(_ => new TcpClient()).ToList();
        foreach (var filler in fillers) _ = filler.ConnectAsync(there).ContinueWith(_ => { }, TaskScheduler.Default);
        while (!await IsDroppedAsync(there)) stop.Token.ThrowIfCancellationRequested();
        var found = await FailsAsync(there.Port, CheckNames.Port, Hasty);
        Assert.Contains("does not answer", found.Seen, StringComparison.Ordinal);
        fillers.ForEach(filler => filler.Dispose());
    }

    [Fact]
    public async Task A_port_that_takes_and_never_answers_is_no_parent()
    {
        await using var server = BrokenServer.Silent();
        var found = await FailsAsync(server.Port, CheckNames.Interception, Hasty);
        Assert.Contains("says nothing", found.Seen, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_connection_that_is_cut_as_TLS_begins_is_named()
    {
        await using var server = BrokenServer.Cutting();
        Assert.Contains("ended as soon as encryption begins", (await FailsAsync(server.Port, CheckNames.Interception)).Seen,
            StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_server_without_TLS_is_another_server()
    {
        await using var server = BrokenServer.Saying("HTTP/1.1 400 Bad Request\r\n\r\n");
        Assert.Contains("does not speak TLS", (await FailsAsync(server.Port, CheckNames.Interception)).Seen, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("CN=127.0.0.1", "CN=Hospital Inspection CA")]
    [InlineData("CN=capillary", "CN=Hospital Inspection CA")]
    public async Task Interception_is_named_with_its_issuer_and_the_remedy(string subject, string issuer)
    {
        await using var server = BrokenServer.Intercepting(subject, issuer);
        var found = await FailsAsync(server.Port, CheckNames.Interception);
        Assert.Contains($"issued by '{issuer}'", found.Seen, StringComparison.Ordinal);
        Assert.Contains($"bypass rule: no TLS inspection for 127.0.0.1:{server.Port}", found.Advice, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_name_that_does_not_exist_names_the_DNS_server()
    {
        var found = await ExamineAsync(new DoctorTarget([new DnsEndPoint("no-such-parent.invalid", 443)], null), Hasty);
        Assert.Equal(CheckNames.Dns, found.Failed?.Name);
        Assert.Contains("no-such-parent.invalid cannot be", found.Failed!.Seen, StringComparison.Ordinal);
        Assert.All(found.Checks.Skip(1), check => Assert.Equal(CheckState.Skipped, check.State));
    }

    [Theory]
    [InlineData("SSH-2.0-OpenSSH_9.2\r\n", CheckNames.Proxy, "is no HTTP proxy; it says: SSH-2.0")]
    [InlineData("HTTP/1.1 403 Forbidden\r\n\r\n", CheckNames.Proxy, "does not let us through")]
    [InlineData("HTTP/1.1 407 Auth\r\nProxy-Authenticate: Basic realm=\"x\"\r\n\r\n", CheckNames.Proxy, "wants a user and a password")]
    [InlineData("HTTP/1.1 407 Auth\r\nProxy-Authenticate: NTLM\r\nProxy-Authenticate: Negotiate\r\n\r\n", CheckNames.Proxy, "NTLM, Negotiate")]
    [InlineData("HTTP/1.1 503 No\r\n\r\n", CheckNames.Port, "cannot reach hub.lab.example:443")]
    public async Task What_a_proxy_says_is_put_into_words(string says, string fails, string seen)
    {
        await using var server = BrokenServer.Saying(says);
        var found = await ExamineAsync(Through(server.Port));
        Assert.Equal(fails, found.Failed?.Name);
        Assert.Contains(seen, found.Failed!.Seen, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_proxy_that_says_nothing_and_one_that_is_not_there_differ()
    {
        await using var server = BrokenServer.Silent();
        Assert.Contains("says nothing", (await ExamineAsync(Through(server.Port), Hasty)).Failed?.Seen, StringComparison.Ordinal);
        Assert.Contains("cannot be reached", (await ExamineAsync(Through(FreePort()), Hasty)).Failed?.Seen, StringComparison.Ordinal);
    }

    [Fact]
    public async Task One_good_parent_is_enough()
    {
        var good = await ServeAsync(authority.HubKey);
        var report = await new Examination(new DoctorTarget([new("127.0.0.1", FreePort()), new("127.0.0.1", good)], null), new DoctorLimits(),
            TimeProvider.System).RunAsync(stop.Token);
        Assert.True(report.IsGood);
        Assert.Contains("1 of 2 parents", DoctorText.ToText(report), StringComparison.Ordinal);
    }

    private static Check Of(Diagnosis found, string name) => found.Checks.Single(check => check.Name == name);

    private static DoctorTarget Target(int port) => new([new DnsEndPoint("127.0.0.1", port)], null);

    private static DoctorTarget Through(int proxy) => new([new DnsEndPoint("hub.lab.example", 443)], new ProxySettings("127.0.0.1", proxy));

    private DoctorTarget Joined(int port) => Target(port) with
    {
        Fleet = authority.Fleet, Joined = (new NodeName("basel"), TrustState.Begin(authority.TrustRoots[0])),
    };

    private async Task<Check> FailsAsync(int port, string name, DoctorLimits? limits = null)
    {
        var found = await ExamineAsync(Target(port), limits);
        Assert.Equal(name, found.Failed?.Name);
        return found.Failed!;
    }

    private async Task<Diagnosis> ExamineAsync(DoctorTarget target, DoctorLimits? limits = null, TimeProvider? time = null)
    {
        var report = await new Examination(target, limits ?? new DoctorLimits(), time ?? TimeProvider.System).RunAsync(stop.Token);
        output.WriteLine(DoctorText.ToText(report));
        return Assert.Single(report.Parents);
    }

    private async Task<int> ServeAsync(SigningKey key)
    {
        var handlers = new ParentHandlers((_, _, _) => new((string?)null), _ => { },
            (_, _, _) => Task.FromResult(new EnrollAnswer("not here")), authority.Fleet);
        var server = new ParentServer(new ParentOptions(new IPEndPoint(IPAddress.Loopback, 0)), new LinkKeys(key), new DesiredStateCell(authority.State),
            new BlobStore(Path.Combine(folder, "blobs")), handlers, TimeProvider.System, NullLoggerFactory.Instance);
        running.Add(server.RunAsync(stop.Token));
        return (await server.Listening.WaitAsync(stop.Token)).Port;
    }

    private static async Task<bool> IsDroppedAsync(IPEndPoint there)
    {
        using var client = new TcpClient();
        using var limit = new CancellationTokenSource(TimeSpan.FromMilliseconds(300));
        try
        {
            await client.ConnectAsync(there, limit.Token);
            return false;
        }
        catch (OperationCanceledException)
        {
            return true;
        }
    }

    private static int FreePort()
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        return ((IPEndPoint)listener.LocalEndpoint).Port;
    }

    private sealed class StoppedClock(DateTimeOffset now) : TimeProvider
    {
        public override DateTimeOffset GetUtcNow() => now;
    }
}
