using System.Globalization;
using System.Text.Json.Serialization;

namespace Capillary.Fleet.Documents;

/// <summary><c>rollouts/NAME.yaml</c>.</summary>
/// <param name="Head">Name is the policy's name.</param>
/// <param name="Policy">What it says.</param>
public sealed record RolloutPolicyDocument(DocumentHead Head, RolloutPolicy Policy) : SourceDocument(Head);

/// <summary>A number of sites: a count, or a percentage of some total.</summary>
/// <param name="Number">The count from 0, or the percentage from 0 to 100.</param>
/// <param name="IsPercent">Which of the two.</param>
public sealed record Share(int Number, bool IsPercent)
{
    /// <summary>None at all.</summary>
    public static Share None { get; } = new(0, false);

    /// <summary>So many of <paramref name="total"/> sites; a percentage is rounded down.</summary>
    public int Of(int total) => IsPercent ? (int)((long)total * Number / 100) : Number;

    /// <summary>As in a document: <c>5</c> or <c>20%</c>.</summary>
    public override string ToString() => string.Create(CultureInfo.InvariantCulture, $"{Number}{(IsPercent ? "%" : "")}");
}

/// <summary>What a rollout does when more sites of a wave fail than its policy allows.</summary>
public enum FailureAnswer
{
    /// <summary>It starts no further site and waits for a person, or for a newer commit.</summary>
    Halt,

    /// <summary>It brings every site that it started back to the release before.</summary>
    Rollback,
}

/// <summary>When sites may start: from each time that the cron expression names, for so long.</summary>
/// <param name="Cron">Five fields (minute hour day month weekday), as in crontab(5).</param>
/// <param name="Duration">1 minute to 7 days.</param>
/// <param name="TimeZone">IANA name; null: each site's own.</param>
public sealed record TimeWindow(string Cron, TimeSpan Duration, string? TimeZone);

/// <summary>When no site starts.</summary>
/// <param name="From">The first moment, local time of <paramref name="TimeZone"/>.</param>
/// <param name="To">The first moment after it.</param>
/// <param name="Reason">For whoever waits.</param>
/// <param name="TimeZone">IANA name; null: each site's own.</param>
public sealed record Freeze(DateTime From, DateTime To, string Reason, string? TimeZone);

/// <summary>Operators who must say yes before the next wave.</summary>
/// <param name="Roles">One or two roles; two are two people.</param>
/// <param name="Deadline">From when the rest is fulfilled; then the rollout is aborted. 1 minute to 90 days.</param>
public sealed record ApprovalGate(IReadOnlyList<string> Roles, TimeSpan Deadline)
{
    /// <summary>The role that stands for each other one.</summary>
    public const string AnyRole = "admin";

    /// <summary>The hub's roles that may be asked for.</summary>
    public static IReadOnlyList<string> KnownRoles { get; } = ["operator", "approver", AnyRole];
}

/// <summary>A question to a host on the hub's list; an answer of 200 to 299 fulfils it.</summary>
/// <param name="Url">An <c>https:</c> URL.</param>
/// <param name="Deadline">From when the rest is fulfilled; then the rollout halts. 1 minute to 7 days.</param>
public sealed record HttpGate(string Url, TimeSpan Deadline);

/// <summary>An ordered part of a rollout. It has exactly one of selector, count and percentage.</summary>
/// <param name="Name">A DNS label, unique in its policy.</param>
public sealed record Wave(string Name)
{
    /// <summary>Its sites, of those that no earlier wave has; null: see <see cref="Size"/>. A release does not keep it, but what each
    /// site's labels say to it.</summary>
    [JsonIgnore]
    public Selector? Selector { get; init; }

    /// <summary>How many of the sites that the rollout changes; null: those of its selector.</summary>
    public Share? Size { get; init; }

    /// <summary>Null: the policy's.</summary>
    public Share? MaxConcurrent { get; init; }

    /// <summary>Null: the policy's.</summary>
    public Share? MaxFailures { get; init; }

    /// <summary>Null: the policy's.</summary>
    public TimeSpan? SoakTime { get; init; }

    /// <summary>How many of its sites must be healthy, beside that none may be missing that is heard; null: none.</summary>
    public Share? AtLeast { get; init; }

    /// <summary>Null: nobody is asked.</summary>
    public ApprovalGate? Approval { get; init; }

    /// <summary>Null: no host is asked.</summary>
    public HttpGate? Http { get; init; }
}

/// <summary>In which order and how fast sites get a release.</summary>
/// <param name="Name">Its document's name.</param>
/// <param name="Waves">In order, at most <see cref="MaxWaves"/>; none: everything at once.</param>
public sealed record RolloutPolicy(string Name, IReadOnlyList<Wave> Waves)
{
    /// <summary>The most waves of one policy.</summary>
    public const int MaxWaves = 16;

    /// <summary>Name of the one wave of a policy that has none.</summary>
    public const string All = "all";

    /// <summary>Name of the last wave, of the sites that no other one has.</summary>
    public const string Rest = "rest";

    /// <summary>How long a site that is heard may take by default.</summary>
    public static readonly TimeSpan DefaultDeadline = TimeSpan.FromHours(2);

    /// <summary>A new release waits for <c>capillary rollout start</c>.</summary>
    public bool StartsByHand { get; init; }

    /// <summary>-1000 to 1000. A release does not overtake a rollout of higher priority; where several policies apply to one site, the
    /// lowest one counts.</summary>
    public int Priority { get; init; }

    /// <summary>Neither windows nor freezes nor sites that are at an earlier release keep it waiting.</summary>
    public bool IsEmergency { get; init; }

    /// <summary>How many sites of a wave may be changing at one time; null: all of it.</summary>
    public Share? MaxConcurrent { get; init; }

    /// <summary>How many sites of a wave may fail before the rollout stops.</summary>
    public Share MaxFailures { get; init; } = Share.None;

    /// <summary>How long all of a wave must have been healthy before the next.</summary>
    public TimeSpan SoakTime { get; init; }

    /// <summary>How long a site that is heard may take until it is healthy; then it has failed.</summary>
    public TimeSpan Deadline { get; init; } = DefaultDeadline;

    /// <summary>A label: no two sites with one value of it change at one time. Null: no such rule.</summary>
    public string? GroupBy { get; init; }

    /// <summary>What follows too many failures.</summary>
    public FailureAnswer OnFailure { get; init; }

    /// <summary>When sites may start; none: always.</summary>
    public IReadOnlyList<TimeWindow> Windows { get; init; } = [];

    /// <summary>When none starts.</summary>
    public IReadOnlyList<Freeze> Freezes { get; init; } = [];

    /// <summary>Name of a wave, from 0; the number of waves stands for the sites that no wave has.</summary>
    public string NameOf(int wave) => wave < Waves.Count ? Waves[wave].Name : Waves.Count == 0 ? All : Rest;
}
