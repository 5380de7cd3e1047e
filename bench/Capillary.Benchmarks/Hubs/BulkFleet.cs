using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using Capillary.Benchmarks.Links;
using Capillary.Core.Bundles;
using Capillary.Core.Identity;
using Capillary.Core.Protocol;
using Capillary.Core.Reports;
using Capillary.Core.Trust;
using Capillary.Fleet.Documents;
using Capillary.Fleet.Inventory;
using Capillary.Fleet.Rollouts;
using Capillary.HubNode.Publish;
using Capillary.HubNode.Rollout;
using Capillary.HubNode.Storage;
using Capillary.Node.Keys;

namespace Capillary.Benchmarks.Hubs;

/// <summary>
/// Sites by the thousand for a real hub, without a compiler in front: a commit gives each site a bundle of its own, and its record and
/// key come from the same code that enrolls one.
/// </summary>
internal static class BulkFleet
{
    public const int Regions = 10;

    public static RegionId RegionOf(int index) => new(RegionName(index % Regions));

    public static string RegionName(int index) => $"region-{index}";

    public static SiteId Site(int index) => new(SimulatedRegion.Name(index).Value);

    /// <summary>The commit's bundle of a site.</summary>
    public static BundleContent Bundle(int site, int commit)
    {
        var layer = Blob.Of(Encoding.UTF8.GetBytes($"site {site} of commit {commit}"));
        var manifest = new BundleManifest([new(MediaTypes.App, layer.Digest, layer.Content.Length, "app")], []);
        return new([layer], [], Blob.Of(manifest.ToBytes()));
    }

    /// <summary>Commit 1 gives every site its bundle, and each later one another to site 0.</summary>
    public static CommitOutcome Commit(int sites, int commit)
    {
        var released = new Dictionary<SiteId, ReleasedSite>(sites);
        for (var i = 0; i < sites; i++)
            released[Site(i)] = new(Bundle(i, i == 0 ? commit : 1).Manifest.Digest, RegionOf(i));
        return Compiled(released, commit);
    }

    /// <summary>The same from what the release before gave.</summary>
    public static CommitOutcome Next(IReadOnlyDictionary<SiteId, ReleasedSite> before, int commit) =>
        Compiled(new(before) { [Site(0)] = new(Bundle(0, commit).Manifest.Digest, RegionOf(0)) }, commit);

    /// <summary>A commit that changes every site, in three waves of 20, 30 and 50 percent, half of each at one time.</summary>
    public static CommitOutcome Whole(int sites, int commit)
    {
        Wave Part(string name, int percent) => new(name) { Size = new(percent, true) };
        var policy = new RolloutPolicy("default", [Part("first", 20), Part("second", 30), Part("third", 50)]) { MaxConcurrent = new(50, true) };
        var released = Enumerable.Range(0, sites).ToDictionary(Site, i => new ReleasedSite(Bundle(i, commit).Manifest.Digest, RegionOf(i)));
        return Compiled(released, commit, PolicySet.Only(policy), _ => commit);
    }

    private static CommitOutcome.Compiled Compiled(Dictionary<SiteId, ReleasedSite> released, int commit) =>
        Compiled(released, commit, PolicySet.None, index => index == 0 ? commit : 1);

    private static CommitOutcome.Compiled Compiled(Dictionary<SiteId, ReleasedSite> released, int commit, PolicySet policies,
        Func<int, int> commitOf)
    {
        var info = new CommitInfo(Id(commit), $"commit {commit}", "Bench <bench@example.org>", DateTimeOffset.UnixEpoch);
        return new CommitOutcome.Compiled(info, new(policies, [.. Enumerable.Range(0, Regions).Select(RegionName)], released, site =>
        {
            var index = int.Parse(site.Value[5..], CultureInfo.InvariantCulture);
            return Bundle(index, commitOf(index));
        }));
    }

    public static string Id(int commit) => Convert.ToHexStringLower(SHA1Of(commit));

    /// <summary>Records of every region and site, in one transaction.</summary>
    public static IReadOnlyList<SigningKey> Enroll(HubDatabase database, HubNode.HubKeys keys, FleetName fleet, int sites,
        Func<int, SigningKey> siteKey, Func<int, SigningKey> regionKey)
    {
        var made = new SigningKey[sites];
        var records = new SignedRecord[sites + Regions];
        Parallel.For(0, sites, i =>
        {
            made[i] = siteKey(i);
            records[i] = Sign(keys, new NodeRecord(1, fleet, new NodeName(Site(i).Value), NodeKind.Site, RegionOf(i), made[i].Public, null,
                RecordState.Active, 1));
        });
        for (var i = 0; i < Regions; i++)
            records[sites + i] = Sign(keys, new NodeRecord(1, fleet, new NodeName(RegionName(i)), NodeKind.Region,
                new RegionId(RegionName(i)), regionKey(i).Public, null, RecordState.Active, 1));
        database.Write(db =>
        {
            foreach (var record in records) RecordTables.AddRecord(db, record, DateTimeOffset.UtcNow);
        });
        return made;
    }

    /// <summary>Every site said that its first line runs well.</summary>
    public static void Report(HubDatabase database, FleetName fleet, DesiredState state, IReadOnlyList<SigningKey> keys)
    {
        var rows = new StoredReport[keys.Count];
        Parallel.For(0, keys.Count, i =>
        {
            var line = state.Lines[Site(i)];
            var report = new Core.Reports.Report(1, fleet, Site(i), 1, 1, DateTimeOffset.UtcNow, 1, 1, Digest.Of(line.Line.Leaf),
                line.Assignment.Bundle, 1, ReportPhase.Healthy, [new AppHealth(new AppName("app"), true)], [], "capillary-edge/0.1.0");
            rows[i] = new(Site(i), keys[i].Sign(PayloadTypes.Report, report.ToPayload()), DateTimeOffset.UtcNow, line.Assignment.Bundle, null);
        });
        database.Write(db => ReportTable.Put(db, rows));
    }

    private static SignedRecord Sign(HubNode.HubKeys keys, NodeRecord record) =>
        new(record, keys.Release.Sign(PayloadTypes.Record, record.ToPayload()));

#pragma warning disable CA5350 // A Git commit's id looks so; nothing trusts it.
    private static byte[] SHA1Of(int commit) => SHA1.HashData(Encoding.UTF8.GetBytes($"commit {commit}"));
#pragma warning restore CA5350
}
