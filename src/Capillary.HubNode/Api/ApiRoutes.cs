using System.Globalization;
using System.Security.Cryptography;
using System.Text.Json;
using Capillary.Core.Identity;
using Capillary.HubNode.Publish;
using Capillary.HubNode.Storage;
using Microsoft.AspNetCore.Http;

namespace Capillary.HubNode.Api;

/// <summary>Everything under <c>/api/v1</c>, and <c>/metrics</c>.</summary>
internal static class ApiRoutes
{
    private const int MostReleases = 200;
    private const int MostJournal = 1000;
    private const int MostEvents = 1000;

    public static IEnumerable<ApiRoute> All(Hub hub, TimeProvider time) =>
    [
        Get("/api/v1/sites", Permission.Read, _ => ApiAnswer.Ok(hub.Views.All())),
        Get("/api/v1/sites/{name}", Permission.Read, call => Site(hub, call)),
        Get("/api/v1/releases", Permission.Read, _ => ApiAnswer.Ok(hub.Database.Read(db =>
            ReleaseTables.List(db, MostReleases)).Select(ReleaseView.Of))),
        Get("/api/v1/releases/{name}", Permission.Read, call => Release(hub, call)),
        Get("/api/v1/status", Permission.Read, _ => ApiAnswer.Ok(StatusReader.Read(hub, time.GetUtcNow()))),
        Get("/api/v1/regions", Permission.Read, _ => ApiAnswer.Ok(StatusReader.Regions(hub))),
        Get("/api/v1/journal", Permission.ReadJournal, call => Journal(hub, call)),
        Get("/api/v1/events", Permission.Read, call => Events(hub, call)),
        new("POST", "/api/v1/sites/{name}/enroll", Permission.Enroll, (call, stop) => EnrollAsync(hub, call, NodeKind.Site, stop)),
        new("POST", "/api/v1/regions/{name}/enroll", Permission.Enroll, (call, stop) => EnrollAsync(hub, call, NodeKind.Region, stop)),
        new("POST", "/api/v1/operators", Permission.ManageOperators, (call, stop) => AddOperatorAsync(hub, call, time, stop)),
        new("POST", "/api/v1/sync", Permission.Sync, (call, stop) => SyncAsync(hub, call, time, stop)),
        .. CarryRoutes.All(hub, time),
        .. TrustRoutes.All(hub),
        .. LifeRoutes.All(hub),
        .. RolloutRoutes.All(hub),
        Get("/metrics", Permission.Read, _ => ApiAnswer.Text(Metrics.Write(hub, time.GetUtcNow()))),
    ];

    private static ApiRoute Get(string path, Permission needs, Func<ApiCall, ApiAnswer> serve) =>
        new("GET", path, needs, (call, _) => Task.FromResult(serve(call)));

    private static ApiAnswer NotFound(string detail, string hint) =>
        ApiAnswer.Fail(StatusCodes.Status404NotFound, "not-found", detail, hint);

    private static ApiAnswer BadRequest(string detail, string? hint) =>
        ApiAnswer.Fail(StatusCodes.Status400BadRequest, "bad-request", detail, hint);

    private static ApiAnswer Site(Hub hub, ApiCall call) =>
        DnsLabel.IsValid(call.Name) && hub.Views.Find(new SiteId(call.Name)) is { } detail
            ? ApiAnswer.Ok(detail)
            : NotFound($"there is no site '{call.Name}'", "see: capillary site list");

    private static ApiAnswer Release(Hub hub, ApiCall call)
    {
        if (!long.TryParse(call.Name, NumberStyles.None, CultureInfo.InvariantCulture, out var number)
            || hub.Database.Read(db => ReleaseTables.Find(db, number)) is not { } found)
            return NotFound($"there is no release '{call.Name}'", "see: capillary release list");
        var changes = hub.Database.Read(db => ReleaseTables.Changes(db, number))
            .Select(change => new ReleaseSiteView(change.Site.Value, change.Now?.Region.Value, change.Now?.Bundle.Text));
        return ApiAnswer.Ok(new ReleaseDetail(ReleaseView.Of(found), [.. changes]));
    }

    private static ApiAnswer Journal(Hub hub, ApiCall call)
    {
        var text = call.Context.Request.Query["before"].ToString();
        var before = long.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var given) ? given : long.MaxValue;
        if (text.Length > 0 && before == long.MaxValue) return BadRequest($"before '{text}' is not an entry's number", null);
        var (broken, entries) = hub.Database.Read(db => (JournalTable.FirstBroken(db), JournalTable.List(db, before, MostJournal)));
        return ApiAnswer.Ok(new JournalPage(broken is null, broken, [.. entries.Select(entry =>
            new JournalView(entry.Seq, entry.At, entry.Actor, entry.Action, Json(entry.Before), Json(entry.After), entry.Hash))]));
    }

    private static ApiAnswer Events(Hub hub, ApiCall call)
    {
        var query = call.Context.Request.Query;
        var (name, text) = (query["site"].ToString(), query["after"].ToString());
        if (name.Length > 0 && !DnsLabel.IsValid(name)) return BadRequest($"'{name}' is not a site's name", "see: capillary site list");
        SiteId? site = name.Length > 0 ? new SiteId(name) : null;
        var after = 0L;
        if (text.Length > 0 && !long.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out after))
            return BadRequest($"after '{text}' is not an event's id", null);
        var found = hub.Database.Read(db => text.Length > 0 ? EventTables.List(db, site, after, MostEvents)
            : EventTables.Newest(db, site, MostEvents));
        return ApiAnswer.Ok(found.Select(one => new EventView(one.Id, one.Site.Value, one.Incarnation, one.First, one.Last, one.At,
            one.ReceivedAt, one.Type, one.App, one.Text, Json(one.DataJson))));
    }

    private static JsonElement? Json(string? text) => text is null ? null : JsonSerializer.Deserialize<JsonElement>(text);

    private static async Task<ApiAnswer> EnrollAsync(Hub hub, ApiCall call, NodeKind kind, CancellationToken stop)
    {
        var wish = await call.BodyAsync<EnrollWish>(stop);
        return MakeCode(hub, call, kind, wish);
    }

    /// <summary>A join code for the node of the path.</summary>
    public static ApiAnswer MakeCode(Hub hub, ApiCall call, NodeKind kind, EnrollWish? wish)
    {
        if (!DnsLabel.IsValid(call.Name)) return BadRequest($"'{call.Name}' is not a name",
            "names are 1 to 63 lower-case letters, digits and '-'");
        if (wish is { LifetimeMinutes: < 1 or > 60 * 24 * 30 }) return BadRequest("lifetimeMinutes is out of range", "1 minute to 30 days");
        if (wish?.Node is { } further && (kind != NodeKind.Region || !DnsLabel.IsValid(further)))
            return BadRequest($"'{further}' is not the name of a region's node", "names are 1 to 63 lower-case letters, digits and '-'");
        var node = new NodeName(wish?.Node ?? call.Name);
        RegionId? region = wish?.Node is null ? null : new RegionId(call.Name);
        var parents = ParentsOf(hub, kind, node, wish);
        if (WithoutParents(parents, wish) is { } unknown) return unknown;
        if (OtherPlatform(hub, node, wish) is { } other) return other;
        var lifetime = wish?.LifetimeMinutes is { } minutes ? TimeSpan.FromMinutes(minutes) : Enrollment.CodeLifetime;
        return hub.Enrollment.MakeCode(node, kind, region, call.Actor, lifetime) switch
        {
            CodeOutcome.Made made => ApiAnswer.Ok(new JoinCodeView(made.Code.ToString(), made.ExpiresAt, hub.Fleet.Value, node.Value,
                kind.ToString().ToLowerInvariant(), parents, hub.Cell.Value.TrustRoots[0].Digest.Text)),
            CodeOutcome.Refused refused => ApiAnswer.Fail(StatusCodes.Status409Conflict, "cannot-enroll", refused.Reason, null),
            _ => throw new InvalidOperationException("unknown outcome"),
        };
    }

    /// <summary>Asked before a code is made, which would make an unused one void. Null: it may be made.</summary>
    public static ApiAnswer? WithoutParents(IReadOnlyList<string> parents, EnrollWish? wish) =>
        wish?.NeedsParents == true && parents.Count == 0
            ? ApiAnswer.Fail(StatusCodes.Status409Conflict, "no-address", "a join file names where the node dials, and nothing says it",
                "give --parent HOST:PORT (for a site its region's address, for a region the hub's), or write spec.addresses in the "
                    + "region's document")
            : null;

    /// <summary>Who installs it another way than its platform is would find out only at the site. Null: nobody does.</summary>
    private static ApiAnswer? OtherPlatform(Hub hub, NodeName node, EnrollWish? wish)
    {
        if (wish?.Platform is not { } wanted) return null;
        if (hub.Releases.Newest?.Sites.GetValueOrDefault(new SiteId(node.Value)) is not { } declared) return null;
        var platform = declared.Platform.ToString().ToLowerInvariant();
        return platform == wanted ? null : ApiAnswer.Fail(StatusCodes.Status409Conflict, "other-platform",
            $"the fleet repository declares site '{node}' with platform {platform}, not {wanted}", platform == "host"
                ? $"let it in with: capillary site enroll {node} --out {node}.join; or write 'platform: kubernetes' in its document"
                : $"let it in with: capillary site manifest {node}");
    }

    /// <summary>Where a node of this name is to dial; none: nothing says so.</summary>
    public static IReadOnlyList<string> ParentsOf(Hub hub, NodeKind kind, NodeName node, EnrollWish? wish)
    {
        if (wish?.Parents is { Count: > 0 and <= 16 } given) return given;
        return kind == NodeKind.Site && hub.Enrollment.AddressesFor(node) is { Count: > 0 } declared ? declared : hub.Advertise;
    }

    private static async Task<ApiAnswer> AddOperatorAsync(Hub hub, ApiCall call, TimeProvider time, CancellationToken stop)
    {
        var wish = await call.BodyAsync<OperatorWish>(stop);
        if (wish?.Name is not { } name || !DnsLabel.IsValid(name) || name is "local" or "hub")
            return BadRequest($"'{wish?.Name}' is not an operator's name",
                "1 to 63 lower-case letters, digits and '-'; not 'local' or 'hub'");
        if (wish.Role is not { } role || !Roles.Exists(role)) return BadRequest($"'{wish.Role}' is not a role", $"roles: {Roles.Known}");
        var token = Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(32));
        hub.Database.Write(db =>
        {
            var before = OperatorTable.Find(db, name);
            OperatorTable.Put(db, new(name, role), token, time.GetUtcNow());
            JournalTable.Append(db, time.GetUtcNow(), call.Actor, "operator.put", before, new Operator(name, role));
        });
        return ApiAnswer.Ok(new OperatorView(name, role, token));
    }

    private static async Task<ApiAnswer> SyncAsync(Hub hub, ApiCall call, TimeProvider time, CancellationToken stop)
    {
        var before = hub.Releases.Newest?.Number ?? 0;
        var result = await hub.Commits.SyncAsync(stop);
        hub.Database.Write(db => JournalTable.Append(db, time.GetUtcNow(), call.Actor, "sync", new { release = before }, result));
        return ApiAnswer.Ok(result);
    }
}
