using Capillary.Fleet.Rollouts;
using Capillary.HubNode.Storage;
using Microsoft.AspNetCore.Http;

namespace Capillary.HubNode.Api;

/// <summary>Rollouts: how far they are, and what operators say of them.</summary>
internal static class RolloutRoutes
{
    private const int MostRollouts = 100;
    private const int MostReason = 500;

    public static IEnumerable<ApiRoute> All(Hub hub) =>
    [
        new("GET", "/api/v1/rollouts", Permission.Read, (_, _) => Task.FromResult(List(hub))),
        new("GET", "/api/v1/rollout", Permission.Read, (_, _) => Task.FromResult(ApiAnswer.Ok(RolloutView.Of(hub.Rollout.Status,
            int.MaxValue)))),
        Post("start", Permission.Rollout, (call, wish) => hub.Rollout.Start(new(call.Actor, wish.Policy, wish.Emergency == true))),
        Post("pause", Permission.Rollout, (call, wish) => hub.Rollout.Pause(call.Actor, wish.Reason ?? "asked for")),
        Post("resume", Permission.Rollout, (call, _) => hub.Rollout.Continue(call.Actor)),
        Post("approve", Permission.ApproveWave, (call, wish) => hub.Rollout.Approve(call.Actor, call.Role, wish.Wave)),
        Post("abort", Permission.Rollout, (call, wish) => hub.Rollout.Abort(call.Actor, wish.Reason ?? "asked for")),
        Post("rollback", Permission.Rollout, (call, wish) => hub.Rollout.Back(wish.Release, call.Actor, wish.Reason ?? "asked for")),
    ];

    private static ApiAnswer List(Hub hub) => ApiAnswer.Ok(hub.Database.Read(db => RolloutTable.List(db, MostRollouts))
        .Select(stored => RolloutRow.Of(stored, hub.Rollout.Status)));

    private static ApiRoute Post(string verb, Permission needs, Func<ApiCall, RolloutWish, ControlOutcome> act) =>
        new("POST", $"/api/v1/rollout/{verb}", needs, async (call, stop) =>
        {
            var wish = await call.BodyAsync<RolloutWish>(stop) ?? new RolloutWish();
            if (wish.Reason?.Length > MostReason)
                return ApiAnswer.Fail(StatusCodes.Status400BadRequest, "bad-request", "the reason is too long",
                    $"at most {MostReason} characters");
            return act(call, wish) switch
            {
                ControlOutcome.Done done => ApiAnswer.Ok(new RolloutAnswer(done.State.Id, done.State.Release, done.Text)),
                ControlOutcome.Refused refused => ApiAnswer.Fail(StatusCodes.Status409Conflict, "cannot-change", refused.Reason,
                    refused.Hint),
                _ => throw new InvalidOperationException("unknown outcome"),
            };
        });
}
