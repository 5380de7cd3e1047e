using System.Collections.Immutable;
using System.Text.Json;
using Capillary.Core.Identity;
using Capillary.Fleet.Rollouts;
using Microsoft.Data.Sqlite;

namespace Capillary.HubNode.Storage;

/// <summary>A rollout as it stands in a listing.</summary>
/// <param name="State">All of it but its members.</param>
/// <param name="Sites">How many sites it is for.</param>
/// <param name="EndedAt">When another took its place; null: it is the newest.</param>
internal sealed record StoredRollout(RolloutState State, int Sites, DateTimeOffset? EndedAt);

/// <summary>What the planner remembers.</summary>
internal static class RolloutTable
{
    /// <summary>Writes what differs from <paramref name="before"/>, which is what stands there.</summary>
    public static void Put(SqliteConnection db, RolloutState? before, RolloutState now)
    {
        var isNew = before?.Id != now.Id;
        if (isNew)
        {
            db.Execute("UPDATE rollouts SET ended_at = $at WHERE ended_at IS NULL", ("$at", now.StartedAt));
            db.Execute("DELETE FROM rollout_sites");
        }
        db.Execute("INSERT OR REPLACE INTO rollouts VALUES($id, $release, $sites, $state, NULL)", ("$id", now.Id),
            ("$release", now.Release), ("$sites", now.Members.Count), ("$state", JsonSerializer.Serialize(now)));
        if (!isNew && ReferenceEquals(before!.Members, now.Members)) return;
        db.ExecuteMany("INSERT OR REPLACE INTO rollout_sites VALUES($site, $policy, $wave, $group, $waiting, $met)",
            ["$site", "$policy", "$wave", "$group", "$waiting", "$met"],
            now.Members.Where(member => isNew || !ReferenceEquals(before!.Members.GetValueOrDefault(member.Key), member.Value)),
            member => [member.Key.Value, member.Value.Policy, member.Value.Wave, member.Value.Group,
                member.Value.WaitingSince?.ToUnixTimeMilliseconds(), member.Value.MetAt?.ToUnixTimeMilliseconds()]);
    }

    /// <summary>The newest rollout whole; null before the first.</summary>
    public static RolloutState? Newest(SqliteConnection db) => List(db, 1) is [var newest] ? newest.State with
    {
        Waves = newest.State.Waves.WithComparers(StringComparer.Ordinal),
        Members = db.Query("SELECT site, policy, wave, member_of, waiting_since, met_at FROM rollout_sites", row => KeyValuePair.Create(
            new SiteId(row.GetString(0)), new RolloutMember(row.GetString(1), row.GetInt32(2), row.TextOrNull(3))
            {
                WaitingSince = row.IsDBNull(4) ? null : row.Time(4),
                MetAt = row.IsDBNull(5) ? null : row.Time(5),
            })).ToImmutableSortedDictionary(),
    } : null;

    /// <summary>One of them, all of it but its members; null: there is none.</summary>
    public static StoredRollout? At(SqliteConnection db, long id) =>
        db.Query("SELECT state, sites, ended_at FROM rollouts WHERE id = $id", Stored, ("$id", id)).FirstOrDefault();

    /// <summary>Newest first.</summary>
    public static List<StoredRollout> List(SqliteConnection db, int limit) =>
        db.Query("SELECT state, sites, ended_at FROM rollouts ORDER BY id DESC LIMIT $limit", Stored, ("$limit", limit));

    private static StoredRollout Stored(SqliteDataReader row) =>
        new(JsonSerializer.Deserialize<RolloutState>(row.GetString(0))!, row.GetInt32(1), row.IsDBNull(2) ? null : row.Time(2));
}
