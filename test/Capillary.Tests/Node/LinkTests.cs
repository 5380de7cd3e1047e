using System.Collections.Concurrent;
using System.Net;
using Capillary.Core.Bundles;
using Capillary.Core.Identity;
using Capillary.Core.Protocol;
using Capillary.Core.Reports;
using Capillary.Core.Trust;
using Capillary.Node.Blobs;
using Capillary.Node.Child;
using Capillary.Node.Hosting;
using Capillary.Node.Keys;
using Capillary.Node.Parent;
using Capillary.RegionNode;
using Capillary.Sim;
using Microsoft.Extensions.Logging.Abstractions;
using Xunit;

namespace Capillary.Tests.Node;

/// <summary>Real Kestrel, real TLS, real files: a hub's parent side, a region node, and a site's child side in one process.</summary>
public sealed class LinkTests : IAsyncLifetime
{
    private static readonly RegionId Eu = new("eu");
    private static readonly SiteId Basel = new("basel");
    private readonly string folder = Directory.CreateTempSubdirectory("capillary-link-").FullName;
    private readonly Authority authority = new();
    private readonly CancellationTokenSource stop = new(TimeSpan.FromSeconds(60));
    private readonly List<Task> running = [];
    private readonly ConcurrentQueue<Report> atHub = new();

    [Fact]
    public async Task A_line_its_blobs_and_a_report_pass_through_a_region()
    {
        using var siteKey = SigningKey.Create();
        var bundle = new BundleManifest([], []);
        var (cell, blobs) = NewHub();
        blobs.PutPack([Blob.Of(bundle.ToBytes()), BundleManifest.EmptyConfig]);
        var hub = await ServeAsync(authority.HubKey, cell, blobs);
        var region = await StartRegionAsync(cell, hub);
        authority.SignRecord(new NodeName("basel"), NodeKind.Site, Eu, siteKey.Public);
        var digest = Digest.Of(bundle.ToBytes());
        authority.Publish(new Dictionary<SiteId, (RegionId, Digest, Digest?)> { [Basel] = (Eu, digest, null) }, 1, DateTimeOffset.UtcNow);
        cell.Update(_ => authority.State);

        using var site = new TestSite(authority, siteKey, Path.Combine(folder, "site"), region);
        running.Add(site.Link.RunAsync(stop.Token));
        var line = await site.Line.Task.WaitAsync(stop.Token);
        Assert.Equal(digest, line.Bundle);
        Assert.IsType<FetchOutcome.Complete>(await new BlobFetcher(site.Link, site.Blobs).FetchBundleAsync(digest, stop.Token));

        var report = new Report(1, authority.Fleet, Basel, 1, 1, DateTimeOffset.UtcNow, 1, 1, null, digest, 1, ReportPhase.Healthy, [], [], "test");
        site.Outbox.Put(Basel, siteKey.Sign(PayloadTypes.Report, report.ToPayload()));
        await Eventually(() => atHub.Any(item => item.Bundle == digest) && site.Outbox.Count == 0);
    }

    [Fact]
    public async Task A_child_without_a_record_is_refused_by_name()
    {
        using var stranger = SigningKey.Create();
        var (cell, blobs) = NewHub();
        var hub = await ServeAsync(authority.HubKey, cell, blobs);
        using var site = new TestSite(authority, stranger, Path.Combine(folder, "site"), hub);
        running.Add(site.Link.RunAsync(stop.Token));
        await Eventually(() => site.Problem?.StartsWith("not-enrolled", StringComparison.Ordinal) ?? false);
    }

    [Fact]
    public async Task Promise1_a_parent_whose_key_is_in_no_record_learns_nothing()
    {
        using var siteKey = SigningKey.Create();
        authority.SignRecord(new NodeName("basel"), NodeKind.Site, Eu, siteKey.Public);
        using var impostor = SigningKey.Create();
        var (cell, blobs) = NewHub();
        var evil = await ServeAsync(impostor, cell, blobs);
        using var site = new TestSite(authority, siteKey, Path.Combine(folder, "site"), evil);
        running.Add(site.Link.RunAsync(stop.Token));
        await Eventually(() => site.Problem?.StartsWith("wrong-parent-key", StringComparison.Ordinal) ?? false);
    }

    [Fact]
    public async Task Promise8_a_blob_whose_bytes_differ_from_its_digest_is_refused_and_a_cut_one_resumes()
    {
        using var siteKey = SigningKey.Create();
        authority.SignRecord(new NodeName("basel"), NodeKind.Site, Eu, siteKey.Public);
        var artifact = Blob.Of(new byte[100_000].Select((_, i) => (byte)i).ToArray());
        var manifest = Blob.Of(new BundleManifest([], [new(MediaTypes.Artifact, artifact.Digest, artifact.Content.Length, "a")]).ToBytes());
        var (cell, blobs) = NewHub();
        cell.Update(_ => authority.State);
        foreach (var blob in (Blob[])[manifest, BundleManifest.EmptyConfig, artifact]) blobs.Put(blob);
        var hub = await ServeAsync(authority.HubKey, cell, blobs);
        using var site = new TestSite(authority, siteKey, Path.Combine(folder, "site"), hub);
        running.Add(site.Link.RunAsync(stop.Token));
        await site.Link.WhenLiveAsync(stop.Token);
        var path = blobs.PathOf(artifact.Digest)!;
        var good = await File.ReadAllBytesAsync(path);
        await File.WriteAllBytesAsync(path, [.. good.Select((value, i) => i == 70_000 ? (byte)~value : value)]);
        var fetcher = new BlobFetcher(site.Link, site.Blobs);
        Assert.Equal(artifact.Digest, Assert.IsType<FetchOutcome.Bad>(await fetcher.FetchBundleAsync(manifest.Digest, stop.Token)).Blob);
        Assert.False(site.Blobs.Has(artifact.Digest));

        // Half of it is here from a cut transfer; only the other half crosses the wire, as its damaged first half would show.
        await File.WriteAllBytesAsync(path, [.. good.Select((value, i) => i < 50_000 ? (byte)~value : value)]);
        using (var half = site.Blobs.OpenPartial(artifact.Digest, 0)) half.Write(good.AsSpan(0, 50_000));
        Assert.IsType<FetchOutcome.Complete>(await fetcher.FetchBundleAsync(manifest.Digest, stop.Token));
        Assert.Equal(good, site.Blobs.ReadAll(artifact.Digest));
    }

    public Task InitializeAsync() => Task.CompletedTask;

    public async Task DisposeAsync()
    {
        await stop.CancelAsync();
        foreach (var task in running) await task.ContinueWith(_ => { }, TaskScheduler.Default);
        Directory.Delete(folder, recursive: true);
        stop.Dispose();
    }

    private (DesiredStateCell, BlobStore) NewHub() => (new DesiredStateCell(authority.State), new BlobStore(Path.Combine(folder, "hub")));

    private async Task<IPEndPoint> ServeAsync(SigningKey key, DesiredStateCell cell, BlobStore blobs)
    {
        var handlers = new ParentHandlers((envelope, _, _) =>
        {
            var record = cell.Value.Records[new NodeName(Report.ClaimedSite(envelope)!.Value.Value)].Record;
            atHub.Enqueue(Report.Verify(envelope, record));
            return new((string?)null);
        }, _ => { }, (_, _, _) => Task.FromResult(new EnrollAnswer("not here")), authority.Fleet);
        var server = new ParentServer(new ParentOptions(new IPEndPoint(IPAddress.Loopback, 0)), new LinkKeys(key), cell, blobs, handlers, TimeProvider.System,
            NullLoggerFactory.Instance);
        running.Add(server.RunAsync(stop.Token));
        return await server.Listening.WaitAsync(stop.Token);
    }

    private async Task<IPEndPoint> StartRegionAsync(DesiredStateCell cell, IPEndPoint hub)
    {
        var home = new NodeHome(Path.Combine(folder, "region"));
        var key = home.LoadKey();
        var record = authority.SignRecord(new NodeName("eu"), NodeKind.Region, Eu, key.Public);
        home.KeepJoined(new NodeSettings(1, authority.Fleet, new NodeName("eu"), NodeKind.Region, Eu, [hub.ToString()], 1), record.Envelope, authority.TrustRoots);
        cell.Update(_ => authority.State);
        var region = new Region(new RegionOptions(home.Folder, new IPEndPoint(IPAddress.Loopback, 0)), TimeProvider.System, NullLoggerFactory.Instance);
        running.Add(region.RunAsync(stop.Token));
        return await region.Listening.WaitAsync(stop.Token);
    }

    private async Task Eventually(Func<bool> holds)
    {
        while (!holds()) await Task.Delay(10, stop.Token);
    }

    /// <summary>The child side of a site, without an agent.</summary>
    private sealed class TestSite : IDisposable
    {
        public TestSite(Authority authority, SigningKey key, string folder, IPEndPoint parent)
        {
            Blobs = new BlobStore(folder);
            var handlers = new ChildHandlers(() => new ChildHello(0, null, "test", "boot"), (_, _) => { }, (_, lines, _) => Line.TrySetResult(Assignment.Parse(lines[0].Leaf)),
                (_, _, _) => { }, () => [], status => Problem = status.Problem);
            var options = new ParentLinkOptions(new NodeName("basel"), [new DnsEndPoint("127.0.0.1", parent.Port)]) { FirstBackoff = TimeSpan.FromMilliseconds(50) };
            Link = new ParentLink(options, new LinkKeys(key), TrustState.Begin(authority.TrustRoots[0]), handlers, Outbox, TimeProvider.System, NullLogger<ParentLink>.Instance);
        }

        public BlobStore Blobs { get; }
        public Outbox Outbox { get; } = new();
        public ParentLink Link { get; }
        public TaskCompletionSource<Assignment> Line { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);
        public string? Problem { get; private set; }

        public void Dispose() => Blobs.Dispose();
    }
}
