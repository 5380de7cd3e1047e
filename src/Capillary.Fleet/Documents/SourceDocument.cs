using Capillary.Core.Apply.Kubernetes;
using Capillary.Fleet.Variables;

namespace Capillary.Fleet.Documents;

/// <summary>What every document has.</summary>
/// <param name="File">Its path in the repository.</param>
/// <param name="Name"><c>metadata.name</c>, a DNS label.</param>
/// <param name="NameAt">Where the name stands.</param>
/// <param name="Labels"><c>metadata.labels</c>, ordinal.</param>
public sealed record DocumentHead(string File, string Name, TextPosition NameAt, IReadOnlyDictionary<string, string> Labels);

/// <summary>One document of the fleet repository.</summary>
public abstract record SourceDocument(DocumentHead Head)
{
    /// <summary>Its path in the repository.</summary>
    public string File => Head.File;

    /// <summary><c>metadata.name</c>.</summary>
    public string Name => Head.Name;
}

/// <summary><c>spec.enrollment</c>: what needs a person when sites come and move; what is null is decided one layer above.</summary>
/// <param name="ManualApproval">A proven enrollment waits for <c>capillary site approve</c> (fleet's default: false).</param>
/// <param name="AutomaticMoves">A site whose file stands in another region is moved by the hub itself (fleet's default: false).</param>
public sealed record EnrollmentPolicy(bool? ManualApproval, bool? AutomaticMoves)
{
    /// <summary>Says nothing.</summary>
    public static EnrollmentPolicy Unset { get; } = new(null, null);
}

/// <summary><c>fleet.yaml</c>.</summary>
/// <param name="Head">Name is the fleet's name.</param>
/// <param name="Regions">Regions of the fleet, as listed; each has a document.</param>
/// <param name="Variables">The fleet's layer.</param>
/// <param name="RolloutPolicy">The policy that rollouts use; null: everything at once.</param>
public sealed record FleetDocument(DocumentHead Head, IReadOnlyList<Located<string>> Regions,
    IReadOnlyList<VariableSetting> Variables, Located<string>? RolloutPolicy) : SourceDocument(Head)
{
    /// <summary>For every region that does not say otherwise.</summary>
    public EnrollmentPolicy Enrollment { get; init; } = EnrollmentPolicy.Unset;
}

/// <summary><c>regions/NAME.yaml</c>.</summary>
/// <param name="Head">Name is the region's name.</param>
/// <param name="Residency">Where the region's data must stay, as free text such as <c>eu</c>; null when it says nothing.</param>
/// <param name="Variables">The region's layer.</param>
public sealed record RegionDocument(DocumentHead Head, string? Residency, IReadOnlyList<VariableSetting> Variables) : SourceDocument(Head)
{
    /// <summary>The most addresses of one region.</summary>
    public const int MaxAddresses = 16;

    /// <summary>Where its sites dial, as <c>host:port</c>, 1 to <see cref="MaxAddresses"/>; none: where they were told to when they
    /// joined.</summary>
    public IReadOnlyList<string> Addresses { get; init; } = [];

    /// <summary>For the sites of this region.</summary>
    public EnrollmentPolicy Enrollment { get; init; } = EnrollmentPolicy.Unset;

    /// <summary>IANA name of its sites' time zone; null: UTC.</summary>
    public string? TimeZone { get; init; }
}

/// <summary><c>groups/NAME.yaml</c>: variables for the sites that a selector chooses.</summary>
/// <param name="Head">Name is the group's name.</param>
/// <param name="Selector">Which sites belong.</param>
/// <param name="Priority">-1000 to 1000, default 0; the higher one wins, then the ordinally later name.</param>
/// <param name="Variables">The group's layer.</param>
public sealed record GroupDocument(DocumentHead Head, Selector Selector, int Priority, IReadOnlyList<VariableSetting> Variables)
    : SourceDocument(Head);

/// <summary>What a site is made of; decides what a rendered document may be.</summary>
public enum SitePlatform
{
    /// <summary>A machine with an operating system: files, services, containers.</summary>
    Host,

    /// <summary>A Kubernetes cluster: Kubernetes objects.</summary>
    Kubernetes,
}

/// <summary><c>sites/REGION/NAME.yaml</c>.</summary>
/// <param name="Head">Name is the site's name.</param>
/// <param name="Region">The folder it stands in.</param>
/// <param name="Platform">Decides what a rendered document may be.</param>
/// <param name="Distribution">Such as <c>debian</c> or <c>k3s</c>.</param>
/// <param name="Variables">The site's layer, the last one.</param>
/// <param name="AllLabels">Own labels and <c>capillary.dev/{region,site,platform,distribution}</c>.</param>
public sealed record SiteDocument(DocumentHead Head, string Region, SitePlatform Platform, string Distribution,
    IReadOnlyList<VariableSetting> Variables, IReadOnlyDictionary<string, string> AllLabels) : SourceDocument(Head)
{
    /// <summary>IANA name; null: its region's.</summary>
    public string? TimeZone { get; init; }
}

/// <summary>A file of the repository that an app ships beside its templates.</summary>
/// <param name="Name">A DNS label; templates and File objects use it.</param>
/// <param name="Path">From the root of the repository.</param>
/// <param name="IsExecutable">A File object made from it has mode 0755 unless it says otherwise.</param>
/// <param name="At">Where its path stands.</param>
public sealed record ArtifactDeclaration(string Name, string Path, bool IsExecutable, TextPosition At);

/// <summary><c>apps/NAME/app.yaml</c>.</summary>
/// <param name="Head">Name is the app's name.</param>
/// <param name="Placement">Which sites run it.</param>
/// <param name="Platforms">Platforms it can run on; empty: every one.</param>
/// <param name="Variables">What it declares, by name.</param>
/// <param name="Artifacts">Its files, by name.</param>
/// <param name="After">Apps that are applied before it.</param>
/// <param name="HealthDeadlineSeconds">1 to 86,400, default 60.</param>
public sealed record AppDocument(DocumentHead Head, Selector Placement, IReadOnlyList<SitePlatform> Platforms,
    IReadOnlyDictionary<string, VariableDeclaration> Variables, IReadOnlyDictionary<string, ArtifactDeclaration> Artifacts,
    IReadOnlyList<Located<string>> After, int HealthDeadlineSeconds) : SourceDocument(Head)
{
    /// <summary><c>spec.kubernetes</c>; the health rules are filled in at compile.</summary>
    public KubernetesPolicy Kubernetes { get; init; } = KubernetesPolicy.Default;

    /// <summary>The policy by which a change of this app is rolled out; null: the fleet's.</summary>
    public Located<string>? RolloutPolicy { get; init; }
}

/// <summary><c>health/NAME.yaml</c>: how the health of kinds is read that have no built-in rule, or in its place.</summary>
/// <param name="Head">Name is the file's name and means nothing else.</param>
/// <param name="Rules">In the order written, each with the place of its kind.</param>
public sealed record HealthRulesDocument(DocumentHead Head, IReadOnlyList<Located<HealthRule>> Rules) : SourceDocument(Head);
