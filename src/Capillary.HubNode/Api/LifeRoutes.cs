using Capillary.Core.Identity;
using Capillary.HubNode.Publish;
using Microsoft.AspNetCore.Http;

namespace Capillary.HubNode.Api;

/// <summary>
/// The life of nodes beside the commits: who waits, who knocked, revoke, retire, retry, replace, move; and the restored hub.
/// </summary>
internal static class LifeRoutes
{
    private const int MostReason = 500;

    public static IEnumerable<ApiRoute> All(Hub hub) =>
    [
        Get("/api/v1/waiting", _ => ApiAnswer.Ok(hub.Approvals.Open.Select(one =>
            new WaitingView(one.Node.Value, Name(one.Kind), one.KeyId, one.Via, one.Since)))),
        Get("/api/v1/undeclared", _ => ApiAnswer.Ok(hub.Knocks.All.Reverse().Select(one =>
            new KnockView(one.Node.Value, one.KeyId, one.Via, one.First, one.Last, one.Count, one.Why)))),
        Get("/api/v1/hub/restore", _ => ApiAnswer.Ok(Restore(hub))),
        new("POST", "/api/v1/hub/resume", Permission.Resume, (call, _) => Task.FromResult(Resume(hub, call))),
        Post<RevokeWish>("/api/v1/sites/{name}/revoke", (call, wish) => Revoke(hub, call, NodeKind.Site, wish)),
        Post<RevokeWish>("/api/v1/regions/{name}/revoke", (call, wish) => Revoke(hub, call, NodeKind.Region, wish)),
        Post<RetireWish>("/api/v1/sites/{name}/retire", (call, wish) => Answer(Retire(hub, call, wish))),
        Post<object>("/api/v1/sites/{name}/retry", (call, _) => Answer(hub.Life.Retry(new SiteId(call.Name), call.Actor))),
        Post<object>("/api/v1/sites/{name}/confirm-prune", (call, _) => Answer(hub.Life.ConfirmPrune(new SiteId(call.Name), call.Actor))),
        Post<OverrideWish>("/api/v1/sites/{name}/override-hold", (call, wish) => OverrideHold(hub, call, wish)),
        Post<ReplaceWish>("/api/v1/sites/{name}/replace", (call, wish) => Replace(hub, call, wish)),
        Post<MoveWish>("/api/v1/sites/{name}/move", (call, wish) => Move(hub, call, wish)),
        .. Approvals(hub, NodeKind.Site), .. Approvals(hub, NodeKind.Region),
    ];

    private static IEnumerable<ApiRoute> Approvals(Hub hub, NodeKind kind) =>
    [
        Post<ApprovalWish>($"/api/v1/{Name(kind)}s/{{name}}/approve", (call, wish) => Approve(hub, call, kind, wish, true),
            Permission.Approve),
        Post<ApprovalWish>($"/api/v1/{Name(kind)}s/{{name}}/deny", (call, wish) => Approve(hub, call, kind, wish, false),
            Permission.Approve),
    ];

    private static string Name(NodeKind kind) => kind.ToString().ToLowerInvariant();

    private static ApiRoute Get(string path, Func<ApiCall, ApiAnswer> serve) =>
        new("GET", path, Permission.Read, (call, _) => Task.FromResult(serve(call)));

    private static ApiRoute Post<T>(string path, Func<ApiCall, T?, ApiAnswer> serve, Permission needs = Permission.ChangeLife)
        where T : class => new("POST", path, needs, async (call, stop) =>
    {
        var wish = await call.BodyAsync<T>(stop);
        return DnsLabel.IsValid(call.Name) ? serve(call, wish)
            : Bad($"'{call.Name}' is not a name", "names are 1 to 63 lower-case letters, digits and '-'");
    });

    private static ApiAnswer Bad(string detail, string? hint) => ApiAnswer.Fail(StatusCodes.Status400BadRequest, "bad-request", detail,
        hint);

    private static ApiAnswer Answer(LifeOutcome outcome) => outcome switch
    {
        LifeOutcome.Done done => ApiAnswer.Ok(new LifeAnswer(done.Text)),
        LifeOutcome.Unknown unknown => ApiAnswer.Fail(StatusCodes.Status404NotFound, "not-found", unknown.Reason,
            "see: capillary site list"),
        LifeOutcome.Refused refused => ApiAnswer.Fail(StatusCodes.Status409Conflict, "cannot-change", refused.Reason, refused.Hint),
        _ => throw new InvalidOperationException("unknown outcome"),
    };

    private static ApiAnswer Revoke(Hub hub, ApiCall call, NodeKind kind, RevokeWish? wish) =>
        wish?.Reason is { Length: > 0 and <= MostReason } reason
        ? Answer(hub.Life.Revoke(new NodeName(call.Name), kind, reason, call.Actor)) : NeedsReason();

    private static ApiAnswer OverrideHold(Hub hub, ApiCall call, OverrideWish? wish) =>
        wish?.Reason is { Length: > 0 and <= MostReason } reason
        ? Answer(hub.Life.OverrideHold(new SiteId(call.Name), reason, call.Actor)) : NeedsReason();

    private static ApiAnswer NeedsReason() =>
        Bad("a reason is missing or too long", $"say why in 1 to {MostReason} characters; it stands in the journal");

    private static LifeOutcome Retire(Hub hub, ApiCall call, RetireWish? wish)
    {
        var reason = wish?.Reason is { Length: > 0 and <= MostReason } given ? given : "no longer needed";
        return wish?.Cancel == true
            ? hub.Life.CancelRetire(new SiteId(call.Name), call.Actor)
            : hub.Life.Retire(new SiteId(call.Name), wish?.Force == true, reason, call.Actor);
    }

    private static ApiAnswer Replace(Hub hub, ApiCall call, ReplaceWish? wish)
    {
        var site = new SiteId(call.Name);
        // The name must still be free to be given before the old hardware loses it.
        if (hub.Enrollment.Undeclared(new NodeName(call.Name), NodeKind.Site, null) is { } undeclared)
            return ApiAnswer.Fail(StatusCodes.Status409Conflict, "cannot-enroll", undeclared, null);
        var enroll = new EnrollWish(wish?.Parents, wish?.LifetimeMinutes, null, wish?.NeedsParents);
        var parents = ApiRoutes.ParentsOf(hub, NodeKind.Site, new NodeName(call.Name), enroll);
        if (ApiRoutes.WithoutParents(parents, enroll) is { } unknown) return unknown;
        var outcome = hub.Life.Replace(site, wish?.Now == true, call.Actor);
        return outcome is LifeOutcome.Done ? ApiRoutes.MakeCode(hub, call, NodeKind.Site, enroll) : Answer(outcome);
    }

    private static ApiAnswer Move(Hub hub, ApiCall call, MoveWish? wish) => wish?.Region is { } region && DnsLabel.IsValid(region)
        ? Answer(hub.Life.Move(new SiteId(call.Name), new RegionId(region), call.Actor))
        : Bad($"'{wish?.Region}' is not a region's name", "name the region that the site's file stands in");

    private static ApiAnswer Approve(Hub hub, ApiCall call, NodeKind kind, ApprovalWish? wish, bool approve)
    {
        if (wish?.Key is { } key && (key.Length is < 8 or > 64 || !key.All(char.IsAsciiHexDigit)))
            return Bad($"'{key}' is not the beginning of a key's id",
                "8 to 64 hexadecimal digits, as capillary site list --waiting shows them");
        return hub.Approvals.Answer(new NodeName(call.Name), kind, wish?.Key, approve, call.Actor) switch
        {
            ApprovalOutcome.Done done => ApiAnswer.Ok(new WaitingView(done.Node.Node.Value, Name(kind), done.Node.KeyId, done.Node.Via,
                done.Node.Since)),
            ApprovalOutcome.Refused refused => ApiAnswer.Fail(StatusCodes.Status409Conflict, "cannot-change", refused.Reason, null),
            _ => throw new InvalidOperationException("unknown outcome"),
        };
    }

    private static RestoreView Restore(Hub hub)
    {
        var ahead = hub.Restore.Ahead;
        var plan = ahead.Count > 0 ? hub.Rollout.ResumePlan(ahead.Max(one => one.Generation)) : null;
        var state = ahead.Count > 0 ? "conflict" : hub.Restore.Settled.IsCompleted ? "ready" : "settling";
        return new(state, hub.Restore.Paused, hub.Publisher.Generation, plan?.Generation, plan?.Changes.Count ?? 0, hub.Restore.Recovered,
            [.. ahead.Select(one => new AheadView(one.Node.Value, one.Generation, one.At))]);
    }

    private static ApiAnswer Resume(Hub hub, ApiCall call) => hub.Rollout.Resume(call.Actor) is { } problem
        ? ApiAnswer.Fail(StatusCodes.Status409Conflict, "cannot-resume", problem, null)
        : ApiAnswer.Ok(Restore(hub));
}
