using System.Collections.Concurrent;
using System.Net;
using Capillary.Core.Bundles;
using Capillary.Core.Identity;
using Capillary.Core.Protocol;
using Capillary.Node.Blobs;
using Capillary.Node.Child;
using Capillary.Node.Keys;
using Capillary.Node.Parent;
using Capillary.Sim;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;

namespace Capillary.Tests.Node.Networks;

/// <summary>Real parents and the child side of a site in one process; what is between them is the test's.</summary>
internal sealed class LinkBench : IAsyncDisposable
{
    private readonly List<Task> running = [];
    private readonly CancellationTokenSource stop;

    public LinkBench(int deadlineSeconds = 60)
    {
        stop = new CancellationTokenSource(TimeSpan.FromSeconds(deadlineSeconds));
        Authority.SignRecord(new NodeName("basel"), NodeKind.Site, new RegionId("eu"), SiteKey.Public);
        SiteBlobs = new BlobStore(Path.Combine(Folder, "site"));
        ParentBlobs = new BlobStore(Path.Combine(Folder, "parent"));
    }

    public string Folder { get; } = Directory.CreateTempSubdirectory("capillary-links-").FullName;
    public Authority Authority { get; } = new();
    public SigningKey SiteKey { get; } = SigningKey.Create();
    public BlobStore SiteBlobs { get; }
    public BlobStore ParentBlobs { get; }
    public Outbox Outbox { get; } = new();
    public CancellationToken Stop => stop.Token;

    /// <summary>All that the link said of itself, oldest first.</summary>
    public ConcurrentQueue<LinkStatus> Statuses { get; } = new();

    public Action<LinkStatus> OnStatus { get; set; } = _ => { };

    public Task<IPEndPoint> ServeAsync() => ServeAsync(Authority.HubKey, IPAddress.Loopback);

    public async Task<IPEndPoint> ServeAsync(SigningKey key, IPAddress at)
    {
        var handlers = new ParentHandlers((_, _, _) => new((string?)null), _ => { }, (_, _, _) => Task.FromResult(new EnrollAnswer("not here")),
            Authority.Fleet);
        var server = new ParentServer(new ParentOptions(new IPEndPoint(at, 0)), new LinkKeys(key), new DesiredStateCell(Authority.State), ParentBlobs,
            handlers, TimeProvider.System, NullLoggerFactory.Instance);
        running.Add(server.RunAsync(Stop));
        return await server.Listening.WaitAsync(Stop);
    }

    public ParentLinkOptions To(params IPEndPoint[] parents) =>
        new(new NodeName("basel"), [.. parents.Select(parent => new DnsEndPoint(parent.Address.ToString(), parent.Port))])
        {
            FirstBackoff = TimeSpan.FromMilliseconds(50),
        };

    /// <summary>The site's link, running until the bench ends or <paramref name="until"/>.</summary>
    public ParentLink Run(ParentLinkOptions options, ILogger<ParentLink>? log = null, CancellationToken until = default)
    {
        var handlers = new ChildHandlers(() => new ChildHello(0, null, "test", "boot"), (_, _) => { }, (_, _, _) => { }, (_, _, _) => { }, () => [],
            status =>
            {
                Statuses.Enqueue(status);
                OnStatus(status);
            });
        var link = new ParentLink(options, new LinkKeys(SiteKey), TrustState.Begin(Authority.TrustRoots[0]), handlers, Outbox, TimeProvider.System,
            log ?? NullLogger<ParentLink>.Instance);
        running.Add(RunAsync());
        return link;

        async Task RunAsync()
        {
            using var either = CancellationTokenSource.CreateLinkedTokenSource(Stop, until);
            await link.RunAsync(either.Token);
        }
    }

    /// <summary>A bundle with one artifact of each size, in the parent's blobs.</summary>
    public (Digest Bundle, IReadOnlyList<Blob> Artifacts) Bundle(params int[] sizes)
    {
        var random = new Random(7);
        var artifacts = sizes.Select(size =>
        {
            var content = new byte[size];
            random.NextBytes(content);
            return Blob.Of(content);
        }).ToList();
        var manifest = Blob.Of(new BundleManifest([],
            [.. artifacts.OrderBy(blob => blob.Digest.Text, StringComparer.Ordinal).Select((blob, i) => new Descriptor(MediaTypes.Artifact, blob.Digest, blob.Content.Length, $"a{i}"))]).ToBytes());
        foreach (var blob in artifacts.Append(manifest).Append(BundleManifest.EmptyConfig)) ParentBlobs.Put(blob);
        return (manifest.Digest, artifacts);
    }

    /// <summary>The first status that fits.</summary>
    public async Task<LinkStatus> StatusAsync(Func<LinkStatus, bool> fits)
    {
        await Eventually(() => Statuses.Any(fits));
        return Statuses.First(fits);
    }

    public async Task Eventually(Func<bool> holds)
    {
        try
        {
            while (!holds()) await Task.Delay(10, Stop);
        }
        catch (OperationCanceledException)
        {
            throw new TimeoutException($"the link said: {string.Join("; ", Statuses.TakeLast(5))}");
        }
    }

    public async ValueTask DisposeAsync()
    {
        await stop.CancelAsync();
        foreach (var task in running) await task.ContinueWith(_ => { }, TaskScheduler.Default);
        SiteBlobs.Dispose();
        ParentBlobs.Dispose();
        SiteKey.Dispose();
        Directory.Delete(Folder, recursive: true);
        stop.Dispose();
    }
}
