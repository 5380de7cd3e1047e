using System.Net;
using System.Net.Sockets;
using System.Runtime.Versioning;
using System.Text.Json;
using Capillary.Core.Apply;
using Capillary.EdgeAgent.Apply.Host;
using Capillary.Tests.Core.Apply;
using Xunit;

namespace Capillary.Tests.EdgeAgent.Apply;

[SupportedOSPlatform("linux")]
public sealed class HostServiceTests
{
    private static readonly string[] Sleep = ["sleep", "1000"];

    private static Dictionary<string, object?> Probe(string kind, object body) => new()
    {
        ["health"] = new Dictionary<string, object?>
        {
            [kind] = body, ["intervalSeconds"] = 1, ["failureThreshold"] = 1, ["timeoutSeconds"] = 1,
        },
    };

    [Fact]
    public async Task A_service_gets_its_user_its_variables_its_folder_its_log_and_nothing_else()
    {
        await using var site = new HostSite();
        Environment.SetEnvironmentVariable("CAPILLARY_TEST_LEAK", "leaked");
        site.Start();
        const string script = "id -un; pwd; tr '\\0' '\\n' </proc/$$/environ; "
            + "grep -E 'NoNewPrivs|CapBnd' /proc/self/status; echo \"$1\"; exec sleep 1000";
        var variables = new Dictionary<string, object?> { ["MODE"] = "a b;$(id)", ["-S"] = "x" };
        await site.ApplyAsync(site.Bundles.Bundle(new TestApp("a").Service(
            "s", "app", ["sh", "-c", script, "zero", "'; $HOME `id`"], new() { ["environment"] = variables })));
        var log = site.Log("a", "s").Split('\n');
        Assert.Equal(HostSite.IsRoot ? "nobody" : Environment.UserName, log[0]);
        Assert.Equal(site.Root, log[1]);
        Assert.Contains("MODE=a b;$(id)", log);
        Assert.Contains("-S=x", log);
        Assert.Contains("'; $HOME `id`", log);
        Assert.Contains("NoNewPrivs:\t1", log);
        if (HostSite.IsRoot) Assert.Contains("CapBnd:\t0000000000000000", log);
        Assert.DoesNotContain(log, line => line.StartsWith("CAPILLARY_TEST_LEAK", StringComparison.Ordinal));
        Assert.Equal(site.Record("a", "s")!.Process, ProcTable.FindMarked($"basel-lab-1/a/s/{site.Record("a", "s")!.Id}"));
    }

    [Fact]
    public async Task Promise2_services_run_on_without_the_agent_and_are_adopted()
    {
        await using var site = new HostSite();
        site.Start();
        var bundle = site.Bundles.Bundle(new TestApp("a").Service("s", "app", Sleep));
        await site.ApplyAsync(bundle);
        var process = site.Record("a", "s")!.Process;
        await site.StopAsync();
        Assert.True(ProcTable.IsAlive(process));
        await site.RestartAsync();
        await site.UntilAsync(() => site.Status.Apps is [{ State: HealthState.Healthy }]);
        Assert.Equal((ApplyPhase.Healthy, process), (site.Status.Phase, site.Record("a", "s")!.Process));
        // Adopted, it is supervised as before.
        Libc.Signal(process.Pid, Libc.Kill);
        await site.UntilAsync(() => site.Record("a", "s")!.Process is var now && now != process && ProcTable.IsAlive(now), seconds: 10);
        await site.UntilAsync(() => site.Has(ConditionCodes.DriftRepaired, "started again"));
    }

    [Fact]
    public async Task Promise2_a_crash_between_start_and_record_never_starts_a_second_process()
    {
        await using var site = new HostSite();
        site.Start();
        await site.ApplyAsync(site.Bundles.Bundle(new TestApp("a").Service("s", "app", Sleep)));
        await site.StopAsync();
        var record = site.Record("a", "s")!;
        // As it is on disk just before the process is made.
        var torn = record with { Phase = ServicePhase.Starting, Pid = 0, Started = 0 };
        File.WriteAllBytes(site.RecordPath("a", "s"), JsonSerializer.SerializeToUtf8Bytes(torn, HostJson.Default.ServiceRecord));
        await site.RestartAsync();
        await site.UntilAsync(() => site.Record("a", "s") is { Phase: ServicePhase.Running });
        Assert.Equal((record.Process, record.Attempt), (site.Record("a", "s")!.Process, site.Record("a", "s")!.Attempt));
    }

    [Fact]
    public async Task A_killed_service_is_back_within_ten_seconds_and_told()
    {
        await using var site = new HostSite();
        site.Start();
        await site.ApplyAsync(site.Bundles.Bundle(new TestApp("a").Service("s", "app", Sleep)));
        var process = site.Record("a", "s")!.Process;
        Libc.Signal(process.Pid, Libc.Kill);
        await site.UntilAsync(() => site.Has(ConditionCodes.DriftRepaired, "signal 9"), seconds: 10);
        Assert.True(ProcTable.IsAlive(site.Record("a", "s")!.Process));
        Assert.NotEqual(process, site.Record("a", "s")!.Process);
    }

    [Fact]
    public async Task A_changed_file_or_specification_starts_anew_and_the_rest_is_left_alone()
    {
        await using var site = new HostSite();
        site.Start();
        TestApp Still() => new TestApp("still").Service("s", "app", Sleep);
        TestApp App(string content) => new TestApp("a").File("f", "a.conf", content).Service("s", "app", Sleep);
        await site.ApplyAsync(site.Bundles.Bundle(App("1"), Still(), new TestApp("gone").Service("s", "app", Sleep)));
        var (before, still, gone) = (site.Record("a", "s")!.Process, site.Record("still", "s")!.Process, site.Record("gone", "s")!.Process);
        await site.ApplyAsync(site.Bundles.Bundle(App("2"), Still()));
        Assert.False(ProcTable.IsAlive(before));
        Assert.True(ProcTable.IsAlive(site.Record("a", "s")!.Process));
        Assert.Equal(still, site.Record("still", "s")!.Process);
        Assert.False(ProcTable.IsAlive(gone));
        Assert.Null(site.Record("gone", "s"));
    }

    [Fact]
    public async Task A_service_that_ignores_the_signal_is_killed_with_all_its_children()
    {
        await using var site = new HostSite();
        site.Start();
        const string script = "trap '' TERM; sleep 1000 & echo $!; while :; do sleep 1; done";
        await site.ApplyAsync(site.Bundles.Bundle(
            new TestApp("a").Service("s", "app", ["sh", "-c", script], new() { ["stopSeconds"] = 1 })));
        await site.UntilAsync(() => site.Log("a", "s").Contains('\n'));
        var (process, child) = (site.Record("a", "s")!.Process, int.Parse(site.Log("a", "s").Split('\n')[0]));
        await site.ApplyAsync(site.Bundles.Bundle());
        await site.UntilAsync(() => !ProcTable.IsAlive(process) && ProcTable.Find(child) is null);
    }

    [Fact]
    public async Task Promise4_an_unhealthy_bundle_is_reverted_with_the_reason()
    {
        await using var site = new HostSite();
        site.Start();
        var good = site.Bundles.Bundle(new TestApp("a").File("f", "f", "good").Service("s", "app", Sleep));
        await site.ApplyAsync(good);
        var bad = site.Bundles.Bundle(new TestApp("a", Deadline: 3).File("f", "f", "bad")
            .Service("s", "app", Sleep, Probe("exec", new { command = new[] { "sh", "-c", "exit 3" } })));
        site.Assign(bad, good);
        await site.UntilEndAsync(ApplyPhase.Reverted);
        Assert.True(site.Has(ConditionCodes.Reverted, "'sh' ended with 3"), site.Describe());
        Assert.Equal((good, "good"), (site.Status.Bundle!.Value, File.ReadAllText(site.In("f"))));
        await site.RestartAsync();
        await site.UntilAsync(() => site.Status.Apps is [{ State: HealthState.Healthy }]);
        Assert.Equal(ApplyPhase.Reverted, site.Status.Phase);
    }

    [Fact]
    public async Task A_program_that_is_missing_loops_with_back_off_and_says_so()
    {
        await using var site = new HostSite();
        site.Start();
        site.Assign(site.Bundles.Bundle(new TestApp("a", Deadline: 30).Service("s", "app", ["no-such-program"])));
        await site.UntilAsync(() => site.Has(ConditionCodes.ServiceCrashLooping, "exit code 12"));
        Assert.Equal(ApplyPhase.Verifying, site.Status.Phase);
        Assert.Contains("no-such-program", site.Log("a", "s"), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Http_and_tcp_probes_tell_healthy_from_not()
    {
        await using var site = new HostSite();
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        var status = "200 OK";
        var port = ((IPEndPoint)listener.LocalEndpoint).Port;
        using var over = new CancellationTokenSource();
        var server = ServeAsync(listener, () => Volatile.Read(ref status), over.Token);
        site.Start();
        await site.ApplyAsync(site.Bundles.Bundle(
            new TestApp("h").Service("s", "app", Sleep, Probe("http", new { port, path = "/health" })),
            new TestApp("t").Service("s", "app", Sleep, Probe("tcp", new { port }))));
        Volatile.Write(ref status, "503 No");
        await site.UntilAsync(
            () => site.Status.Phase == ApplyPhase.Unhealthy && site.Has(ConditionCodes.HealthCheckFailed, "answered 503"));
        Assert.Equal(HealthState.Healthy, site.Status.Apps[1].State);
        Volatile.Write(ref status, "302 Found");
        await site.UntilAsync(() => site.Status.Phase == ApplyPhase.Healthy && site.Status.Conditions.IsEmpty);
        await over.CancelAsync();
        listener.Stop();
        await server;
    }

    [Theory]
    [InlineData("stranger", null, ConditionCodes.UserNotAllowed, "not on this site's list")]
    [InlineData("ghost", null, ConditionCodes.UserNotAllowed, "does not exist")]
    [InlineData("me", null, ConditionCodes.UserNotAllowed, "does not allow root")]
    [InlineData("app", 80, ConditionCodes.PortNotAllowed, "port 80")]
    public async Task What_the_site_does_not_allow_is_not_run(string user, int? port, string code, string text)
    {
        // Not root, "me" is a plain account and allowed.
        if (user == "me" && !HostSite.IsRoot) return;
        await using var site = new HostSite(o => o with { AllowRoot = false });
        site.Start();
        var probe = port is null ? null : Probe("tcp", new { port });
        site.Assign(site.Bundles.Bundle(new TestApp("a").File("f", "f", "x").Service("s", user, Sleep, probe)));
        await site.UntilEndAsync(ApplyPhase.Degraded);
        Assert.True(site.Has(code, text), site.Describe());
        Assert.False(File.Exists(site.In("f")));
        Assert.Null(site.Record("a", "s"));
    }

    [Fact]
    public async Task A_privileged_port_on_the_sites_list_can_be_listened_on_without_root()
    {
        // The test needs root to give the capability, and an interpreter that can listen.
        if (!HostSite.IsRoot || !File.Exists("/usr/bin/perl")) return;
        await using var site = new HostSite(o => o with { PrivilegedPorts = new HashSet<int> { 987 } });
        site.Start();
        const string script = "use IO::Socket::INET; my $s = IO::Socket::INET->new(LocalAddr => '127.0.0.1:987', Listen => 5, "
            + "ReuseAddr => 1) or die $!; while (my $c = $s->accept) { close $c }";
        await site.ApplyAsync(site.Bundles.Bundle(
            new TestApp("a").Service("s", "app", ["/usr/bin/perl", "-e", script], Probe("tcp", new { port = 987 }))));
        Assert.Equal("", site.Log("a", "s"));
    }

    [Fact]
    public async Task Logs_are_kept_within_their_limit()
    {
        await using var site = new HostSite();
        site.Start();
        const string script = "while :; do echo 0123456789012345678901234567890123456789; sleep 0.002; done";
        await site.ApplyAsync(site.Bundles.Bundle(new TestApp("a").Service(
            "s", "app", ["sh", "-c", script], new() { ["logs"] = new { maxBytes = 4096, keep = 2 } })));
        var log = $"{site.Options.StateFolder}/logs/a.s.log";
        await site.UntilAsync(() => File.Exists($"{log}.2"));
        await site.UntilAsync(() => new FileInfo(log).Length > 0);
        Assert.Equal(3, Directory.GetFiles(Path.GetDirectoryName(log)!, "a.s.log*").Length);
    }

    private static async Task ServeAsync(TcpListener listener, Func<string> status, CancellationToken stop)
    {
        try
        {
            while (true)
            {
                using var client = await listener.AcceptSocketAsync(stop);
                var buffer = new byte[4096];
                if (await client.ReceiveAsync(buffer, stop) == 0) continue;
                var answer = $"HTTP/1.1 {status()}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n";
                await client.SendAsync(System.Text.Encoding.ASCII.GetBytes(answer), stop);
            }
        }
        catch (Exception e) when (e is OperationCanceledException or SocketException)
        {
            // The test is over.
        }
    }
}
