using System.Diagnostics;
using System.Runtime.Versioning;
using Capillary.Core.Apply;
using Capillary.Core.Bundles;
using Capillary.EdgeAgent.Apply;
using Capillary.EdgeAgent.Apply.Host;
using Capillary.Tests.Core.Apply;
using Microsoft.Extensions.Logging.Abstractions;
using Xunit;

namespace Capillary.Tests.EdgeAgent.Apply;

/// <summary>A real host site in a temporary folder: real files, real processes.</summary>
[SupportedOSPlatform("linux")]
internal sealed class HostSite : IAsyncDisposable
{
    private CancellationTokenSource stop = new();
    private Task running = Task.CompletedTask;
    private long since;

    public HostSite(Func<HostApplyOptions, HostApplyOptions>? change = null, string? root = null)
    {
        Folder = Directory.CreateTempSubdirectory("capillary-").FullName;
        // The temporary folder is 0700; services of other users need to get through.
        File.SetUnixFileMode(Folder, (UnixFileMode)0x1ED);
        Root = root ?? $"{Folder}/root";
        Directory.CreateDirectory(Root);
        Directory.CreateDirectory($"{Folder}/blobs");
        Bundles = new TestBundles($"{Folder}/blobs");
        var me = Environment.UserName;
        Options = new HostApplyOptions
        {
            Site = "basel-lab-1",
            StateFolder = $"{Folder}/state",
            Roots = [Root],
            Users = new Dictionary<string, string> { ["me"] = me, ["app"] = IsRoot ? "nobody" : me, ["ghost"] = "no-such-account" },
            AllowRoot = true,
            SpaceMargin = 0,
            Beat = TimeSpan.FromMilliseconds(50),
            DriftInterval = TimeSpan.FromMilliseconds(200),
        };
        Options = change?.Invoke(Options) ?? Options;
        Host = Create();
    }

    public static bool IsRoot => Environment.UserName == "root";

    public string Folder { get; }

    public string Root { get; }

    public TestBundles Bundles { get; }

    public HostApplyOptions Options { get; }

    public SiteApply Host { get; private set; }

    public ApplyStatus Status => Host.Status;

    public Func<Digest, FetchOutcome> Fetch { get; set; } = _ => new FetchOutcome.Ready();

    public string In(string path) => Path.Combine(Root, path);

    public void Start() => running = Host.RunAsync(stop.Token);

    /// <summary>The agent ends and another one begins; services are not told.</summary>
    public async Task RestartAsync()
    {
        await StopAsync();
        Host = Create();
        Start();
    }

    public async Task StopAsync()
    {
        await stop.CancelAsync();
        await running;
        stop = new CancellationTokenSource();
    }

    public long Assign(Digest bundle, Digest? fallback = null)
    {
        Host.Assign(new DesiredBundle(bundle, fallback, ++since));
        return since;
    }

    public async Task ApplyAsync(Digest bundle, Digest? fallback = null)
    {
        var assigned = Assign(bundle, fallback);
        await UntilAsync(() => Status.Since == assigned && Status.Phase == ApplyPhase.Healthy);
    }

    public Task UntilEndAsync(ApplyPhase phase) => UntilAsync(() => Status.Since == since && Status.Phase == phase);

    public async Task UntilAsync(Func<bool> holds, int seconds = 20)
    {
        var clock = Stopwatch.StartNew();
        while (!holds())
        {
            if (running.IsFaulted) await running;
            Assert.True(clock.Elapsed < TimeSpan.FromSeconds(seconds), $"not so after {seconds} s: {Describe()}");
            await Task.Delay(20);
        }
    }

    public bool Has(string code, string? text = null) =>
        Status.Conditions.Any(c => c.Code == code && (text is null || c.Text.Contains(text, StringComparison.Ordinal)));

    public ServiceRecord? Record(string app, string name)
    {
        try
        {
            return System.Text.Json.JsonSerializer.Deserialize(File.ReadAllBytes(RecordPath(app, name)), HostJson.Default.ServiceRecord);
        }
        catch (FileNotFoundException)
        {
            return null;
        }
    }

    public string RecordPath(string app, string name) => $"{Options.StateFolder}/services/{app}.{name}.json";

    public string Log(string app, string name) =>
        File.Exists($"{Options.StateFolder}/logs/{app}.{name}.log") ? File.ReadAllText($"{Options.StateFolder}/logs/{app}.{name}.log") : "";

    public string Describe() => $"{Status.Phase} since {Status.Since} {Status.Bundle} apps [{string.Join(", ", Status.Apps)}] "
        + string.Join("; ", Status.Conditions.Select(c => $"{c.Code} {c.Subject}: {c.Text}"));

    public async ValueTask DisposeAsync()
    {
        try
        {
            await StopAsync();
        }
        finally
        {
            var services = $"{Options.StateFolder}/services";
            foreach (var path in Directory.Exists(services) ? Directory.GetFiles(services) : [])
            {
                var record = System.Text.Json.JsonSerializer.Deserialize(File.ReadAllBytes(path), HostJson.Default.ServiceRecord)!;
                if (ProcTable.IsAlive(record.Process)) Libc.Signal(-record.Pid, Libc.Kill);
            }
            Directory.Delete(Folder, recursive: true);
        }
    }

    /// <summary>An agent's apply on this machine.</summary>
    public static SiteApply Apply(HostApplyOptions options, Func<Digest, string?> blobs, Func<Digest, FetchOutcome> fetch) => new(
        options.StateFolder, new HostTarget(options, blobs, TimeProvider.System, NullLogger.Instance), options.Beat,
        (bundle, _) => Task.FromResult(fetch(bundle)), TimeProvider.System, NullLogger.Instance);

    private SiteApply Create() => Apply(Options, Bundles.PathOf, bundle => Fetch(bundle));
}
