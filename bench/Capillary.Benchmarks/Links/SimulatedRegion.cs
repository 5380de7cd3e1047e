using Capillary.Core.Identity;
using Capillary.Core.Protocol;
using Capillary.Node.Hosting;
using Capillary.Node.Keys;
using Capillary.Sim;

namespace Capillary.Benchmarks.Links;

/// <summary>
/// On disk, what a region that joined long ago holds, and the keys of its sites: real signed records under one trust root. The region and
/// its sites then run in processes of their own.
/// </summary>
internal sealed class SimulatedRegion : IDisposable
{
    private static readonly RegionId Eu = new("eu");

    public SimulatedRegion(int sites)
    {
        Folder = Directory.CreateTempSubdirectory("capillary-bench-region-").FullName;
        var authority = new Authority();
        var home = new NodeHome(Home);
        using var key = home.LoadKey();
        var record = authority.SignRecord(new NodeName("eu"), NodeKind.Region, Eu, key.Public);
        Directory.CreateDirectory(Keys(Folder));
        var records = Directory.CreateDirectory(Path.Combine(home.FolderOf("mirror"), "records")).FullName;
        for (var index = 0; index < sites; index++)
        {
            using var site = SiteKey(Folder, index);
            var signed = authority.SignRecord(Name(index), NodeKind.Site, Eu, site.Public);
            File.WriteAllBytes(Path.Combine(records, $"{Name(index)}.json"), signed.Envelope.ToBytes());
        }
        File.WriteAllBytes(TrustRoot(Folder), authority.TrustRoots[0].ToBytes());
        var trust = TrustState.Begin(authority.TrustRoots[0]).WithBeacon(authority.SignBeacon(DateTimeOffset.UtcNow, 0, null));
        // Its hub is gone: what is measured is the region's own side.
        home.KeepJoined(new NodeSettings(1, authority.Fleet, new NodeName("eu"), NodeKind.Region, Eu, ["127.0.0.1:1"], 1), record.Envelope,
            authority.TrustRoots);
        home.KeepTrust(trust, []);
    }

    public string Folder { get; }

    public string Home => Path.Combine(Folder, "region");

    public static NodeName Name(int index) => new($"site-{index:D5}");

    public static string TrustRoot(string folder) => Path.Combine(folder, "trust-root.json");

    public static SigningKey SiteKey(string folder, int index) =>
        SigningKey.LoadOrCreate(Path.Combine(Keys(folder), $"{Name(index)}.pem"));

    public void Dispose() => Directory.Delete(Folder, recursive: true);

    private static string Keys(string folder) => Path.Combine(folder, "keys");
}
