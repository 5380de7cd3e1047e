using System.Globalization;
using System.Text.Json;
using Capillary.Fleet.Rollouts;
using Capillary.HubNode.Storage;
using Microsoft.AspNetCore.Http;

namespace Capillary.HubNode.Api;

/// <summary>Rollouts: how far they are, and what operators say of them.</summary>
internal static class RolloutRoutes
{
    private const int MostRollouts = 100;
    private const int MostReason = 500;
    private const long MostPreviewBytes = 128 << 20;

    public static IEnumerable<ApiRoute> All(Hub hub) =>
    [
        new("GET", "/api/v1/rollouts", Permission.Read, (_, _) => Task.FromResult(List(hub))),
        new("GET", "/api/v1/rollout", Permission.Read, (_, _) => Task.FromResult(ApiAnswer.Ok(RolloutView.Of(hub.Rollout.Status,
            int.MaxValue)))),
        new("GET", "/api/v1/rollouts/{name}", Permission.Read, (call, _) => Task.FromResult(One(hub, call.Name))),
        Preview(hub),
        Post("start", Permission.Rollout, (call, wish) =>
            hub.Rollout.Start(new(call.Actor, wish.Policy, wish.Emergency == true), wish.Preview)),
        Post("pause", Permission.Rollout, (call, wish) => hub.Rollout.Pause(call.Actor, wish.Reason ?? "asked for")),
        Post("resume", Permission.Rollout, (call, _) => hub.Rollout.Continue(call.Actor)),
        Post("approve", Permission.ApproveWave, (call, wish) => hub.Rollout.Approve(call.Actor, call.Role, wish.Wave)),
        Post("abort", Permission.Rollout, (call, wish) => hub.Rollout.Abort(call.Actor, wish.Reason ?? "asked for")),
        Post("rollback", Permission.Rollout, (call, wish) => hub.Rollout.Back(wish.Release, call.Actor, wish.Reason ?? "asked for")),
    ];

    private static ApiAnswer List(Hub hub) => ApiAnswer.Ok(hub.Database.Read(db => RolloutTable.List(db, MostRollouts))
        .Select(stored => RolloutRow.Of(stored, hub.Rollout.Status)));

    private static ApiAnswer One(Hub hub, string name) =>
        long.TryParse(name, NumberStyles.None, CultureInfo.InvariantCulture, out var id)
            && hub.Database.Read(db => RolloutTable.At(db, id)) is { } stored
            ? ApiAnswer.Ok(RolloutDetail.Of(stored, hub.Rollout.Status))
            : ApiAnswer.Fail(StatusCodes.Status404NotFound, "not-found", $"there is no rollout {name}", "see: capillary rollout list");

    private static ApiRoute Preview(Hub hub)
    {
        // Each takes memory in proportion to the fleet.
        var turn = new SemaphoreSlim(1);
        return new("POST", "/api/v1/rollout/preview", Permission.Read, async (call, stop) =>
        {
            call.AllowBody(MostPreviewBytes);
            await turn.WaitAsync(stop);
            try
            {
                return await PreviewAsync(hub, call, stop);
            }
            finally
            {
                turn.Release();
            }
        });
    }

    private static async Task<ApiAnswer> PreviewAsync(Hub hub, ApiCall call, CancellationToken stop)
    {
        try
        {
            var wish = await JsonSerializer.DeserializeAsync<PreviewWish>(call.Context.Request.Body, ApiJson.Strict, stop);
            return wish is null ? ApiAnswer.Fail(StatusCodes.Status400BadRequest, "bad-request", "there is no commit in it", null)
                : ApiAnswer.Ok(hub.Rollout.Preview(wish));
        }
        catch (Exception e) when (e is ArgumentException or FormatException)
        {
            return ApiAnswer.Fail(StatusCodes.Status400BadRequest, "bad-request", e.Message, null);
        }
    }

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
