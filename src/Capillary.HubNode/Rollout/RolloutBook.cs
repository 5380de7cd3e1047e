using Capillary.Fleet.Rollouts;
using Capillary.HubNode.Publish;
using Capillary.HubNode.Storage;
using Microsoft.Data.Sqlite;

namespace Capillary.HubNode.Rollout;

/// <summary>The newest rollout and its release: what is in memory and what is on disk. One caller at a time.</summary>
internal sealed class RolloutBook(HubDatabase database, ReleaseBook releases, TimeProvider time)
{
    // When sites began and became healthy changes thousands of times in a rollout; a second of it may be lost, and then counts anew.
    private static readonly TimeSpan BetweenTimings = TimeSpan.FromSeconds(1);

    private RolloutState? kept = database.Read(RolloutTable.Newest);
    private RolloutState? newest;
    private Release? older;
    private DateTimeOffset keptAt;

    /// <summary>The newest rollout; null before the first.</summary>
    public RolloutState? Newest => newest ??= kept;

    /// <summary>The release it leads to; null when that is the newest one.</summary>
    /// <exception cref="InvalidDataException">The database does not have it.</exception>
    public Release? Target => Newest is { } rollout && rollout.Release != releases.Newest?.Number ? Older(rollout.Release) : null;

    /// <summary>A release by its number.</summary>
    /// <exception cref="InvalidDataException">The database does not have it.</exception>
    public Release Older(long number)
    {
        if (releases.Newest is { } release && release.Number == number) return release;
        if (older?.Number != number)
            older = database.Read(db => ReleaseTables.At(db, number))
                ?? throw new InvalidDataException($"release {number} is not in the database");
        return older;
    }

    /// <summary>In a transaction of the caller's.</summary>
    public void Put(SqliteConnection db, RolloutState next)
    {
        if (!ReferenceEquals(kept, next)) RolloutTable.Put(db, kept, next);
    }

    /// <summary>That transaction is durable.</summary>
    public void Kept(RolloutState next) => (kept, newest, keptAt) = (next, next, time.GetUtcNow());

    /// <summary>Keeps a state that goes with no plan, at once when it is more than timings.</summary>
    /// <exception cref="SqliteException">The disk is full or broken; the state stays in memory.</exception>
    public void Keep(RolloutState next)
    {
        newest = next;
        if (ReferenceEquals(kept, next)) return;
        if (kept is not null && IsTimingOnly(kept, next) && time.GetUtcNow() - keptAt < BetweenTimings) return;
        database.Write(db => Put(db, next));
        Kept(next);
    }

    private static bool IsTimingOnly(RolloutState before, RolloutState next) =>
        next with { Members = before.Members, Waves = before.Waves } == before;
}
