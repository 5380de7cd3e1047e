using Capillary.Core.Bundles;
using Capillary.Core.Identity;
using Capillary.Core.Reports;
using Capillary.Core.Trust;
using Capillary.Fleet.Compile;
using Capillary.Fleet.Documents;
using Capillary.Fleet.Inventory;

namespace Capillary.Fleet.Rollouts;

/// <summary>What a release gives one site.</summary>
/// <param name="Bundle">Digest of the bundle's manifest.</param>
/// <param name="Region">The region it is declared in.</param>
public sealed record ReleasedSite(Digest Bundle, RegionId Region)
{
    /// <summary>Its platform; says which kind of agent it takes.</summary>
    public SitePlatform Platform { get; init; }

    /// <summary>What its labels say to the policies.</summary>
    public SiteChoices Choices { get; init; }

    /// <summary>IANA name of its time zone; null: UTC.</summary>
    public string? TimeZone { get; init; }
}

/// <summary>What one commit compiled to, as far as the planner needs it.</summary>
/// <param name="Number">The release's number, from 1.</param>
/// <param name="Policies">How it is rolled out.</param>
/// <param name="Sites">Every declared site.</param>
public sealed record TargetRelease(long Number, PolicySet Policies, IReadOnlyDictionary<SiteId, ReleasedSite> Sites)
{
    /// <summary>What a commit without errors gives its sites.</summary>
    /// <exception cref="ArgumentException">It has errors.</exception>
    public static TargetRelease Of(long number, FleetCompilation compilation)
    {
        if (compilation is not { Sites: { } sites, Inventory: { } inventory })
            throw new ArgumentException("the commit does not compile", nameof(compilation));
        return new(number, inventory.Policies, sites.ToDictionary(site => site.Id, site => new ReleasedSite(site.Bundle, site.Region)
        {
            Platform = site.Platform,
            Choices = SiteChoices.Of(inventory.Policies, site.Labels),
            TimeZone = ZoneOf(inventory.FindSite(site.Id.Value)),
        }));
    }

    private static string? ZoneOf(FleetSite? site) => site?.Document.TimeZone ?? site?.Region.TimeZone;
}

/// <summary>One site's line as it stands in the newest plan.</summary>
public sealed record CurrentLine(long Since, Digest Bundle);

/// <summary>What the hub knows of one site.</summary>
/// <param name="Report">Its newest verified report; null when it never reported.</param>
/// <param name="HeardAt">When anything of it last reached the hub; null when never.</param>
/// <param name="LastHealthy">Bundle of its last signed healthy report; null when there was none.</param>
/// <param name="Revoked">Its record is revoked.</param>
public sealed record SiteEvidence(Report? Report, DateTimeOffset? HeardAt, Digest? LastHealthy, bool Revoked)
{
    /// <summary>Declared, never seen.</summary>
    public static SiteEvidence None { get; } = new(null, null, null, false);
}

/// <summary>All that the planner decides from.</summary>
/// <param name="Release">The newest release; null before the first.</param>
/// <param name="Rollout">The newest rollout; null before the first.</param>
/// <param name="Generation">The newest plan's number; 0 before the first.</param>
/// <param name="Lines">Every site's line in that plan.</param>
/// <param name="Evidence">What is known of each site; a missing one was never seen.</param>
/// <param name="Freshness">From when a silent site is offline.</param>
/// <param name="ListeningSince">When this hub began to listen: silence before it was the hub's own.</param>
public sealed record PlannerInputs(
    TargetRelease? Release,
    RolloutState? Rollout,
    long Generation,
    IReadOnlyDictionary<SiteId, CurrentLine> Lines,
    IReadOnlyDictionary<SiteId, SiteEvidence> Evidence,
    Freshness Freshness,
    DateTimeOffset ListeningSince)
{
    /// <summary>The release of the rollout; null: it is the newest.</summary>
    public TargetRelease? Target { get; init; }

    /// <summary>Apps that differ between what a site holds (null: nothing) and another bundle. Asked only where apps have policies of their
    /// own.</summary>
    public Func<Digest?, Digest, IEnumerable<string>> ChangedApps { get; init; } = (_, _) => [];

    /// <summary>What the hosts of HTTP gates said last, by wave.</summary>
    public IReadOnlyDictionary<string, HostAnswer> Answers { get; init; } = new Dictionary<string, HostAnswer>();

    /// <summary>Whether the hub still has a bundle, so that it can be a fallback. Asked only for what a plan would name.</summary>
    public Func<Digest, bool> CanOffer { get; init; } = _ => true;

    /// <summary>What operators want of single sites' lines, beside the release.</summary>
    public IReadOnlyDictionary<SiteId, LineWish> Wishes { get; init; } = new Dictionary<SiteId, LineWish>();
}

/// <summary>What the host of an HTTP gate said.</summary>
/// <param name="IsYes">It fulfils the gate.</param>
/// <param name="Text">For a person.</param>
public sealed record HostAnswer(bool IsYes, string Text);

/// <summary>An operator's wish for the line of a site that holds one.</summary>
/// <param name="Region">The region whose nodes serve it.</param>
/// <param name="Bundle">What it is to hold; counts only while the release does not declare the site. Null: what it holds, in a new
/// line.</param>
/// <param name="After">With no bundle: done once the line's `since` is greater.</param>
/// <param name="Reason">Why, for a person.</param>
public sealed record LineWish(RegionId Region, Digest? Bundle, long After, string Reason)
{
    /// <summary>The site's last healthy bundle stays what it returns to: nothing but another try is wanted.</summary>
    public bool KeepsFallback { get; init; }

    /// <summary>The assignment's mode: what the operator's word adds to it.</summary>
    public string Mode { get; init; } = Assignment.ApplyMode;
}
