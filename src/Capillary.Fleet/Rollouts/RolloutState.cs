using System.Collections.Immutable;
using System.Text.Json.Serialization;
using Capillary.Core.Identity;

namespace Capillary.Fleet.Rollouts;

/// <summary>Which way a rollout goes.</summary>
public enum RolloutKind
{
    /// <summary>To a new release, wave by wave.</summary>
    Forward,

    /// <summary>Back to an older one: no waves, no gates, no windows; only as many at a time as its policies allow.</summary>
    Back,
}

/// <summary>That, why and when somebody stopped a rollout, or it ended.</summary>
/// <param name="By">An operator, <c>policy</c> or <c>hub</c>.</param>
/// <param name="At">When.</param>
/// <param name="Reason">For a person.</param>
public sealed record RolloutStop(string By, DateTimeOffset At, string Reason);

/// <summary>One operator's yes to a wave.</summary>
public sealed record Approval(string Operator, string Role, DateTimeOffset At);

/// <summary>What is remembered of one wave.</summary>
public sealed record WaveMemory
{
    /// <summary>When its first site was given its line; null: not yet.</summary>
    public DateTimeOffset? OpenedAt { get; init; }

    /// <summary>Since when nothing but people and hosts keeps it waiting; null: something does.</summary>
    public DateTimeOffset? ReadyAt { get; init; }

    /// <summary>Who said yes.</summary>
    public ImmutableArray<Approval> Approvals { get; init; } = [];

    /// <summary>When the host that it asks said yes; null: not yet.</summary>
    public DateTimeOffset? CheckedAt { get; init; }

    /// <summary>When every gate was met at once; null: not so now.</summary>
    public DateTimeOffset? PassedAt { get; init; }

    public bool Equals(WaveMemory? other) => other is not null && OpenedAt == other.OpenedAt && ReadyAt == other.ReadyAt
        && CheckedAt == other.CheckedAt && PassedAt == other.PassedAt && Approvals.SequenceEqual(other.Approvals);

    public override int GetHashCode() => HashCode.Combine(OpenedAt, ReadyAt, CheckedAt, PassedAt, Approvals.Length);
}

/// <summary>A site that a rollout is to bring to its release.</summary>
/// <param name="Policy">The policy by which it gets it.</param>
/// <param name="Wave">Its wave in that policy, from 0; the number of waves: the rest.</param>
/// <param name="Group">Its value of the policy's groupBy label; null: it has none.</param>
public sealed record RolloutMember(string Policy, int Wave, string? Group)
{
    /// <summary>Since when it is heard, has a line that it has not answered, and nothing holds it; null: not so now.</summary>
    public DateTimeOffset? WaitingSince { get; init; }

    /// <summary>Since when it is healthy on its line; null: it is not.</summary>
    public DateTimeOffset? MetAt { get; init; }
}

/// <summary>
/// One attempt to bring sites to a release: all that the planner must remember of it. Durable together with the plan that goes with it.
/// What may be derived from lines and reports is not in it.
/// </summary>
/// <param name="Id">Its number, from 1.</param>
/// <param name="Release">The release it leads to.</param>
/// <param name="StartedAt">When it began.</param>
/// <param name="StartedBy">An operator, or <c>policy</c>.</param>
public sealed record RolloutState(long Id, long Release, DateTimeOffset StartedAt, string StartedBy)
{
    /// <summary>Which way it goes.</summary>
    public RolloutKind Kind { get; init; }

    /// <summary>The newest release when it began: this one and older ones start nothing by themselves any more.</summary>
    public long Considered { get; init; }

    /// <summary>The release to which a rollback of it leads; 0: there is none.</summary>
    public long Base { get; init; }

    /// <summary>Neither windows nor freezes nor sites at an earlier release keep it waiting.</summary>
    public bool IsEmergency { get; init; }

    /// <summary>Every site that it is for.</summary>
    [JsonIgnore]
    public ImmutableSortedDictionary<SiteId, RolloutMember> Members { get; init; } = ImmutableSortedDictionary<SiteId, RolloutMember>.Empty;

    /// <summary>What is remembered of waves, by <see cref="KeyOf"/>.</summary>
    public ImmutableSortedDictionary<string, WaveMemory> Waves { get; init; } =
        ImmutableSortedDictionary.Create<string, WaveMemory>(StringComparer.Ordinal);

    /// <summary>An operator paused it; null: it goes on.</summary>
    public RolloutStop? Paused { get; init; }

    /// <summary>It was aborted: nothing more starts. Null: it was not.</summary>
    public RolloutStop? Aborted { get; init; }

    /// <summary>When its last gate was met for the first time; null: not yet.</summary>
    public DateTimeOffset? CompletedAt { get; init; }

    /// <summary>What it did to the rollout before it, for a person; null: nothing.</summary>
    public string? Overtook { get; init; }

    /// <summary>The name of a wave among all policies.</summary>
    public static string KeyOf(string policy, string wave) => $"{policy}/{wave}";

    /// <summary>What is remembered of a wave.</summary>
    public WaveMemory MemoryOf(string key) => Waves.GetValueOrDefault(key) ?? Nothing;

    private static readonly WaveMemory Nothing = new();
}
