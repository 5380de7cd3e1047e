using System.Diagnostics;
using System.Net.Sockets;
using System.Runtime.CompilerServices;
using System.Runtime.Versioning;
using System.Text;
using System.Text.Json;
using Capillary.Core.Apply;
using Capillary.Core.Bundles;
using Capillary.EdgeAgent.Apply;
using Capillary.EdgeAgent.Commands;
using Capillary.EdgeAgent.Interlock;
using Capillary.Tests.Core.Apply;
using Capillary.Tests.EdgeAgent.Apply;
using Microsoft.Extensions.Logging;
using Xunit;

namespace Capillary.Tests.EdgeAgent.Interlock;

/// <summary>The interlock's socket, before a real site with files and processes; a workload here is a raw Unix socket.</summary>
[SupportedOSPlatform("linux")]
public sealed class HoldSocketTests : IAsyncLifetime
{
    private readonly HostSite site = new();
    private readonly CancellationTokenSource stop = new();
    private readonly Lines log = new();
    private Task serving = Task.CompletedTask;

    private string SocketPath => HoldFolder.SocketOf(site.Folder);

    public async Task InitializeAsync()
    {
        site.Start();
        serving = new HoldSocket(site.Folder, null, site.Host, TimeProvider.System, log).RunAsync(stop.Token);
        await site.UntilAsync(() => log.Has(4120));
    }

    [Fact]
    public async Task What_is_held_waits_and_begins_when_the_hold_ends()
    {
        var (one, two) = (Bundle("1"), Bundle("2"));
        await site.ApplyAsync(one);
        var held = await AskAsync("""{"v":1,"do":"hold","name":"run","reason":"run in progress","maxSeconds":7200}""");
        Assert.Equal((true, false, false), (Is(held, "ok"), Is(held, "applying"), Is(held, "waiting")));
        // It was durable before it was answered.
        Assert.Contains("run in progress", File.ReadAllText($"{site.Options.StateFolder}/apply.json"), StringComparison.Ordinal);
        site.Assign(two, one);
        await site.UntilEndAsync(ApplyPhase.Held);
        var list = await AskAsync("""{"v":1,"do":"list"}""");
        Assert.True(Is(list, "waiting"));
        var hold = Assert.Single(list.GetProperty("holds").EnumerateArray());
        Assert.Equal(("run", "run in progress", 7200, false), (hold.GetProperty("name").GetString(), hold.GetProperty("reason").GetString(),
            hold.GetProperty("maxSeconds").GetInt32(), Is(hold, "overdue")));
        Assert.Equal("1", File.ReadAllText(site.In("etc/f")));
        var over = await AskAsync("""{"v":1,"do":"unhold","name":"run"}""");
        Assert.Equal((true, true), (Is(over, "ok"), Is(over, "ended")));
        await site.UntilEndAsync(ApplyPhase.Healthy);
        Assert.Equal("2", File.ReadAllText(site.In("etc/f")));
        Assert.False(Is(await AskAsync("""{"v":1,"do":"unhold","name":"run"}"""), "ended"));
    }

    [Fact]
    public async Task While_an_update_is_applied_a_hold_is_taken_and_told_so()
    {
        await site.ApplyAsync(Bundle("1"));
        // Never healthy: its health is asked for until the deadline.
        site.Assign(site.Bundles.Bundle(new TestApp("a").Service("s", "me", ["sleep", "1000"], new()
        {
            ["health"] = new Dictionary<string, object?> { ["tcp"] = new Dictionary<string, object?> { ["port"] = 65_432 } },
        })));
        await site.UntilEndAsync(ApplyPhase.Verifying);
        var held = await AskAsync("""{"v":1,"do":"hold","reason":"run in progress"}""");
        Assert.Equal((true, true), (Is(held, "ok"), Is(held, "applying")));
        Assert.Equal((Hold.DefaultName, Hold.DefaultMax), (held.GetProperty("holds")[0].GetProperty("name").GetString(),
            held.GetProperty("holds")[0].GetProperty("maxSeconds").GetInt32()));
    }

    [Fact]
    public async Task A_hold_stands_when_the_agent_begins_anew()
    {
        var (one, two) = (Bundle("1"), Bundle("2"));
        await site.ApplyAsync(one);
        await AskAsync("""{"v":1,"do":"hold","name":"run","reason":"run in progress"}""");
        await site.RestartAsync();
        site.Assign(two, one);
        await site.UntilEndAsync(ApplyPhase.Held);
        Assert.Equal("run", site.Host.Holds.Holds.Single().Name);
        Assert.Equal("1", File.ReadAllText(site.In("etc/f")));
    }

    [Theory]
    [InlineData("{", "not a request")]
    [InlineData("", "not a request")]
    [InlineData("null", "a request of version 0; this agent understands 1")]
    [InlineData("""{"do":"list"}""", "a request of version 0; this agent understands 1")]
    [InlineData("""{"v":2,"do":"list"}""", "a request of version 2; this agent understands 1")]
    [InlineData("""{"v":1,"do":"stop"}""", "there is no 'stop' to do; use hold, unhold or list")]
    [InlineData("""{"v":1}""", "there is no '' to do")]
    [InlineData("""{"v":1,"do":"hold"}""", "the reason is missing")]
    [InlineData("""{"v":1,"do":"hold","reason":"r","maxSeconds":1}""", "expected 60 to 86400")]
    [InlineData("""{"v":1,"do":"hold","reason":"r","max":7200}""", "could not be mapped")]
    [InlineData("""{"v":1,"do":"hold","reason":"r","maxSeconds":"2h"}""", "not a request")]
    public async Task Promise8_What_is_no_request_is_answered_in_words_and_holds_nothing(string line, string says)
    {
        var answer = await AskAsync(line);
        Assert.False(Is(answer, "ok"));
        Assert.Contains(says, answer.GetProperty("error").GetString(), StringComparison.Ordinal);
        Assert.Empty(site.Host.Holds.Holds);
    }

    [Fact]
    public async Task Promise8_Who_says_nothing_or_too_much_keeps_nobody_else_away()
    {
        var silent = new List<Socket>();
        for (var i = 0; i < 5; i++) silent.Add(await ConnectAsync());
        var long_ = await AskAsync($$"""{"v":1,"do":"hold","reason":"{{new string('x', HoldSocket.MaxRequest)}}"}""");
        Assert.Contains("longer than 4096 bytes", long_.GetProperty("error").GetString(), StringComparison.Ordinal);
        Assert.True(Is(await AskAsync("""{"v":1,"do":"list"}"""), "ok"));
        // More than are served at once: they are let go after their time, and the next is answered.
        for (var i = 0; i < 8; i++) silent.Add(await ConnectAsync());
        Assert.True(Is(await AskAsync("""{"v":1,"do":"list"}"""), "ok"));
        Assert.Contains("no request within 5 s", await ReadAsync(silent[0]), StringComparison.Ordinal);
        foreach (var socket in silent) socket.Dispose();
        // Who hangs up before the answer is no matter either, and what he said stands.
        using (var hasty = await ConnectAsync()) await hasty.SendAsync("{\"v\":1,\"do\":\"hold\",\"reason\":\"r\"}\n"u8.ToArray());
        await site.UntilAsync(() => site.Host.Holds.Holds.Length == 1);
    }

    [Fact]
    public async Task Only_the_group_may_use_it_and_nobody_may_replace_it()
    {
        const UnixFileMode Permissions = (UnixFileMode)0x1ff;
        Assert.Equal((UnixFileMode)0x1b0, File.GetUnixFileMode(SocketPath) & Permissions); // 0660
        Assert.Equal((UnixFileMode)0x1e8, File.GetUnixFileMode(Path.GetDirectoryName(SocketPath)!) & Permissions); // 0750
        // A killed agent leaves its socket behind: the next one takes its place, and it is the one that answers.
        var stale = SocketPath;
        await stop.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => serving);
        Assert.True(File.Exists(stale));
        await Assert.ThrowsAsync<SocketException>(ConnectAsync);
        using var next = HoldFolder.Listen(site.Folder, null);
        using var caller = await ConnectAsync();
        using var answered = await next.AcceptAsync();
        Assert.Equal(["hold.sock"], Directory.EnumerateFileSystemEntries(Path.GetDirectoryName(stale)!).Select(Path.GetFileName));
    }

    [Fact]
    public void Promise8_What_keeps_the_socket_away_is_said_in_words()
    {
        Assert.Contains("holdGroup: there is no group 'no-such-group' on this machine; make it: groupadd --system no-such-group",
            Assert.Throws<IOException>(() => HoldFolder.Listen(site.Folder, "no-such-group")).Message, StringComparison.Ordinal);
        var deep = Directory.CreateDirectory(Path.Combine(site.Folder, new string('x', 100))).FullName;
        Assert.Contains("is longer than a socket's path may be", Assert.Throws<IOException>(() => HoldFolder.Listen(deep, null)).Message,
            StringComparison.Ordinal);
        var linked = Directory.CreateDirectory(Path.Combine(site.Folder, "linked")).FullName;
        Directory.CreateSymbolicLink(Path.Combine(linked, "hold"), Path.GetTempPath());
        Assert.Contains("is a link", Assert.Throws<IOException>(() => HoldFolder.Listen(linked, null)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void With_a_group_of_its_own_workloads_get_through_to_it()
    {
        if (!HostSite.IsRoot) return;
        var home = Directory.CreateDirectory(Path.Combine(site.Folder, "home"), (UnixFileMode)0x1c0).FullName;
        using var socket = HoldFolder.Listen(home, "nogroup");
        Assert.Equal((UnixFileMode)0x1c9, File.GetUnixFileMode(home)); // 0711
        Assert.Equal("nogroup", GroupOf(HoldFolder.SocketOf(home)));
        Assert.Equal("nogroup", GroupOf(Path.Combine(home, "hold")));
    }

    [Fact]
    public async Task The_program_that_the_page_shows_holds()
    {
        if (!File.Exists("/usr/bin/python3")) return;
        var page = await File.ReadAllTextAsync(Path.Combine(Root(), "docs/operations/interlock.md"));
        var program = page.Split("```python\n")[1].Split("```")[0];
        Assert.Contains(EdgeOptions.DefaultFolder, program, StringComparison.Ordinal);
        using var python = Process.Start(new ProcessStartInfo("/usr/bin/python3", ["-c", program.Replace(EdgeOptions.DefaultFolder, site.Folder)
            + "print(held['ok'], held['applying'])"]) { RedirectStandardOutput = true })!;
        Assert.Equal("True False\n", await python.StandardOutput.ReadToEndAsync());
        Assert.Equal(("analyzer", 7200), (site.Host.Holds.Holds.Single().Name, site.Host.Holds.Holds.Single().MaxSeconds));
    }

    [Fact]
    public void The_wire_is_golden()
    {
        var hold = new Hold("run", "Lauf läuft", 7200, new DateTimeOffset(2026, 11, 29, 10, 0, 0, TimeSpan.Zero));
        var told = new HoldsTold(null, false, false, true, [hold], hold.Since.AddHours(3));
        byte[][] lines =
        [
            new HoldRequest { V = 1, Do = "hold", Name = "run", Reason = "Lauf läuft", MaxSeconds = 7200 }.ToLine(),
            HoldAnswer.Of(told, isUnhold: false).ToLine(),
            new HoldRequest { V = 1, Do = "unhold", Name = "run" }.ToLine(),
            HoldAnswer.Of(told with { Ended = true, Waiting = false, Applying = true, Holds = [] }, isUnhold: true).ToLine(),
            HoldAnswer.Of(told with { Refusal = "the reason is missing" }, isUnhold: false).ToLine(),
        ];
        GoldenFile.Check("hold-messages", string.Concat(lines.Select(Encoding.UTF8.GetString)));
    }

    public async Task DisposeAsync()
    {
        await stop.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => serving);
        await site.DisposeAsync();
        stop.Dispose();
    }

    private Digest Bundle(string text) => site.Bundles.Bundle(new TestApp("a").File("f", "etc/f", text));

    private async Task<JsonElement> AskAsync(string line)
    {
        using var socket = await ConnectAsync();
        await socket.SendAsync(Encoding.UTF8.GetBytes(line + "\n"));
        return JsonSerializer.Deserialize<JsonElement>(await ReadAsync(socket));
    }

    private async Task<Socket> ConnectAsync()
    {
        var socket = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        await socket.ConnectAsync(new UnixDomainSocketEndPoint(SocketPath));
        return socket;
    }

    private static async Task<string> ReadAsync(Socket socket)
    {
        using var limit = new CancellationTokenSource(TimeSpan.FromSeconds(30));
        await using var stream = new NetworkStream(socket);
        using var reader = new StreamReader(stream);
        return await reader.ReadLineAsync(limit.Token) ?? "";
    }

    private static bool Is(JsonElement json, string name) => json.GetProperty(name).GetBoolean();

    private static string Root([CallerFilePath] string here = "") => Path.GetFullPath(Path.Combine(Path.GetDirectoryName(here)!, "../../../.."));

    private static string GroupOf(string path)
    {
        using var stat = Process.Start(new ProcessStartInfo("stat", ["-c", "%G", path])
        {
            RedirectStandardOutput = true,
        })!;
        return stat.StandardOutput.ReadToEnd().Trim();
    }

    /// <summary>Which events were logged.</summary>
    private sealed class Lines : ILogger
    {
        private readonly HashSet<int> ids = [];

        public bool Has(int id)
        {
            lock (ids) return ids.Contains(id);
        }

        public IDisposable? BeginScope<TState>(TState state) where TState : notnull => null;

        public bool IsEnabled(LogLevel logLevel) => true;

        public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter)
        {
            lock (ids) ids.Add(eventId.Id);
        }
    }
}
