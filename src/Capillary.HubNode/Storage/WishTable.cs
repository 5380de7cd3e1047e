using Capillary.Core.Bundles;
using Capillary.Core.Identity;
using Microsoft.Data.Sqlite;

namespace Capillary.HubNode.Storage;

/// <summary>What an operator wants of a site that no commit says.</summary>
internal enum WishKind
{
    /// <summary>The site is to remove what we own there; then it is revoked.</summary>
    Retire,

    /// <summary>Its retirement was called off: it is to run again what it ran.</summary>
    Return,

    /// <summary>New hardware came: its line is to be made anew, without the fallback of the old one.</summary>
    Renew,

    /// <summary>What failed at it is to be tried again: its line is to be made anew.</summary>
    Retry,

    /// <summary>More of what it owns may be removed than its limit says: its line is to be made anew, with that word in it.</summary>
    ConfirmPrune,

    /// <summary>Its holds that are past their max are not to keep it from applying: its line is to be made anew, with that word in
    /// it.</summary>
    OverrideHold,

    /// <summary>It was retired; it stays listed so until it is enrolled again.</summary>
    Retired,
}

/// <summary>A wish for one site.</summary>
/// <param name="Site">The site.</param>
/// <param name="Kind">What is wanted.</param>
/// <param name="Before">The bundle it held when the wish was made; null when it held none.</param>
/// <param name="Since">Its line's `since` then; 0 when it held none.</param>
/// <param name="Reason">For a person.</param>
/// <param name="Actor">Who wants it.</param>
/// <param name="At">Since when.</param>
internal sealed record SiteWish(SiteId Site, WishKind Kind, Digest? Before, long Since, string Reason, string Actor, DateTimeOffset At);

internal static class WishTable
{
    public static void Put(SqliteConnection db, SiteWish wish) =>
        db.Execute("INSERT OR REPLACE INTO site_wishes VALUES($site, $kind, $bundle, $since, $reason, $actor, $at)",
            ("$site", wish.Site.Value), ("$kind", wish.Kind.ToString()), ("$bundle", wish.Before?.Text), ("$since", wish.Since),
            ("$reason", wish.Reason), ("$actor", wish.Actor), ("$at", wish.At));

    public static void Remove(SqliteConnection db, SiteId site) =>
        db.Execute("DELETE FROM site_wishes WHERE site = $site", ("$site", site.Value));

    public static List<SiteWish> All(SqliteConnection db) =>
        db.Query("SELECT site, kind, bundle, since, reason, actor, at FROM site_wishes", row => new SiteWish(new SiteId(row.GetString(0)),
            Enum.Parse<WishKind>(row.GetString(1)), row.TextOrNull(2) is { } bundle ? Digest.Parse(bundle) : null, row.GetInt64(3),
            row.GetString(4), row.GetString(5), row.Time(6)));
}
