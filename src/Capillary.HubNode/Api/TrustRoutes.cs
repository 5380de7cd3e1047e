using Capillary.Core.Identity;
using Capillary.Core.Trust;
using Capillary.HubNode.Publish;
using Capillary.HubNode.Storage;
using Microsoft.AspNetCore.Http;

namespace Capillary.HubNode.Api;

/// <summary>One version of the trust root.</summary>
/// <param name="Version">From 1.</param>
/// <param name="Digest">What join files pin of version 1.</param>
/// <param name="Since">When it came into force here; null where that is not known.</param>
/// <param name="Threshold">How many root keys sign the next one.</param>
/// <param name="RootKeys">Ids of the keys that sign trust roots.</param>
/// <param name="ReleaseKeys">Ids of the keys that sign checkpoints and records.</param>
/// <param name="BeaconKeys">Ids of the keys that sign beacons.</param>
internal sealed record TrustVersionView(long Version, string Digest, DateTimeOffset? Since, int Threshold, IReadOnlyList<string> RootKeys,
    IReadOnlyList<string> ReleaseKeys, IReadOnlyList<string> BeaconKeys);

/// <summary>Every version, oldest first; the last is in force.</summary>
internal sealed record TrustView(string Fleet, IReadOnlyList<TrustVersionView> Versions);

/// <summary>
/// What the next trust root is to change; root keys as base64 SubjectPublicKeyInfo; the bytes of trust roots that this hub lacks.
/// </summary>
internal sealed record RotationBody(bool Release, bool Beacon, IReadOnlyList<PublicKey>? RootKeys, int? Threshold,
    IReadOnlyList<byte[]>? After);

/// <summary>What the root keys' holders sign.</summary>
/// <param name="Version">The next version.</param>
/// <param name="Payload">Its bytes.</param>
/// <param name="Current">The envelope of the trust root in force, as bytes.</param>
internal sealed record PreparedView(long Version, byte[] Payload, byte[] Current);

/// <summary>The bytes of a signed trust root's envelope, and of those that it follows and this hub lacks.</summary>
internal sealed record SubmitBody(byte[]? Envelope, IReadOnlyList<byte[]>? After);

/// <summary>The trust root that is in force now, and how many records were signed anew.</summary>
internal sealed record SubmittedView(long Version, int Records);

/// <summary>Whether the hub's old key goes into the beacons.</summary>
internal sealed record RotateOwnBody(bool RevokeOld);

/// <summary>A wish for a new key: of the hub it is done, a node is asked.</summary>
internal sealed record RotateKeyView(string Node, DateTimeOffset? AskedSince, string? Key);

/// <summary>Keys and the trust root.</summary>
internal static class TrustRoutes
{
    public static IEnumerable<ApiRoute> All(Hub hub) =>
    [
        new("GET", "/api/v1/trust", Permission.Read, (_, _) => Task.FromResult(ApiAnswer.Ok(Show(hub)))),
        new("POST", "/api/v1/trust/prepare", Permission.ManageTrust, (call, stop) => PrepareAsync(hub, call, stop)),
        new("POST", "/api/v1/trust/submit", Permission.ManageTrust, (call, stop) => SubmitAsync(hub, call, stop)),
        new("POST", "/api/v1/hub/rotate-key", Permission.ManageTrust, async (call, stop) =>
            Rotate(hub, call, HubFolder.HubNode.Value, NodeKind.Hub, (await call.BodyAsync<RotateOwnBody>(stop))?.RevokeOld ?? false)),
        new("POST", "/api/v1/regions/{name}/rotate-key", Permission.RotateKeys, (call, _) =>
            Task.FromResult(Rotate(hub, call, call.Name, NodeKind.Region))),
        new("POST", "/api/v1/sites/{name}/rotate-key", Permission.RotateKeys, (call, _) =>
            Task.FromResult(Rotate(hub, call, call.Name, NodeKind.Site))),
    ];

    private static TrustView Show(Hub hub)
    {
        var (roots, times) = hub.Database.Read(db => (RecordTables.TrustRoots(db), RecordTables.TrustRootTimes(db)));
        return new(hub.Fleet.Value, [.. roots.Zip(times, View)]);
    }

    private static TrustVersionView View(Envelope envelope, DateTimeOffset since)
    {
        var root = TrustRoot.Parse(envelope);
        return new(root.Version, envelope.Digest.Text, since == DateTimeOffset.UnixEpoch ? null : since, root.Threshold, Ids(root.RootKeys),
            Ids(root.ReleaseKeys), Ids(root.BeaconKeys));
    }

    private static List<string> Ids(IEnumerable<PublicKey> keys) => [.. keys.Select(key => key.Id)];

    private static async Task<ApiAnswer> PrepareAsync(Hub hub, ApiCall call, CancellationToken stop)
    {
        var body = await call.BodyAsync<RotationBody>(stop);
        if (body is null || body.RootKeys?.Any(key => key is null) == true) return Conflict("say what is to change", "see docs/api.md");
        return Answer(() =>
        {
            var wish = new RotationWish(body.Release, body.Beacon, body.RootKeys, body.Threshold) { After = Parsed(body.After) };
            return hub.Rotation.Prepare(wish);
        });
    }

    private static async Task<ApiAnswer> SubmitAsync(Hub hub, ApiCall call, CancellationToken stop)
    {
        var body = await call.BodyAsync<SubmitBody>(stop);
        return body?.Envelope is { } bytes
            ? Answer(() => hub.Rotation.Submit(Envelope.Parse(bytes), call.Actor, Parsed(body.After)))
            : Conflict("the envelope is missing", null);
    }

    private static List<Envelope> Parsed(IReadOnlyList<byte[]>? envelopes) => [.. (envelopes ?? []).Select(bytes => Envelope.Parse(bytes))];

    private static ApiAnswer Answer(Func<RotationOutcome> act)
    {
        try
        {
            return act() switch
            {
                RotationOutcome.Prepared made => ApiAnswer.Ok(new PreparedView(made.Next.Version, made.Payload, made.Current.ToBytes())),
                RotationOutcome.Applied applied => ApiAnswer.Ok(new SubmittedView(applied.Version, applied.Records)),
                RotationOutcome.Refused refused => Conflict(refused.Reason, null),
                _ => throw new InvalidOperationException("unknown outcome"),
            };
        }
        catch (TrustFormatException e)
        {
            return Conflict(e.Message, null);
        }
    }

    private static ApiAnswer Rotate(Hub hub, ApiCall call, string name, NodeKind kind, bool revokesOld = false)
    {
        if (!DnsLabel.IsValid(name) || hub.Records.Newest(new NodeName(name)) is not { } record || record.Kind != kind)
        {
            var kindName = kind.ToString().ToLowerInvariant();
            return ApiAnswer.Fail(StatusCodes.Status404NotFound, "not-found", $"no {kindName} '{name}' is enrolled",
                $"see: capillary {kindName} list");
        }
        return hub.Successions.Ask(record.Node, call.Actor, revokesOld) switch
        {
            AskOutcome.Asked asked => ApiAnswer.Ok(new RotateKeyView(name, asked.Since, null)),
            AskOutcome.Done done => ApiAnswer.Ok(new RotateKeyView(name, null, done.KeyId)),
            AskOutcome.Refused refused => Conflict(refused.Reason, null),
            _ => throw new InvalidOperationException("unknown outcome"),
        };
    }

    private static ApiAnswer Conflict(string detail, string? hint) =>
        ApiAnswer.Fail(StatusCodes.Status409Conflict, "cannot-rotate", detail, hint);
}
