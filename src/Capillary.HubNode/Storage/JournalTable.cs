using System.Security.Cryptography;
using System.Text.Json;
using Microsoft.Data.Sqlite;

namespace Capillary.HubNode.Storage;

/// <summary>One change: who did what, and the state before and after as JSON.</summary>
internal sealed record JournalEntry(long Seq, DateTimeOffset At, string Actor, string Action, string? Before, string? After, string Hash);

/// <summary>Who changed what; append-only, each entry's hash covers the one before it.</summary>
internal static class JournalTable
{
    private const string Columns = "SELECT seq, at, actor, action, before, after, hash FROM journal";

    public static void Append(SqliteConnection db, DateTimeOffset at, string actor, string action, object? before, object? after)
    {
        var last = db.Query($"{Columns} ORDER BY seq DESC LIMIT 1", Read).SingleOrDefault();
        var (was, now) = (ToJson(before), ToJson(after));
        var seq = (last?.Seq ?? 0) + 1;
        var hash = HashOf(last?.Hash ?? "", seq, at.ToUnixTimeMilliseconds(), actor, action, was, now);
        db.Execute("INSERT INTO journal VALUES($seq, $at, $actor, $action, $before, $after, $hash)", ("$seq", seq), ("$at", at),
            ("$actor", actor),
            ("$action", action), ("$before", was), ("$after", now), ("$hash", Convert.FromHexString(hash)));
    }

    /// <summary>Newest first.</summary>
    public static List<JournalEntry> List(SqliteConnection db, long before, int limit) =>
        db.Query($"{Columns} WHERE seq < $before ORDER BY seq DESC LIMIT $limit", Read, ("$before", before), ("$limit", limit));

    /// <summary>The first entry that the chain does not lead to; null when the whole journal is as it was written.</summary>
    public static long? FirstBroken(SqliteConnection db)
    {
        var (hash, seq) = ("", 0L);
        foreach (var entry in db.Query($"{Columns} ORDER BY seq", Read))
        {
            var expected = HashOf(hash, ++seq, entry.At.ToUnixTimeMilliseconds(), entry.Actor, entry.Action, entry.Before, entry.After);
            if (entry.Seq != seq || entry.Hash != expected) return entry.Seq;
            hash = entry.Hash;
        }
        return null;
    }

    private static string HashOf(string previous, params ReadOnlySpan<object?> members) =>
        Convert.ToHexStringLower(SHA256.HashData(JsonSerializer.SerializeToUtf8Bytes<object?[]>([previous, .. members])));

    private static string? ToJson(object? value) => value is null ? null : JsonSerializer.Serialize(value, JsonSerializerOptions.Web);

    private static JournalEntry Read(SqliteDataReader row) => new(row.GetInt64(0), row.Time(1), row.GetString(2), row.GetString(3),
        row.TextOrNull(4), row.TextOrNull(5), Convert.ToHexStringLower(row.Bytes(6)));
}
