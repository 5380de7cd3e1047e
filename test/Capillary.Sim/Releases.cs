using System.Text.Json;
using Capillary.Core.Bundles;
using Capillary.Core.Identity;
using Capillary.Fleet.Documents;
using Capillary.Fleet.Inventory;
using Capillary.Fleet.Rollouts;
using Capillary.Sim.Machine;

namespace Capillary.Sim;

/// <summary>How a service of a synthetic bundle behaves; it stands in the service's own command, where the host reads it.</summary>
internal enum Behaviour
{
    Good,
    NeverHealthy,
    NoSuchProgram,
}

/// <summary>One commit and what it compiled to.</summary>
/// <param name="Target">As the planner sees it.</param>
/// <param name="Bad">Sites on which its bundle fails.</param>
internal sealed record SimRelease(TargetRelease Target, IReadOnlySet<SiteId> Bad);

/// <summary>
/// The fleet repository and its compiler: makes bundles that differ per site and share layers, and remembers which of them fail.
/// </summary>
internal sealed class Releases(IReadOnlyDictionary<SiteId, RegionId> sites, Prng chance)
{
    /// <summary>How every commit is rolled out.</summary>
    public static readonly PolicySet Policies = PolicySet.Only(new RolloutPolicy("waves", [new Wave("canary"), new Wave("early")]));
    private const int HealthDeadlineSeconds = 30;
    private readonly List<SimRelease> all = [];

    /// <summary>Every blob that was ever compiled.</summary>
    public Dictionary<Digest, byte[]> Blobs { get; } = [];

    /// <summary>How each bundle behaves.</summary>
    public Dictionary<Digest, Behaviour> Behaviours { get; } = [];

    public SimRelease? Newest => all.Count == 0 ? null : all[^1];

    /// <summary>The release of this number.</summary>
    public SimRelease this[long number] => all[(int)number - 1];

    /// <summary>A new commit. What a site gets may stay as it was, unless <paramref name="everywhere"/>.</summary>
    public SimRelease Commit(bool bad, bool everywhere)
    {
        var number = all.Count + 1;
        var failing = chance.Chance(0.5) ? 1.0 : 0.2;
        var kind = chance.Chance(0.7) ? Behaviour.NeverHealthy : Behaviour.NoSuchProgram;
        var lines = new Dictionary<SiteId, ReleasedSite>();
        var broken = new HashSet<SiteId>();
        var place = 0;
        foreach (var (site, region) in sites)
        {
            var wave = WaveOf(place++, sites.Count);
            var before = Newest?.Target.Sites.GetValueOrDefault(site)?.Bundle;
            var keeps = before is not null && !everywhere && chance.Chance(0.25);
            var behaviour = bad && chance.Chance(failing) ? kind : Behaviour.Good;
            var bundle = keeps ? before!.Value : Bundle(site, number, behaviour);
            if (Behaviours[bundle] != Behaviour.Good) broken.Add(site);
            lines[site] = new ReleasedSite(bundle, region) { Choices = SiteChoices.Of("waves", wave < 2 ? wave : null) };
        }
        all.Add(new SimRelease(new TargetRelease(number, Policies, lines), broken));
        return all[^1];
    }

    /// <summary>The wave of a site: the rest is the last one.</summary>
    public static int WaveOf(ReleasedSite site) => site.Choices.For("waves").Waves is var chosen and not 0
        ? System.Numerics.BitOperations.TrailingZeroCount(chosen) : 2;

    // One site in ten, then three, then the rest: spread over the regions.
    private static int WaveOf(int place, int count) => place * 10 / count < 1 ? 0 : place * 10 / count < 4 ? 1 : 2;

    private Digest Bundle(SiteId site, int number, Behaviour behaviour)
    {
        var layers = new List<AppLayer> { Base(number, behaviour), Local(site, number) };
        if (number % 2 == 1) layers.Add(Extra(number));
        var descriptors = layers.Select(layer => (Bytes: layer.ToBytes(), layer.Name.Value))
            .Select(layer => new Descriptor(MediaTypes.App, Put(layer.Bytes), layer.Bytes.Length, layer.Value));
        var bundle = Put(new BundleManifest([.. descriptors], []).ToBytes());
        Put(BundleManifest.EmptyConfig.Content.ToArray());
        Behaviours[bundle] = behaviour;
        return bundle;
    }

    private Digest Put(byte[] bytes)
    {
        var digest = Digest.Of(bytes);
        Blobs.TryAdd(digest, bytes);
        return digest;
    }

    private static AppLayer Base(int number, Behaviour behaviour) => Layer("base",
        ("File.config", File("etc/base.conf", $"version {number}")),
        ("File.data", File("share/base/data", $"data {number / 3}")),
        ("Service.main", Service("main", behaviour)));

    private static AppLayer Local(SiteId site, int number) => Layer("local",
        ("File.name", File("etc/site", $"{site} {number}")),
        ("Service.worker", Service("worker", Behaviour.Good)));

    private static AppLayer Extra(int number) =>
        Layer($"extra-{number % 3}", ("File.note", File($"share/extra-{number % 3}/note", $"{number}")));

    private static AppLayer Layer(string app, params (string Key, Dictionary<string, object> Spec)[] objects) => new(new AppName(app),
        objects.ToDictionary(item => item.Key, item => Document(item.Key, item.Spec)), new Dictionary<string, ReadOnlyMemory<byte>>(),
        HealthDeadlineSeconds);

    private static Dictionary<string, object> File(string path, string content) => new() { ["path"] = path, ["content"] = content };

    private static Dictionary<string, object> Service(string name, Behaviour behaviour) => new()
    {
        ["user"] = "app",
        ["command"] = new[] { $"/bin/{name}", behaviour.ToString() },
    };

    private static ReadOnlyMemory<byte> Document(string key, Dictionary<string, object> spec)
    {
        var parts = key.Split('.');
        return JsonSerializer.SerializeToUtf8Bytes(new Dictionary<string, object>
        {
            ["apiVersion"] = "capillary.dev/v1",
            ["kind"] = parts[0],
            ["metadata"] = new Dictionary<string, object> { ["name"] = parts[1] },
            ["spec"] = spec,
        });
    }
}
