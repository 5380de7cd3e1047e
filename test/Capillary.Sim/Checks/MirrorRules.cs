using System.Text.Json;
using Capillary.Core.Identity;
using Capillary.Core.Trust;
using Capillary.Sim.Nodes;

namespace Capillary.Sim.Checks;

/// <summary>
/// What a region proves to hold, its disk holds: the hub sends nothing again that was proven up to that generation. A later line of the
/// same site would cover the loss up, so it is looked for at once.
/// </summary>
internal sealed class MirrorRules(World world)
{
    private readonly Dictionary<SiteId, (long Generation, RegionId Region)> proven = [];

    /// <summary>The newest proof of each line, and for which region the hub made it.</summary>
    public void Published(long generation, IEnumerable<Assignment> lines)
    {
        foreach (var line in lines) proven[line.Site] = (generation, world.RegionOf(world[line.Site]).Id);
    }

    /// <summary>A region's newest checkpoint became durable: it will prove it with its next hello.</summary>
    public void NewestKept(SimRegion region)
    {
        var newest = Generation(Envelope.Parse(region.Disk.Read(RegionProcess.NewestDocument)!));
        foreach (var (site, line) in proven.Where(item => item.Value.Generation <= newest && item.Value.Region == region.Id))
        {
            // Whose record says so here has left meanwhile.
            if (!IsServed(region, site)) continue;
            Safety.Require(Held(region, site) >= line.Generation, "mirror",
                $"{region.Name} keeps generation {newest}, and of {site} the line of {Held(region, site)} where {line.Generation} was sent");
        }
    }

    private bool IsServed(SimRegion region, SiteId site)
    {
        if (region.Disk.Read($"{RegionProcess.Records}{site}") is not { } kept) return false;
        try
        {
            var record = NodeRecord.Parse(Envelope.Parse(kept), world.Authority.Root);
            return record.Region == region.Id && record.State == RecordState.Active;
        }
        catch (TrustFormatException)
        {
            return false;
        }
    }

    /// <summary>The generation that proves the line on a region's disk; 0: there is none that can be read.</summary>
    private static long Held(SimRegion region, SiteId site)
    {
        try
        {
            return region.Disk.Read($"{RegionProcess.Lines}{site}") is { } kept
                ? Generation(JsonSerializer.Deserialize<KeptLine>(kept)!.Checkpoint)
                : 0;
        }
        catch (JsonException)
        {
            return 0;
        }
    }

    private static long Generation(Envelope checkpoint)
    {
        using var payload = JsonDocument.Parse(checkpoint.Payload);
        return payload.RootElement.GetProperty("generation").GetInt64();
    }
}
