using Capillary.Fleet.Documents;

namespace Capillary.Fleet.Inventory;

/// <summary>Links parsed documents to each other, and says what does not fit together.</summary>
internal sealed class InventoryBuilder
{
    private readonly IReadOnlyList<ParsedFile> files;
    private readonly FleetInventory? previous;
    private readonly List<Diagnostic> problems = [];
    private HashSet<(DocumentKind, string)>? places;

    private InventoryBuilder(IReadOnlyList<ParsedFile> files, FleetInventory? previous) => (this.files, this.previous) = (files, previous);

    /// <summary>The inventory, or null without a usable fleet.yaml. Sites that did not change are the same instances as before.</summary>
    public static FleetInventory? Build(IReadOnlyList<ParsedFile> files, FleetInventory? previous, List<Diagnostic> problems)
    {
        var builder = new InventoryBuilder(files, previous);
        var inventory = builder.Build();
        problems.AddRange(builder.problems);
        return inventory;
    }

    private FleetInventory? Build()
    {
        var fleet = All<FleetDocument>().FirstOrDefault();
        if (fleet is null) return null;
        var regions = All<RegionDocument>().ToDictionary(region => region.Name, StringComparer.Ordinal);
        var groups = All<GroupDocument>().OrderBy(group => group.Priority).ThenBy(group => group.Name, StringComparer.Ordinal).ToList();
        var apps = AppOrder.Sort([.. All<AppDocument>()], problems);
        CheckRegions(fleet, regions);
        var policies = Policies(fleet, apps);
        var sites = Sites(fleet, regions, groups, apps);
        CheckVariables(fleet, regions.Values, groups, apps, sites);
        return new FleetInventory(fleet, regions, groups, apps, policies, sites)
        {
            HealthRules = HealthRuleSet.Of([.. All<HealthRulesDocument>()], previous?.HealthRules, problems),
        };
    }

    private IEnumerable<T> All<T>() where T : SourceDocument => files.Select(file => file.Document).OfType<T>();

    /// <summary>True when there is such a file, even if it cannot be read: then its absence is not worth a second error.</summary>
    private bool Exists(DocumentKind kind, string name)
    {
        places ??= files.Select(file => FleetLayout.Place(file.Path)).OfType<DocumentPlace>()
            .Select(place => (place.Kind, place.Name ?? "")).ToHashSet();
        return places.Contains((kind, name));
    }

    private void CheckRegions(FleetDocument fleet, Dictionary<string, RegionDocument> regions)
    {
        foreach (var (name, at) in fleet.Regions)
        {
            if (regions.ContainsKey(name) || Exists(DocumentKind.Region, name)) continue;
            Error(DiagnosticCodes.UnknownRegion, fleet.File, at, $"region '{name}' has no document",
                NearestName.Suggest(name, regions.Keys) ?? $"add regions/{name}.yaml");
        }
        foreach (var region in regions.Values)
        {
            if (fleet.Regions.Any(listed => listed.Value == region.Name)) continue;
            Error(DiagnosticCodes.UnknownRegion, region.File, region.Head.NameAt, $"fleet.yaml does not list the region '{region.Name}'",
                "add it to spec.regions of fleet.yaml");
        }
    }

    private PolicySet Policies(FleetDocument fleet, IReadOnlyList<AppDocument> apps)
    {
        var policies = All<RolloutPolicyDocument>().ToDictionary(policy => policy.Name, policy => policy.Policy, StringComparer.Ordinal);
        CheckPolicy(fleet.File, fleet.RolloutPolicy, policies);
        foreach (var app in apps) CheckPolicy(app.File, app.RolloutPolicy, policies);
        return new PolicySet(fleet.RolloutPolicy?.Value, policies, apps.Where(app => app.RolloutPolicy is not null)
            .ToDictionary(app => app.Name, app => app.RolloutPolicy!.Value.Value, StringComparer.Ordinal));
    }

    private void CheckPolicy(string file, Located<string>? wanted, Dictionary<string, RolloutPolicy> policies)
    {
        if (wanted is not { } name || policies.ContainsKey(name.Value)) return;
        if (Exists(DocumentKind.RolloutPolicy, name.Value)) return;
        Error(DiagnosticCodes.UnknownPolicy, file, name.At, $"there is no rollout policy '{name.Value}'",
            NearestName.Suggest(name.Value, policies.Keys) ?? $"add rollouts/{name.Value}.yaml");
    }

    private List<FleetSite> Sites(FleetDocument fleet, Dictionary<string, RegionDocument> regions, List<GroupDocument> groups,
        IReadOnlyList<AppDocument> apps)
    {
        var reusable = Reusable(groups, apps);
        var sites = new List<FleetSite>();
        var names = new Dictionary<string, SiteDocument>(StringComparer.Ordinal);
        foreach (var site in All<SiteDocument>())
        {
            if (!names.TryAdd(site.Name, site))
            {
                Error(DiagnosticCodes.DuplicateName, site.File, site.Head.NameAt,
                    $"the site '{site.Name}' stands already in {names[site.Name].File}", "a site's name is unique in the whole fleet");
            }
            else if (regions.TryGetValue(site.Region, out var region))
            {
                sites.Add(reusable.TryGetValue(site.Name, out var old) && old.Document == (object)site && old.Region == (object)region
                    ? old : Link(site, region, groups, apps));
            }
        }
        CheckRegionsOfSites(fleet, names.Values, regions);
        sites.Sort((left, right) => string.CompareOrdinal(left.Name, right.Name));
        return sites;
    }

    private Dictionary<string, FleetSite> Reusable(List<GroupDocument> groups, IReadOnlyList<AppDocument> apps)
    {
        var same = previous is not null && previous.Groups.SequenceEqual(groups, ReferenceEqualityComparer.Instance)
            && previous.Apps.SequenceEqual(apps, ReferenceEqualityComparer.Instance);
        return same ? previous!.Sites.ToDictionary(site => site.Name, StringComparer.Ordinal) : [];
    }

    private static FleetSite Link(SiteDocument site, RegionDocument region, List<GroupDocument> groups, IReadOnlyList<AppDocument> apps) =>
        new(site, region, groups.FindAll(group => group.Selector.Matches(site.AllLabels)),
            [.. apps.Where(app => (app.Platforms.Count == 0 || app.Platforms.Contains(site.Platform))
                && app.Placement.Matches(site.AllLabels))]);

    private void CheckRegionsOfSites(FleetDocument fleet, IEnumerable<SiteDocument> sites, Dictionary<string, RegionDocument> regions)
    {
        var lost = sites.Where(site => !regions.ContainsKey(site.Region) && !Exists(DocumentKind.Region, site.Region));
        foreach (var folder in lost.GroupBy(site => site.Region, StringComparer.Ordinal))
        {
            var first = folder.MinBy(site => site.File, StringComparer.Ordinal)!;
            var more = folder.Count() switch
            {
                1 => "",
                2 => " (and 1 more site in it)",
                var count => $" (and {count - 1:N0} more sites in it)",
            };
            Error(DiagnosticCodes.UnknownRegion, first.File, TextPosition.WholeFile,
                $"the folder '{folder.Key}' is no region of this fleet{more}",
                NearestName.Suggest(folder.Key, fleet.Regions.Select(region => region.Value)) ?? $"add regions/{folder.Key}.yaml");
        }
    }

    private void CheckVariables(FleetDocument fleet, IEnumerable<RegionDocument> regions, List<GroupDocument> groups,
        IReadOnlyList<AppDocument> apps, List<FleetSite> sites)
    {
        // When an app cannot be read, what it declares is not known, and every value would look undeclared.
        if (files.Any(file => file.Document is null && FleetLayout.Place(file.Path) is { Kind: DocumentKind.App })) return;
        var check = new VariableCheck(apps, problems);
        check.Layer(fleet.File, fleet.Variables);
        foreach (var region in regions) check.Layer(region.File, region.Variables);
        foreach (var group in groups) check.Layer(group.File, group.Variables);
        foreach (var site in sites) check.Layer(site.Document.File, site.Document.Variables);
    }

    private void Error(DiagnosticCode code, string file, TextPosition at, string message, string? suggestion) =>
        problems.Add(Diagnostic.Error(code, file, at, message, suggestion));
}
