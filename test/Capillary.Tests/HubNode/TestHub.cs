using System.Net;
using System.Text;
using Capillary.Core.Bundles;
using Capillary.Core.Identity;
using Capillary.Core.Protocol;
using Capillary.Core.Reports;
using Capillary.Core.Trust;
using Capillary.Fleet.Documents;
using Capillary.Fleet.Inventory;
using Capillary.Fleet.Rollouts;
using Capillary.HubNode;
using Capillary.HubNode.Publish;
using Capillary.HubNode.Rollout;
using Capillary.HubNode.Storage;
using Capillary.Node.Keys;
using Microsoft.Extensions.Logging.Abstractions;
using Xunit;

namespace Capillary.Tests.HubNode;

/// <summary>A clock that a test moves; timers run on the real one.</summary>
internal sealed class MovedTime : TimeProvider
{
    public DateTimeOffset Now { get; set; } = new(2026, 11, 20, 8, 0, 0, TimeSpan.Zero);

    public override DateTimeOffset GetUtcNow() => Now;
}

/// <summary>Commits that a test writes instead of a Git repository.</summary>
internal sealed class TestCommits
{
    private CommitOutcome newest = new CommitOutcome.Unchanged();
    private string? id;

    /// <summary>What commits say of regions from now on.</summary>
    public Dictionary<string, RegionTerms> Terms { get; } = [];

    /// <summary>Sites that commits declare in another region than <c>eu</c> from now on.</summary>
    public Dictionary<string, string> Regions { get; } = [];

    /// <summary>How commits are rolled out from now on; null: by the waves that each names.</summary>
    public PolicySet? Policies { get; set; }

    /// <summary>Sites that commits declare with another platform than <c>host</c> from now on.</summary>
    public Dictionary<string, SitePlatform> Platforms { get; } = [];

    public Task<CommitOutcome> LookAsync(string? taken, CancellationToken stop) =>
        Task.FromResult(id is not null && taken == id ? new CommitOutcome.Unchanged() : newest);

    /// <summary>A commit whose sites are given as site=text of its one app.</summary>
    public void Commit(string commit, params string[] sites) =>
        Commit(commit, [], sites.ToDictionary(site => site.Split('=')[0], site => (site.Split('=')[1], 0)));

    public void Commit(string commit, string[] waves, Dictionary<string, (string Text, int Wave)> sites)
    {
        var bundles = sites.ToDictionary(site => new SiteId(site.Key), site => Bundle(site.Value.Text));
        var policies = Policies ?? PolicySet.Only(new RolloutPolicy("default", [.. waves.Select(wave => new Wave(wave))]));
        Set(commit, new CommitOutcome.Compiled(Info(commit), new(policies, ["eu", "us"],
            sites.ToDictionary(site => new SiteId(site.Key), site =>
                new ReleasedSite(bundles[new SiteId(site.Key)].Manifest.Digest, new RegionId(Regions.GetValueOrDefault(site.Key, "eu")))
                {
                    Platform = Platforms.GetValueOrDefault(site.Key),
                    Choices = SiteChoices.Of(policies.DefaultName, site.Value.Wave < waves.Length ? site.Value.Wave : null),
                }),
            site => bundles[site]) { Terms = new Dictionary<string, RegionTerms>(Terms) }));
    }

    public void Break(string commit) =>
        Set(commit, new CommitOutcome.DoesNotCompile(Info(commit), 1,
            """[{"severity":"error","code":"CAP0001","file":"fleet.yaml","line":3,"column":5,"message":"no"}]"""));

    public void Vanish() => (newest, id) = (new CommitOutcome.Unreachable("no route to the repository"), null);

    public static Digest BundleOf(string text) => Bundle(text).Manifest.Digest;

    private static BundleContent Bundle(string text)
    {
        var layer = Blob.Of(Encoding.UTF8.GetBytes(text));
        var manifest = new BundleManifest([new(MediaTypes.App, layer.Digest, layer.Content.Length, "app")], []);
        return new([layer], [], Blob.Of(manifest.ToBytes()));
    }

    private static CommitInfo Info(string commit) => new(commit, $"subject of {commit}", "Ada <ada@example.org>",
        new DateTimeOffset(2026, 11, 20, 7, 0, 0, TimeSpan.Zero));

    private void Set(string commit, CommitOutcome outcome) => (newest, id) = (outcome, commit);
}

/// <summary>A hub in this process on a folder that can outlive it.</summary>
internal sealed class TestHub : IDisposable
{
    public TestHub(string folder, TestCommits commits, MovedTime? time = null, Func<HubOptions, HubOptions>? change = null)
    {
        Time = time ?? new MovedTime();
        HubFolder.Init(folder, new FleetName("labs"), Time.Now);
        var options = new HubOptions(folder, new IPEndPoint(IPAddress.Loopback, 0)) { Advertise = ["hub.example.org:443"] };
        Hub = new Hub(change is null ? options : change(options), commits.LookAsync, Time, NullLoggerFactory.Instance);
    }

    public Hub Hub { get; }

    public MovedTime Time { get; }

    /// <summary>Takes the newest commit and publishes until there is nothing left to publish.</summary>
    public async Task SettleAsync()
    {
        await Hub.Commits.SyncAsync(CancellationToken.None);
        while (Hub.Rollout.Step())
        {
        }
    }

    /// <summary>Enrolls a site with a key of its own.</summary>
    public SigningKey Enroll(string site)
    {
        var key = SigningKey.Create();
        var joiner = new Joiner(this, site, NodeKind.Site, key);
        if (joiner.Join(joiner.MakeCode()) is { Error: { } error }) throw new InvalidOperationException(error);
        return key;
    }

    /// <summary>Enrolls a region's node with a key of its own.</summary>
    public SigningKey EnrollRegion(string region)
    {
        var key = SigningKey.Create();
        var joiner = new Joiner(this, region, NodeKind.Region, key);
        if (joiner.Join(joiner.MakeCode()) is { Error: { } error }) throw new InvalidOperationException(error);
        return key;
    }

    /// <summary>A region says hello with what it holds.</summary>
    public void JoinRegion(string region, VerifiedCheckpoint? proven, bool sameRecords = true) =>
        Hub.Restore.Joined(new ParentOutput.Joined(Hub.Cell.Value.Records[new NodeName(region)].Record, "test/1", "boot", proven)
        {
            SameRecords = sameRecords,
        });

    /// <summary>Gives the hub a site's report of its line.</summary>
    public async Task<string?> ReportAsync(string site, SigningKey key, ReportPhase phase, long seq, long? since = null,
        NodeRecord? from = null, params Condition[] conditions)
    {
        var record = Hub.Cell.Value.Records[new NodeName(site)].Record;
        var line = Hub.Cell.Value.Lines[new SiteId(site)];
        var at = since ?? line.Assignment.Since;
        var report = new Report(1, Hub.Fleet, new SiteId(site), record.Version, seq, Time.Now, Hub.Publisher.Generation, at,
            Digest.Of(line.Line.Leaf),
            line.Assignment.Bundle, phase == ReportPhase.Healthy ? at : 0, phase, [new(new AppName("app"), true)], conditions,
            "test/1");
        using var stop = new CancellationTokenSource();
        var intake = Hub.Sites.RunAsync(stop.Token);
        var answer = await Hub.Sites.TakeAsync(key.Sign(PayloadTypes.Report, report.ToPayload()), from ?? record, CancellationToken.None);
        await stop.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => intake);
        return answer;
    }

    public void Dispose() => Hub.Dispose();
}

/// <summary>A folder that goes when the test ends.</summary>
internal sealed class TempFolder : IDisposable
{
    public string Path { get; } = Directory.CreateTempSubdirectory("capillary-").FullName;

    public string Of(string name) => System.IO.Path.Combine(Path, name);

    public void Dispose() => Directory.Delete(Path, recursive: true);
}

/// <summary>The joining side of an enrollment, step by step, so that a test can be evil between them.</summary>
internal sealed class Joiner(TestHub hub, string node, NodeKind kind, SigningKey key)
{
    private readonly byte[] nonce = new byte[EnrollmentTranscript.NonceBytes];
    private SigningKey sealing = SigningKey.Create();

    /// <summary>The same node at a hub that was restarted.</summary>
    public Joiner At(TestHub other) => new(other, node, kind, key) { sealing = sealing };

    public JoinCode MakeCode() => hub.Hub.Enrollment.MakeCode(new NodeName(node), kind, null, "tester", Enrollment.CodeLifetime) switch
    {
        CodeOutcome.Made made => made.Code,
        CodeOutcome.Refused refused => throw new InvalidOperationException(refused.Reason),
        _ => throw new InvalidOperationException(),
    };

    public EnrollRequest First(JoinCode code) => new(1, kind, code.Id(hub.Hub.Fleet), key.Public, sealing.Public, nonce, new NodeName(node));

    public EnrollRequest Second(JoinCode code, EnrollAnswer offer) =>
        First(code) with { HubNonce = offer.HubNonce, Proof = Transcript(offer).NodeProof(EnrollmentTranscript.KeyOf(code,
            hub.Hub.Fleet)) };

    public EnrollmentTranscript Transcript(EnrollAnswer offer)
    {
        var record = NodeRecord.Verify(offer.HubRecord!, TrustChain.Begin(offer.TrustRoots![0]));
        return new(hub.Hub.Fleet, new NodeName(node), kind, key.Public, sealing.Public, record.IdentityKey, offer.TrustRoots[0].Digest, nonce,
            offer.HubNonce!);
    }

    public EnrollAnswer Ask(EnrollRequest request) => hub.Hub.Enrollment.AnswerAsync(request, key.Public.Id,
        CancellationToken.None).GetAwaiter().GetResult();

    public EnrollAnswer Join(JoinCode code) => Ask(First(code)) is { Error: null } offer ? Ask(Second(code, offer)) : Ask(First(code));
}
