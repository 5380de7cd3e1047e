using Capillary.Core.Identity;

namespace Capillary.Fleet.Compile;

/// <summary>What happens to one site.</summary>
public enum SiteChangeKind
{
    /// <summary>It gets another bundle.</summary>
    Changed,

    /// <summary>It is new.</summary>
    Added,

    /// <summary>Its file is gone. The site keeps its bundle and shows as orphaned.</summary>
    Removed,
}

/// <summary>One line of a preview.</summary>
/// <param name="Site">The site.</param>
/// <param name="Kind">What happens to it.</param>
/// <param name="Before">Null when it is new.</param>
/// <param name="After">Null when it is removed.</param>
public sealed record SiteChange(SiteId Site, SiteChangeKind Kind, CompiledSite? Before, CompiledSite? After);

/// <summary>What a commit would change, before it is merged.</summary>
/// <param name="Changes">Sites in ordinal order; those that keep their bundle are left out.</param>
/// <param name="Unchanged">How many keep their bundle.</param>
public sealed record FleetPreview(IReadOnlyList<SiteChange> Changes, int Unchanged)
{
    /// <summary>Compares two compiles without errors.</summary>
    public static FleetPreview Compare(IReadOnlyList<CompiledSite> before, IReadOnlyList<CompiledSite> after)
    {
        var old = before.ToDictionary(site => site.Id);
        var changes = new List<SiteChange>();
        var unchanged = 0;
        foreach (var site in after)
        {
            if (!old.Remove(site.Id, out var was)) changes.Add(new(site.Id, SiteChangeKind.Added, null, site));
            else if (was.Bundle == site.Bundle) unchanged++;
            else changes.Add(new(site.Id, SiteChangeKind.Changed, was, site));
        }
        changes.AddRange(old.Values.Select(site => new SiteChange(site.Id, SiteChangeKind.Removed, site, null)));
        return new FleetPreview([.. changes.OrderBy(change => change.Site)], unchanged);
    }
}
