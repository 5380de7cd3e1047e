using System.Net;
using InstrumentGateway.Mllp;
using Xunit;

namespace Capillary.Tests.Workloads;

public sealed class GatewayHostTests
{
    [Fact]
    public async Task A_message_is_stored_once_and_other_content_under_its_id_is_an_error()
    {
        await using var gateway = await GatewayFixture.StartAsync();
        Assert.Contains("\nMSA|AA|1\n", await gateway.SendAsync(Sender.Oru("1")));
        Assert.Contains("\nMSA|AA|1\n", await gateway.SendAsync(Sender.Oru("1")));
        var conflict = await gateway.SendAsync(Sender.Oru("1", value: "9.9"));
        Assert.Contains("\nMSA|AE|1\nERR||MSH^1^10|205^Duplicate key identifier^HL70357|E||||duplicate control id", conflict);
        Assert.Contains("\nMSA|AA|1\n", await gateway.SendAsync(Sender.Oru("1", application: "OTHER")));

        var metrics = await gateway.Http.GetStringAsync(new Uri("/metrics", UriKind.Relative));
        Assert.Contains("{listener=\"main\",outcome=\"stored\"} 2\n", metrics);
        Assert.Contains("{listener=\"main\",outcome=\"duplicate\"} 1\n", metrics);
        Assert.Contains("{listener=\"main\",outcome=\"conflict\"} 1\n", metrics);
    }

    [Fact]
    public async Task A_sender_that_is_not_declared_is_refused()
    {
        await using var gateway = await GatewayFixture.StartAsync(
            instruments: [new("a", "APP", "LAB"), new("b", "ELSE", Listener: "other")]);
        Assert.Contains("\nMSA|AA|1\n", await gateway.SendAsync(Sender.Oru("1")));
        Assert.Contains("\nMSA|AR|2\n", await gateway.SendAsync(Sender.Oru("2", facility: "WARD")));
        Assert.Contains("\nMSA|AR|3\n", await gateway.SendAsync(Sender.Oru("3", application: "ELSE")));
    }

    [Fact]
    public async Task Unparseable_input_is_answered_and_kept()
    {
        using var data = new TempFolder();
        await using (var gateway = await GatewayFixture.StartAsync(data: data.Path))
            Assert.Contains("\nMSA|AR\n", await gateway.SendAsync("what is this"));
        var log = await File.ReadAllTextAsync(Path.Combine(data.Path, "messages-00000001.log"));
        Assert.Contains("what is this", log);
    }

    [Fact]
    public async Task Several_messages_on_one_connection_however_they_are_cut()
    {
        await using var gateway = await GatewayFixture.StartAsync();
        using var client = new RawClient(gateway.Mllp);
        byte[] both = [.. MllpFrame.Around(Sender.Bytes(Sender.Oru("1"))), .. "\r\n"u8, .. MllpFrame.Around(Sender.Bytes(Sender.Oru("2")))];
        foreach (var piece in both.Chunk(7))
            await client.WriteAsync(piece);
        Assert.Contains("\nMSA|AA|1\n", await client.ReadMessageAsync());
        Assert.Contains("\nMSA|AA|2\n", await client.ReadMessageAsync());
    }

    [Fact]
    public async Task A_message_that_is_too_large_is_refused_and_the_connection_closed()
    {
        await using var gateway = await GatewayFixture.StartAsync(limits: new(MessageBytes: 1000));
        using var client = new RawClient(gateway.Mllp);
        await client.WriteAsync(MllpFrame.Around(Sender.Bytes(Sender.Oru("1", value: new('5', 1000)))));
        Assert.Contains("\nMSA|AR|1\n", await client.ReadMessageAsync());
        Assert.Null(await client.ReadMessageAsync());
    }

    [Fact]
    public async Task One_connection_too_many_is_closed_and_a_place_becomes_free_again()
    {
        await using var gateway = await GatewayFixture.StartAsync(maxConnections: 1);
        using (var first = new RawClient(gateway.Mllp))
        {
            await Connections(gateway, 1);
            using var second = new RawClient(gateway.Mllp);
            Assert.Null(await second.ReadMessageAsync());
        }

        await Connections(gateway, 0);
        Assert.Contains("\nMSA|AA|1\n", await gateway.SendAsync(Sender.Oru("1")));
    }

    [Fact]
    public async Task An_idle_connection_is_closed()
    {
        await using var gateway = await GatewayFixture.StartAsync(idleSeconds: 1);
        using var idle = new RawClient(gateway.Mllp);
        Assert.Null(await idle.ReadMessageAsync());
    }

    [Fact]
    public async Task Who_does_not_speak_mllp_is_closed()
    {
        await using var gateway = await GatewayFixture.StartAsync(limits: new(JunkBytes: 10));
        using var browser = new RawClient(gateway.Mllp);
        await browser.WriteAsync("GET / HTTP/1.1\r\n\r\n"u8.ToArray());
        Assert.Null(await browser.ReadMessageAsync());
    }

    [Fact]
    public async Task A_stop_finishes_the_message_in_hand()
    {
        var gateway = await GatewayFixture.StartAsync();
        using var idle = new RawClient(gateway.Mllp);
        using var client = new RawClient(gateway.Mllp);
        var frame = MllpFrame.Around(Sender.Bytes(Sender.Oru("1")));
        await client.WriteAsync(MllpFrame.Around(Sender.Bytes(Sender.Oru("0"))));
        Assert.Contains("\nMSA|AA|0\n", await client.ReadMessageAsync());
        await client.WriteAsync(frame[..20]);
        // The half message counts as in hand once it was read; the only outward sign is that the socket is drained.
        await Eventually.HoldsAsync(() => Task.FromResult(client.PeerHasReadAll()), "the half message is read");
        var stopped = gateway.DisposeAsync().AsTask();
        Assert.Null(await idle.ReadMessageAsync());
        await client.WriteAsync(frame[20..]);
        Assert.Contains("\nMSA|AA|1\n", await client.ReadMessageAsync());
        Assert.Null(await client.ReadMessageAsync());
        await stopped;
    }

    [Fact]
    public async Task The_page_escapes_what_it_shows_and_names_no_patient()
    {
        await using var gateway = await GatewayFixture.StartAsync();
        await gateway.SendAsync(Sender.Oru("1", value: "<script>alert(1)</script>"));
        var page = await Text(gateway, "/");
        Assert.Contains("&lt;script&gt;", page);
        Assert.Contains("&lt;Lab&gt; &amp; co", page);
        Assert.DoesNotContain("<script", page);
        Assert.DoesNotContain("Secret", page + await Text(gateway, "/api/results"));
        Assert.Contains("\"specimen\":\"S-1\"", await Text(gateway, "/api/results?limit=1"));
        Assert.Equal(HttpStatusCode.BadRequest, await Status(gateway, "/api/results?limit=0"));
        Assert.Equal(HttpStatusCode.NotFound, await Status(gateway, "/etc"));
        Assert.Contains("\"status\":\"ok\"", await Text(gateway, "/healthz"));
    }

    [Fact]
    public async Task Results_are_there_again_after_a_restart()
    {
        using var data = new TempFolder();
        await using (var gateway = await GatewayFixture.StartAsync(data: data.Path))
            await gateway.SendAsync(Sender.Oru("1", value: "7.7"));
        await using var again = await GatewayFixture.StartAsync(data: data.Path);
        Assert.Contains("\"value\":\"7.7\"", await Text(again, "/api/results"));
    }

    private static Task Connections(GatewayFixture gateway, int open) => Eventually.HoldsAsync(
        async () => (await Text(gateway, "/metrics")).Contains($"connections{{listener=\"main\"}} {open}\n"), $"{open} connections");

    private static async Task<HttpStatusCode> Status(GatewayFixture gateway, string path) =>
        (await gateway.Http.GetAsync(new Uri(path, UriKind.Relative))).StatusCode;

    private static Task<string> Text(GatewayFixture gateway, string path) => gateway.Http.GetStringAsync(new Uri(path, UriKind.Relative));
}
