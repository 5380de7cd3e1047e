using System.Net;
using System.Security.Cryptography;
using System.Text;
using Capillary.Core.Bundles;
using Capillary.Core.Identity;
using Capillary.Core.Protocol;
using Capillary.Core.Trust;
using Capillary.EdgeAgent;
using Capillary.Fleet.Documents;
using Capillary.Fleet.Inventory;
using Capillary.Fleet.Rollouts;
using Capillary.HubNode;
using Capillary.HubNode.Publish;
using Capillary.HubNode.Rollout;
using Capillary.HubNode.Storage;
using Capillary.Node.Child;
using Capillary.Node.Hosting;
using Capillary.Node.Keys;
using Capillary.Node.Links;
using Capillary.RegionNode;
using Capillary.Tests.Core.Apply;
using Capillary.Tests.HubNode;
using Capillary.Tests.Node.Networks;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging.Abstractions;
using Xunit;
using BundleContent = Capillary.HubNode.Publish.BundleContent;

namespace Capillary.Tests.RedTeam;

/// <summary>
/// A real hub with its real link server, a region <c>eu</c> that enrolled over that link, and the sites basel and lyon in it, tokyo in
/// another one. The region's keys are the tests'; an honest region process runs with the same keys beside.
/// </summary>
internal sealed class RedFleet : IAsyncDisposable
{
    private const string Notice = "etc/notice";
    private readonly TempFolder folder = new();
    private readonly CancellationTokenSource stop = new(TimeSpan.FromMinutes(5));
    private readonly CancellationTokenSource hubStop = new();
    private readonly List<Task> running = [];
    private CancellationTokenSource? regionStop;
    private Task? region;
    private CommitOutcome newest = new CommitOutcome.Unchanged();
    private string? commit;

    public RedFleet()
    {
        HubFolder.Init(folder.Of("hub"), new FleetName("labs"), Time.Now);
        Hub = new Hub(new HubOptions(folder.Of("hub"), new IPEndPoint(IPAddress.Loopback, 0)),
            (taken, _) => Task.FromResult(taken is not null && taken == commit ? new CommitOutcome.Unchanged() : newest), Time,
            NullLoggerFactory.Instance);
        Clock = new SiteClock(Time.Now);
    }

    public static SiteId Basel { get; } = new("basel");

    public MovedTime Time { get; } = new();

    public Hub Hub { get; }

    public CancellationToken Stop => stop.Token;

    /// <summary>The clock of the site's agent.</summary>
    public SiteClock Clock { get; }

    /// <summary>The region's identity key, which its owner may use as he likes.</summary>
    public SigningKey RegionKey { get; private set; } = null!;

    public NodeRecord RegionRecord => Record("eu").Record;

    /// <summary>What is between the site and its parent: leads to whomever a test wants.</summary>
    public Relay Wire { get; private set; } = null!;

    public IPEndPoint Honest { get; private set; } = null!;

    public IPEndPoint HubAt { get; private set; } = null!;

    public string Site => folder.Of("basel");

    public string Of(string name) => folder.Of(name);

    public SignedRecord Record(string node) => Hub.Cell.Value.Records[new NodeName(node)];

    public OfferedLine Line(string site) => Hub.Cell.Value.Lines[new SiteId(site)];

    /// <summary>Starts hub and region; the first commit is published, and all sites have joined.</summary>
    public async Task StartAsync()
    {
        running.Add(Hub.RunAsync(hubStop.Token));
        HubAt = await Hub.Listening.WaitAsync(Stop);
        await Hub.ApiListening.WaitAsync(Stop);
        await CommitAsync("one");
        await JoinAsync("eu", NodeKind.Region, HubAt);
        RegionKey = SigningKey.Load(Path.Combine(folder.Of("eu"), "identity.pem"));
    }

    /// <summary>The region's own process, as honest as it was delivered.</summary>
    public async Task StartHonestRegionAsync()
    {
        if (regionStop is not null) await regionStop.CancelAsync();
        if (region is not null) await region;
        regionStop = CancellationTokenSource.CreateLinkedTokenSource(Stop);
        var started = new Region(new RegionOptions(folder.Of("eu"), new IPEndPoint(IPAddress.Loopback, 0)), TimeProvider.System,
            NullLoggerFactory.Instance);
        region = started.RunAsync(regionStop.Token);
        Honest = await started.Listening.WaitAsync(Stop);
        Wire ??= new Relay(Honest);
    }

    /// <summary>The hub is away from now on.</summary>
    public async Task StopHubAsync()
    {
        await hubStop.CancelAsync();
        await running[0].WaitAsync(Stop);
    }

    /// <summary>The hub signs a node's next record and offers it.</summary>
    public void Sign(NodeRecord record)
    {
        var signed = new SignedRecord(record, Hub.Keys.Release.Sign(PayloadTypes.Record, record.ToPayload()));
        Hub.Database.Write(db => RecordTables.AddRecord(db, signed, Time.Now));
        Hub.Cell.Update(state => state with { Records = state.Records.SetItem(record.Node, signed) });
    }

    /// <summary>What the honest region says to a site that dials with this key: the refusal's code, null: it is let in.</summary>
    public async Task<string?> DialAsync(string site, SigningKey key)
    {
        using var connection = new LinkConnection(new DnsEndPoint("127.0.0.1", Honest.Port), key);
        using var session = await connection.OpenSessionAsync(Stop);
        await session.Frames.WriteAsync(new Frame.TrustQuery(LinkProtocol.Version, new NodeName(site), 1), Stop);
        await session.Frames.WriteAsync(new Frame.Hello(0, null, "test", "boot"), Stop);
        try
        {
            await session.Frames.WriteAsync(Frame.Beat.Instance, Stop);
        }
        catch (Exception e) when (e is IOException or OperationCanceledException or InvalidOperationException)
        {
            // It was refused already; why is still to be read.
        }
        while (await session.Frames.ReadAsync(Stop) is { } frame)
        {
            if (frame is Frame.Refusal refusal) return refusal.Code;
            if (frame is Frame.Beat) return null;
        }
        return "ended";
    }

    /// <summary>A region in another's hands: until a test changes it, it greets with the hub's records and serves the hub's content.</summary>
    public EvilParent EvilParent(SigningKey? key = null) => new(key ?? RegionKey) { Greeting = Greeting, Serve = ServeAsync };

    public Frame.TrustAnswer Greeting(Frame.TrustQuery query) => new([], Record("eu").Envelope, Hub.Cell.Value.Beacon);

    public async Task ServeAsync(HttpContext context, Digest digest)
    {
        if (Hub.Blobs.ReadAll(digest) is { } bytes) await context.Response.Body.WriteAsync(bytes);
        else context.Response.StatusCode = StatusCodes.Status404NotFound;
    }

    /// <summary>A real agent, linked to whomever the wire leads to.</summary>
    public void StartSite()
    {
        Directory.CreateDirectory(Path.Combine(Site, "root"));
        var edge = new Edge(Site, Clock, NullLoggerFactory.Instance);
        running.Add(Task.Run(() => edge.RunAsync(Stop)));
    }

    /// <summary>Joins over the real link, with keys that it makes itself.</summary>
    public async Task<NodeHome> JoinAsync(string node, NodeKind kind, params IPEndPoint[] parents)
    {
        var made = Assert.IsType<CodeOutcome.Made>(Hub.Enrollment.MakeCode(new NodeName(node), kind, null, "tester", Enrollment.CodeLifetime));
        var home = new NodeHome(folder.Of(node));
        var outcome = await Joining.JoinAsync(home, new JoinTarget(kind, [HubAt.ToString()], made.Code), Stop);
        Assert.True(outcome is JoinOutcome.Joined, $"{outcome}");
        if (parents.Length > 0) home.KeepSettings(home.LoadSettings() with { Parents = [.. parents.Select(parent => parent.ToString())] });
        return home;
    }

    /// <summary>A commit waits for nobody: a site that an evil parent keeps from its line would be waited for.</summary>
    private static readonly PolicySet AtOnce = PolicySet.Only(new RolloutPolicy("default", []) { IsEmergency = true });

    /// <summary>Publishes a commit that changes every site's bundle.</summary>
    public async Task CommitAsync(string text)
    {
        Time.Now += TimeSpan.FromSeconds(5);
        SiteId[] sites = [Basel, new("lyon"), new("tokyo")];
        var contents = sites.ToDictionary(site => site, site => Content($"{text} {site}"));
        newest = new CommitOutcome.Compiled(new CommitInfo(text, text, "Ada <ada@example.org>", Time.Now), new(AtOnce, ["eu", "us"],
            sites.ToDictionary(site => site, site => new ReleasedSite(contents[site].Manifest.Digest,
                new RegionId(site.Value == "tokyo" ? "us" : "eu"))), site => contents[site]));
        commit = text;
        await Hub.Commits.SyncAsync(Stop);
        await UntilAsync($"the lines of {text}", () => sites.All(site =>
            Hub.Cell.Value.Lines.GetValueOrDefault(site)?.Assignment.Bundle == contents[site].Manifest.Digest));
    }

    /// <summary>Publishes a commit and leads the site to an honest parent until it runs it; then back.</summary>
    public async Task ConvergeAsync(string text, IPEndPoint? then = null)
    {
        Wire.To = Honest;
        await CommitAsync(text);
        Wire.Cut();
        await UntilAsync($"the site to run {text}", () => Applied() == $"{text} basel");
        await UntilAsync($"the hub to know that {text} runs", () => Hub.Sites.Seen.GetValueOrDefault(Basel)?.Report is
            { Phase: Capillary.Core.Reports.ReportPhase.Healthy } report && report.Since == Line("basel").Assignment.Since);
        if (then is null) return;
        Wire.To = then;
        Wire.Cut();
    }

    /// <summary>What the site's people find on its disk.</summary>
    public string? Applied() => Path.Combine(Site, "root", Notice) is var file && File.Exists(file) ? File.ReadAllText(file) : null;

    /// <summary>All that the site accepted, trusts, is, and applied: a line per file.</summary>
    public SortedDictionary<string, string> SiteFacts()
    {
        var facts = new SortedDictionary<string, string>(StringComparer.Ordinal);
        string[] files = ["accepted.json", "record.json", "node.json", "identity.pem", "identity-next.pem", "sealing.pem"];
        var all = files.Select(file => Path.Combine(Site, file)).Where(File.Exists)
            .Concat(Directory.EnumerateFiles(Path.Combine(Site, "trust"))).Concat(
                Directory.EnumerateFiles(Path.Combine(Site, "root"), "*", SearchOption.AllDirectories));
        foreach (var file in all)
            facts[Path.GetRelativePath(Site, file)] = Convert.ToHexStringLower(SHA256.HashData(File.ReadAllBytes(file)));
        return facts;
    }

    /// <summary>All that the hub believes of its nodes and has from them: one line per fact.</summary>
    public SortedDictionary<string, string> HubFacts()
    {
        var facts = new SortedDictionary<string, string>(StringComparer.Ordinal);
        var state = Hub.Cell.Value;
        facts["generation"] = $"{state.Generation}";
        facts["revocations"] = string.Join(",", state.Revocations.Order(StringComparer.Ordinal));
        facts["roots"] = string.Join(",", state.TrustRoots.Select(root => root.Digest));
        facts["conditions"] = string.Join(",", Hub.Conditions.All.Select(one => one.Code));
        foreach (var (node, record) in state.Records) facts[$"record {node}"] = $"{record.Envelope.Digest}";
        foreach (var (site, line) in state.Lines) facts[$"line {site}"] = $"{line.Assignment} {line.Checkpoint.Digest}";
        foreach (var (site, seen) in Hub.Sites.Seen)
            if (seen.Report is { } report) facts[$"report {site}"] = $"{report.Incarnation} {report.Seq} {report.Phase}";
        foreach (var view in Hub.Views.All()) facts[$"state {view.Site}"] = $"{view.State}";
        foreach (var one in Hub.Database.Read(db => EventTables.List(db, null, 0, int.MaxValue)))
            facts[$"event {one.Id}"] = $"{one.Site} {one.First} {one.Last} {one.Text}";
        foreach (var site in (string[])["basel", "lyon", "tokyo"])
            facts[$"cursor {site}"] = $"{Hub.Database.Read(db => EventTables.Cursor(db, new SiteId(site)))}";
        return facts;
    }

    /// <summary>What differs; null: nothing.</summary>
    public static string? Differs(SortedDictionary<string, string> before, SortedDictionary<string, string> after)
    {
        var text = new StringBuilder();
        foreach (var key in before.Keys.Union(after.Keys).Where(key => before.GetValueOrDefault(key) != after.GetValueOrDefault(key)))
            text.Append($"{key} was '{before.GetValueOrDefault(key)}' and is '{after.GetValueOrDefault(key)}'; ");
        return text.Length == 0 ? null : text.ToString();
    }

    public async Task UntilAsync(string what, Func<bool> holds)
    {
        var deadline = DateTime.UtcNow + TimeSpan.FromSeconds(60);
        while (!holds())
        {
            if (running.Find(task => task.IsFaulted) is { } broken) await broken;
            Assert.True(DateTime.UtcNow < deadline && !stop.IsCancellationRequested, $"waited for {what}");
            await Task.Delay(10);
        }
    }

    public async ValueTask DisposeAsync()
    {
        await hubStop.CancelAsync();
        await stop.CancelAsync();
        if (region is not null) await region.ContinueWith(_ => { }, TaskScheduler.Default);
        foreach (var task in running) await task.ContinueWith(_ => { }, TaskScheduler.Default);
        if (Wire is not null) await Wire.DisposeAsync();
        Hub.Dispose();
        RegionKey?.Dispose();
        folder.Dispose();
        regionStop?.Dispose();
        hubStop.Dispose();
        stop.Dispose();
    }

    private static BundleContent Content(string text)
    {
        var layer = Blob.Of(new TestApp("notice").File("text", Notice, text).Layer().ToBytes());
        var manifest = new BundleManifest([new(MediaTypes.App, layer.Digest, layer.Content.Length, "notice")], []);
        return new([layer], [], Blob.Of(manifest.ToBytes()));
    }
}
