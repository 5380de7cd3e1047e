using System.Text.Json;
using Capillary.Core.Identity;
using Capillary.Core.Reports;
using Microsoft.Data.Sqlite;

namespace Capillary.HubNode.Storage;

/// <summary>An event as the hub keeps it; a dropped range stands for <c>First</c> to <c>Last</c>.</summary>
internal sealed record KeptEvent(long Id, SiteId Site, long Incarnation, long First, long Last, DateTimeOffset At,
    DateTimeOffset ReceivedAt, string Type, string? App, string? Text, string? DataJson);

/// <summary>Events of sites, and up to where each site's are kept.</summary>
internal static class EventTables
{
    public static EventCursor Cursor(SqliteConnection db, SiteId site) =>
        db.Query("SELECT incarnation, seq FROM event_cursors WHERE site = $site", row => new EventCursor(row.GetInt64(0), row.GetInt64(1)),
            ("$site", site.Value)).SingleOrDefault() ?? EventCursor.None;

    public static List<(SiteId Site, EventCursor Cursor)> Cursors(SqliteConnection db) =>
        db.Query("SELECT site, incarnation, seq FROM event_cursors", row => (new SiteId(row.GetString(0)),
            new EventCursor(row.GetInt64(1), row.GetInt64(2))));

    public static void Keep(SqliteConnection db, SiteId site, EventCursor cursor) =>
        db.Execute("INSERT OR REPLACE INTO event_cursors VALUES($site, $incarnation, $seq)", ("$site", site.Value),
            ("$incarnation", cursor.Incarnation), ("$seq", cursor.Seq));

    public static void Add(SqliteConnection db, SiteId site, long incarnation, IEnumerable<NumberedEvent> events, DateTimeOffset now) =>
        db.ExecuteMany("INSERT INTO events VALUES(NULL, $site, $incarnation, $first, $last, $at, $received, $type, $app, $text, $data)",
            ["$site", "$incarnation", "$first", "$last", "$at", "$received", "$type", "$app", "$text", "$data"], events,
            one => [site.Value, incarnation, one.First, one.Last, one.Event.At.ToUnixTimeMilliseconds(), now.ToUnixTimeMilliseconds(),
                one.Event.Type, one.Event.App?.Value, one.Event.Dropped?.Reason ?? one.Event.Text,
                one.Event.Data is { } data ? JsonSerializer.Serialize(data) : null]);

    public static void Trim(SqliteConnection db, int most) =>
        db.Execute("DELETE FROM events WHERE id <= (SELECT MAX(id) FROM events) - $most", ("$most", most));

    /// <summary>In the order they were kept, those after <paramref name="after"/>; of one site, or of all.</summary>
    public static List<KeptEvent> List(SqliteConnection db, SiteId? site, long after, int limit) =>
        db.Query("SELECT id, site, incarnation, first, last, at, received_at, type, app, text, data FROM events "
            + "WHERE id > $after AND ($site IS NULL OR site = $site) ORDER BY id LIMIT $limit", Read,
            ("$after", after), ("$site", site?.Value), ("$limit", limit));

    /// <summary>The newest, in the order they were kept.</summary>
    public static List<KeptEvent> Newest(SqliteConnection db, SiteId? site, int limit) =>
        [.. db.Query("SELECT id, site, incarnation, first, last, at, received_at, type, app, text, data FROM events "
            + "WHERE $site IS NULL OR site = $site ORDER BY id DESC LIMIT $limit", Read, ("$site", site?.Value), ("$limit", limit))
            .AsEnumerable().Reverse()];

    private static KeptEvent Read(SqliteDataReader row) => new(row.GetInt64(0), new SiteId(row.GetString(1)), row.GetInt64(2),
        row.GetInt64(3), row.GetInt64(4), row.Time(5), row.Time(6), row.GetString(7), row.TextOrNull(8), row.TextOrNull(9),
        row.TextOrNull(10));
}
