using Capillary.Fleet.Documents;

namespace Capillary.Fleet.Inventory;

/// <summary>All documents of one commit, linked to each other.</summary>
/// <param name="Fleet">fleet.yaml.</param>
/// <param name="Regions">Every region, by name.</param>
/// <param name="Groups">In the order of their layers: by priority, then ordinal name; the last one wins.</param>
/// <param name="Apps">In apply order: after what they wait for, ties by ordinal name.</param>
/// <param name="Policies">Every rollout policy, and which app has which.</param>
/// <param name="Sites">In ordinal order of name.</param>
public sealed record FleetInventory(
    FleetDocument Fleet,
    IReadOnlyDictionary<string, RegionDocument> Regions,
    IReadOnlyList<GroupDocument> Groups,
    IReadOnlyList<AppDocument> Apps,
    PolicySet Policies,
    IReadOnlyList<FleetSite> Sites)
{
    /// <summary>The fleet's own health rules for Kubernetes objects.</summary>
    public HealthRuleSet HealthRules { get; init; } = HealthRuleSet.None;

    /// <summary>The site of this name, or null.</summary>
    public FleetSite? FindSite(string name)
    {
        var (low, high) = (0, Sites.Count - 1);
        while (low <= high)
        {
            var middle = (low + high) / 2;
            var order = string.CompareOrdinal(Sites[middle].Name, name);
            if (order == 0) return Sites[middle];
            if (order < 0) low = middle + 1;
            else high = middle - 1;
        }
        return null;
    }
}

/// <summary>One site with all that decides what it runs. The same instance as long as none of it changes.</summary>
/// <param name="Document">The site's own document.</param>
/// <param name="Region">Its region.</param>
/// <param name="Groups">Groups that choose it, in the order of their layers.</param>
/// <param name="Apps">Apps placed on it, in apply order.</param>
public sealed record FleetSite(
    SiteDocument Document, RegionDocument Region, IReadOnlyList<GroupDocument> Groups, IReadOnlyList<AppDocument> Apps)
{
    /// <summary>The site's name.</summary>
    public string Name => Document.Name;
}
