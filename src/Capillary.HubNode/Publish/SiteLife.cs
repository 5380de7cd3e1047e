using System.Collections.Immutable;
using Capillary.Core.Bundles;
using Capillary.Core.Identity;
using Capillary.Core.Protocol;
using Capillary.Core.Reports;
using Capillary.Core.Trust;
using Capillary.Fleet.Rollouts;
using Capillary.HubNode.Observe;
using Capillary.HubNode.Storage;
using Capillary.Node.Blobs;
using Capillary.Node.Parent;

namespace Capillary.HubNode.Publish;

/// <summary>What came of a wish for a site's life.</summary>
internal abstract record LifeOutcome
{
    private LifeOutcome() { }

    /// <summary>It is done, or durable and under way; <paramref name="Text"/> says which, and what follows.</summary>
    public sealed record Done(string Text) : LifeOutcome;

    /// <summary>It cannot be; with what to do next.</summary>
    public sealed record Refused(string Reason, string? Hint) : LifeOutcome;

    /// <summary>There is no such node.</summary>
    public sealed record Unknown(string Reason) : LifeOutcome;
}

/// <summary>
/// The life of a site beside the commits: revoked, retired, replaced, moved. Each wish is durable before it is answered and goes on by
/// itself, whether the site is there or away for months. One caller at a time.
/// </summary>
internal sealed partial class SiteLife
{
    private readonly HubDatabase database;
    private readonly RecordSigner records;
    private readonly DesiredStateCell cell;
    private readonly ReleaseBook releases;
    private readonly SiteBook sites;
    private readonly BlobStore blobs;
    private readonly RestoreCheck restore;
    private readonly LinkFacts links;
    private readonly TimeProvider time;
    private readonly Lock gate = new();
    private volatile ImmutableDictionary<SiteId, SiteWish> wishes;

    public SiteLife(HubDatabase database, RecordSigner records, DesiredStateCell cell, ReleaseBook releases, SiteBook sites,
        BlobStore blobs,
        RestoreCheck restore, LinkFacts links, TimeProvider time)
    {
        (this.database, this.records, this.cell, this.releases, this.sites) = (database, records, cell, releases, sites);
        (this.blobs, this.restore, this.links, this.time) = (blobs, restore, links, time);
        wishes = database.Read(WishTable.All).ToImmutableDictionary(wish => wish.Site);
    }

    /// <summary>The manifest of a bundle of nothing: what a site that is retired runs.</summary>
    public static Blob Nothing { get; } = Blob.Of(new BundleManifest([], []).ToBytes());

    /// <summary>Called when the planner has to look.</summary>
    public Action Changed { get; set; } = () => { };

    /// <summary>Every wish that is not done, and the sites that were retired.</summary>
    public IReadOnlyDictionary<SiteId, SiteWish> Wishes => wishes;

    /// <summary>What the planner is to know of them.</summary>
    public Dictionary<SiteId, LineWish> ForPlanner()
    {
        var lines = cell.Value.Lines;
        var said = new Dictionary<SiteId, LineWish>();
        foreach (var wish in wishes.Values)
        {
            if (wish.Kind == WishKind.Retired || !lines.TryGetValue(wish.Site, out var line)) continue;
            var bundle = wish.Kind switch
            {
                WishKind.Retire => Nothing.Digest,
                WishKind.Return => wish.Before,
                _ => (Digest?)null,
            };
            said[wish.Site] = new(line.Region, bundle, wish.Since, $"site {WordOf(wish.Kind)}: {wish.Reason}")
            {
                KeepsFallback = wish.Kind is WishKind.Retry or WishKind.ConfirmPrune or WishKind.OverrideHold,
                Mode = ModeOf(wish.Kind),
            };
        }
        return said;
    }

    /// <summary>The key of this node no longer counts anywhere, from now on.</summary>
    public LifeOutcome Revoke(NodeName node, NodeKind kind, string reason, string actor)
    {
        lock (gate)
        {
            if (Unready() is { } unready) return unready;
            if (Of(node, kind) is not { } record) return Unknown(node, kind);
            var name = kind.ToString().ToLowerInvariant();
            if (record.State == RecordState.Revoked)
                return new LifeOutcome.Refused($"{name} '{node}' is revoked already, since record version {record.Version}", null);
            RevokeNow(node, actor, $"{name}.revoke", reason, _ => { });
            return new LifeOutcome.Done($"{name} '{node}' is revoked; its session ends now, and no parent that has heard of it lets it in"
                + Unheard(record) + $"; to let it in again: capillary {name} enroll {node}");
        }
    }

    /// <summary>Has the site remove what we own there, then revokes it; or revokes it at once.</summary>
    public LifeOutcome Retire(SiteId site, bool force, string reason, string actor)
    {
        lock (gate)
        {
            if (Unready() is { } unready) return unready;
            var (node, line) = (new NodeName(site.Value), cell.Value.Lines.GetValueOrDefault(site));
            var record = Of(node, NodeKind.Site);
            if (Declared(site) is { } declared)
                return new LifeOutcome.Refused($"the fleet repository declares '{site}'",
                    $"remove sites/{declared.Region}/{site}.yaml first; for a site that was stolen: capillary site revoke {site} "
                        + $"--reason TEXT");
            if (record is null && line is null) return Unknown(node, NodeKind.Site);
            if (wishes.GetValueOrDefault(site)?.Kind == WishKind.Retired) return new LifeOutcome.Refused($"'{site}' is retired already",
                null);
            var isGone = record is null || record.State == RecordState.Revoked;
            if (force || isGone || line is null)
            {
                End(site, isGone, reason, actor);
                return new LifeOutcome.Done(isGone ? $"'{site}' is retired; no hardware had its name"
                    : $"'{site}' is retired and revoked; what runs there now runs on until somebody removes it at the site");
            }
            if (wishes.GetValueOrDefault(site)?.Kind == WishKind.Retire)
                return new LifeOutcome.Refused($"'{site}' is being retired already",
                    $"to revoke it now: capillary site retire {site} --force");
            blobs.PutPack([BundleManifest.EmptyConfig, Nothing]);
            Put(new SiteWish(site, WishKind.Retire, line.Assignment.Bundle, line.Assignment.Since, reason, actor, time.GetUtcNow()),
                "site.retire");
        }
        Changed();
        return new LifeOutcome.Done($"'{site}' is being retired: it removes what we own there, and is revoked when it says that this is "
            + $"done; "
            + $"it may be away until then. To call it off: capillary site retire {site} --cancel");
    }

    /// <summary>Calls a retirement off, as long as the site is not revoked.</summary>
    public LifeOutcome CancelRetire(SiteId site, string actor)
    {
        lock (gate)
        {
            if (Unready() is { } unready) return unready;
            switch (wishes.GetValueOrDefault(site))
            {
                case { Kind: WishKind.Retire } wish:
                    Put(wish with { Kind = WishKind.Return, Actor = actor, At = time.GetUtcNow() }, "site.retire-cancel");
                    break;
                case { Kind: WishKind.Retired }:
                    return new LifeOutcome.Refused($"'{site}' is retired and revoked",
                        $"declare it again, then: capillary site enroll {site}");
                default:
                    return new LifeOutcome.Refused($"'{site}' is not being retired", null);
            }
        }
        Changed();
        return new LifeOutcome.Done($"'{site}' is to run again what it ran before; it stays orphaned until it is declared");
    }

    /// <summary>Before new hardware gets a join code under an old name; <paramref name="now"/>: the old one ends at once.</summary>
    public LifeOutcome Replace(SiteId site, bool now, string actor)
    {
        lock (gate)
        {
            if (Unready() is { } unready) return unready;
            var node = new NodeName(site.Value);
            if (Of(node, NodeKind.Site) is not { } record)
                return new LifeOutcome.Refused($"no hardware has the name '{site}' yet",
                    $"let the first one in: capillary site enroll {site}");
            if (now && record.State == RecordState.Active) RevokeNow(node, actor, "site.replace", "replaced by new hardware", _ => { });
            else database.Write(db => JournalTable.Append(db, time.GetUtcNow(), actor, "site.replace", null, new { site = site.Value }));
            return new LifeOutcome.Done(now ? $"the old hardware of '{site}' is revoked"
                : $"the old hardware of '{site}' is revoked as soon as the new one joins");
        }
    }

    /// <summary>In the transaction that lets new hardware in: its line is to be made anew.</summary>
    public void Replacing(Microsoft.Data.Sqlite.SqliteConnection db, SiteId site)
    {
        var line = cell.Value.Lines.GetValueOrDefault(site);
        if (line is null) WishTable.Remove(db, site);
        else WishTable.Put(db, new(site, WishKind.Renew, null, line.Assignment.Since, "new hardware", "hub", time.GetUtcNow()));
    }

    /// <summary>After a record was made by others: wishes are read again.</summary>
    public void Reload()
    {
        lock (gate) wishes = database.Read(WishTable.All).ToImmutableDictionary(wish => wish.Site);
        Changed();
    }

    /// <summary>The region that the fleet repository wants a site in, if it is another than its record's.</summary>
    public RegionId? MovePending(SiteId site) => Of(new NodeName(site.Value), NodeKind.Site) is { State: RecordState.Active } record
        && Declared(site) is { } declared && declared.Region != record.Region ? declared.Region : null;

    /// <summary>Gives the site the region in which the fleet repository declares it.</summary>
    public LifeOutcome Move(SiteId site, RegionId region, string actor)
    {
        lock (gate)
        {
            if (Unready() is { } unready) return unready;
            if (Of(new NodeName(site.Value), NodeKind.Site) is not { } record) return Unknown(new NodeName(site.Value), NodeKind.Site);
            if (record.State == RecordState.Revoked)
                return new LifeOutcome.Refused($"'{site}' is revoked", $"let it in where it is declared: capillary site enroll {site}");
            if (Declared(site) is not { } declared || declared.Region != region)
                return new LifeOutcome.Refused($"the fleet repository does not declare '{site}' in region '{region}'",
                    $"move its file to sites/{region}/{site}.yaml and commit");
            if (record.Region == region) return new LifeOutcome.Refused($"'{site}' is in region '{region}' already", null);
            if (releases.Newest!.TermsOf(region).Addresses is not { Count: > 0 } addresses)
                return new LifeOutcome.Refused($"nothing says where the sites of region '{region}' dial",
                    $"add spec.addresses to regions/{region}.yaml and commit");
            var before = record.Region!.Value;
            var told = record.MovedTo(region, addresses, WasHeardIn(site)).MovedFrom!;
            if (told.Count > NodeRecord.MaxMovedFrom)
                return new LifeOutcome.Refused($"'{site}' was not heard of in the last {NodeRecord.MaxMovedFrom} regions that it was in",
                    "move it when it was heard of, or back to one of them");
            records.Issue(record.Node, actor, "site.move", held => held!.MovedTo(region, addresses, WasHeardIn(site)));
            Changed();
            return new LifeOutcome.Done($"'{site}' is moved from '{before}' to '{region}'; it is told when it next dials "
                + $"{string.Join(" or ", told.Select(old => $"'{old}'"))}, and then dials {string.Join(", ", addresses)}"
                + string.Concat(told.Select(old => OldRegionAway(site, old))));
        }
    }

    /// <summary>
    /// The site said itself that it is at a generation at which its newest line was proven; only nodes of the region that its record names
    /// have that line. Where it is not known, it counts as no: then more regions tell it than have to.
    /// </summary>
    private bool WasHeardIn(SiteId site) => cell.Value.Lines.GetValueOrDefault(site) is { } line
        && sites.Seen.GetValueOrDefault(site)?.Report?.Generation >= line.ProvenAt;

    /// <summary>Takes every wish as far as it goes now; returns whether there is more to do at once.</summary>
    /// <exception cref="Microsoft.Data.Sqlite.SqliteException">The disk is full; the rest waits.</exception>
    public bool Step()
    {
        lock (gate)
        {
            if (restore.Paused is not null || releases.Newest is not { } release) return false;
            foreach (var wish in wishes.Values) Step(wish);
            return TellAddresses(release) | MoveByPolicy(release);
        }
    }

    private void Step(SiteWish wish)
    {
        var line = cell.Value.Lines.GetValueOrDefault(wish.Site);
        switch (wish.Kind)
        {
            case WishKind.Retire or WishKind.Return when Declared(wish.Site) is not null:
                // The newest commit decides again what it runs.
                Drop(wish, "site.retire-cancel");
                break;
            case WishKind.Retire when line?.Assignment.Bundle == Nothing.Digest && Says(wish.Site, line):
                End(wish.Site, isRevoked: false, wish.Reason, wish.Actor);
                break;
            case WishKind.Return when line is null || line.Assignment.Bundle == wish.Before:
            case WishKind.Renew or WishKind.Retry or WishKind.ConfirmPrune or WishKind.OverrideHold
                when line is null || line.Assignment.Since > wish.Since:
                Drop(wish, null);
                break;
        }
    }

    /// <summary>The site said itself that it is well on exactly this line.</summary>
    private bool Says(SiteId site, OfferedLine line) => sites.Seen.GetValueOrDefault(site)?.Report is { Phase: ReportPhase.Healthy } report
        && report.Since == line.Assignment.Since && report.BundleSince == report.Since && report.Bundle == line.Assignment.Bundle
        && report.Leaf == Digest.Of(line.Line.Leaf);

    private const int MostRecordsAtOnce = 100;

    /// <summary>Sites whose region has other addresses now get their next record; a few at a time, so that nobody waits for the
    /// rest.</summary>
    private bool TellAddresses(Release release)
    {
        var stale = cell.Value.Records.Values.Select(item => item.Record)
            .Where(record => record is { Kind: NodeKind.Site, State: RecordState.Active, Region: { } region }
                && release.TermsOf(region).Addresses is { Count: > 0 } now && !(record.Parents ?? []).SequenceEqual(now))
            .Take(MostRecordsAtOnce + 1).ToList();
        foreach (var record in stale.Take(MostRecordsAtOnce))
        {
            records.Issue(record.Node, "hub", "site.addresses", held => held is { State: RecordState.Active, Region: { } region }
                ? held with { Parents = release.TermsOf(region).Addresses } : null);
        }
        return stale.Count > MostRecordsAtOnce;
    }

    private bool MoveByPolicy(Release release)
    {
        var moves = release.Sites.Where(site => release.TermsOf(site.Value.Region) is { AutomaticMoves: true, Addresses.Count: > 0 }
            && MovePending(site.Key) is not null).Take(MostRecordsAtOnce + 1).ToList();
        foreach (var (site, declared) in moves.Take(MostRecordsAtOnce)) Move(site, declared.Region, "hub");
        return moves.Count > MostRecordsAtOnce;
    }

    private NodeRecord? Of(NodeName node, NodeKind kind) => records.Newest(node) is { } record && record.Kind == kind ? record : null;

    private ReleasedSite? Declared(SiteId site) => releases.Newest?.Sites.GetValueOrDefault(site);

    private LifeOutcome.Refused? Unready() => restore.Paused is { } why
        ? new LifeOutcome.Refused($"the hub signs nothing now: {why}", null) : null;

    private static LifeOutcome.Unknown Unknown(NodeName node, NodeKind kind) =>
        new($"there is no {kind.ToString().ToLowerInvariant()} '{node}' with a record");

    private void Put(SiteWish wish, string action, object? after = null)
    {
        database.Write(db =>
        {
            WishTable.Put(db, wish);
            JournalTable.Append(db, wish.At, wish.Actor, action, null, after ?? new { site = wish.Site.Value, reason = wish.Reason });
        });
        wishes = wishes.SetItem(wish.Site, wish);
    }

    private void Drop(SiteWish wish, string? action)
    {
        database.Write(db =>
        {
            WishTable.Remove(db, wish.Site);
            if (action is not null)
                JournalTable.Append(db, time.GetUtcNow(), "hub", action, null, new { site = wish.Site.Value,
                    reason = "it is declared again" });
        });
        wishes = wishes.Remove(wish.Site);
    }

    private void End(SiteId site, bool isRevoked, string reason, string actor)
    {
        var done = new SiteWish(site, WishKind.Retired, null, 0, reason, actor, time.GetUtcNow());
        if (isRevoked) Put(done, "site.retired");
        else RevokeNow(new NodeName(site.Value), actor, "site.retired", reason, db => WishTable.Put(db, done));
        wishes = wishes.SetItem(site, done);
    }

    private void RevokeNow(NodeName node, string actor, string action, string reason,
        Action<Microsoft.Data.Sqlite.SqliteConnection> also) =>
        records.Issue(node, actor, "node.revoke", held => held! with { State = RecordState.Revoked, SuccessionDue = false }, (db, _) =>
        {
            // A join file that lies around must not let somebody in under this name.
            JoinCodeTable.Drop(db, node);
            WaitingTable.Clear(db, node);
            JournalTable.Append(db, time.GetUtcNow(), actor, action, null, new { node = node.Value, reason });
            also(db);
        });

    private string Unheard(NodeRecord record)
    {
        if (record.Kind != NodeKind.Site || record.Region is not { } region) return "";
        return links.Of(new NodeName(region.Value)) is { IsLive: false } link
            ? $"; region '{region}' is not linked since {link.Since:u} and lets it in until it has heard of it" : "";
    }

    private string OldRegionAway(SiteId site, RegionId before) => links.Of(new NodeName(before.Value)) is { IsLive: false } link
        ? $"; region '{before}' is not linked since {link.Since:u} and cannot tell it: if the site has no other address, take it a copy "
            + $"of its "
            + $"record and line: capillary site export {site} --to DIR, and at the site: capillary-edge import DIR"
        : "";
}
