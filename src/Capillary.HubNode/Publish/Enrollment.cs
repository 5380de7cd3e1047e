using System.Security.Cryptography;
using Capillary.Core.Identity;
using Capillary.Core.Protocol;
using Capillary.Core.Trust;
using Capillary.HubNode.Observe;
using Capillary.HubNode.Storage;
using Capillary.Node.Parent;
using Microsoft.Extensions.Logging;

namespace Capillary.HubNode.Publish;

/// <summary>What came of a wish for a join code.</summary>
internal abstract record CodeOutcome
{
    private CodeOutcome() { }

    /// <summary>The code, shown once and never kept.</summary>
    public sealed record Made(JoinCode Code, DateTimeOffset ExpiresAt) : CodeOutcome;

    /// <summary>The node is not declared, or its name is taken by another kind.</summary>
    public sealed record Refused(string Reason) : CodeOutcome;
}

/// <summary>
/// The hub's side of enrollment (DESIGN section 6): both sides prove the join code over both keys and nonces, then the hub signs a record.
/// A code
/// lets one node in, once, for a day, and forgives few wrong proofs.
/// </summary>
internal sealed partial class Enrollment(HubDatabase database, RecordSigner records, DesiredStateCell cell, ReleaseBook releases, SiteBook sites,
    TimeProvider time, ILogger<Enrollment> log)
{
    /// <summary>How long a code is good, unless asked otherwise.</summary>
    public static TimeSpan CodeLifetime { get; } = TimeSpan.FromHours(24);

    private const int MostWrongProofs = 5;
    private readonly PendingHandshakes pending = new(time);
    private readonly Lock admitting = new();

    private FleetName Fleet => cell.Value.OwnRecord.Record.Fleet;

    /// <summary>Makes a code for a declared node; it replaces an unused one.</summary>
    public CodeOutcome MakeCode(NodeName node, NodeKind kind, string actor, TimeSpan lifetime)
    {
        if (Undeclared(node, kind) is { } reason) return new CodeOutcome.Refused(reason);
        var code = JoinCode.Create(RandomNumberGenerator.GetBytes(JoinCode.EntropyBytes));
        var now = time.GetUtcNow();
        var stored = new StoredJoinCode(code.Id(Fleet), node, kind, EnrollmentTranscript.KeyOf(code, Fleet), now + lifetime,
            MostWrongProofs, false);
        database.Write(db =>
        {
            JoinCodeTable.Add(db, stored, actor);
            JournalTable.Append(db, now, actor, "joincode.make", null, new { node = node.Value, kind, expiresAt = stored.ExpiresAt });
        });
        return new CodeOutcome.Made(code, stored.ExpiresAt);
    }

    /// <summary>Answers one step; <see cref="ParentHandlers.Enroll"/>.</summary>
    public Task<EnrollAnswer> AnswerAsync(EnrollRequest request, CancellationToken stop)
    {
        stop.ThrowIfCancellationRequested();
        return Task.FromResult(request.Proof is null ? Begin(request) : Finish(request));
    }

    private EnrollAnswer Begin(EnrollRequest request)
    {
        if (Usable(request, out var code) is { } problem) return Refuse(request, problem);
        var roots = cell.Value.TrustRoots;
        var own = cell.Value.OwnRecord;
        var nonce = RandomNumberGenerator.GetBytes(EnrollmentTranscript.NonceBytes);
        var transcript = Transcript(request, code!.Node, nonce);
        pending.Add(request, nonce);
        return new(null, Fleet, roots, own.Envelope, nonce, transcript.HubProof(code.MacKey), Node: code.Node);
    }

    private EnrollAnswer Finish(EnrollRequest request)
    {
        if (request.HubNonce is not { } nonce || !pending.Take(request, nonce))
            return Refuse(request, "this handshake is not open here any more; start the join again");
        lock (admitting)
        {
            if (Usable(request, out var code) is { } problem) return Refuse(request, problem);
            if (EnrollmentTranscript.Same(request.Proof, Transcript(request, code!.Node, nonce).NodeProof(code.MacKey))) return Admit(request, code);
            database.Write(db => JoinCodeTable.CountWrongProof(db, code.Id));
            return Refuse(request, "the proof does not fit the join code: a wrong code, or something between node and hub changed the "
                + "request");
        }
    }

    private EnrollAnswer Admit(EnrollRequest request, StoredJoinCode code)
    {
        var node = code.Node;
        var now = time.GetUtcNow();
        var signed = records.Issue(node, $"node:{node}", "node.enroll",
            _ => new NodeRecord(1, Fleet, node, request.Kind, RegionOf(node, request.Kind), request.Key, request.SealingKey,
                RecordState.Active, 1),
            (db, _) =>
            {
                // The lock and this condition keep one code from letting two in.
                if (!JoinCodeTable.Use(db, code.Id, now)) throw new InvalidOperationException("the join code was used meanwhile");
            })!;
        if (request.Kind == NodeKind.Site) sites.Forget(new SiteId(node.Value));
        LogEnrolled(node, signed.Record.Version);
        return new(null, Record: signed.Envelope);
    }

    private string? Usable(EnrollRequest request, out StoredJoinCode? code)
    {
        code = database.Read(db => JoinCodeTable.Find(db, request.CodeId));
        var kind = request.Kind == NodeKind.Region ? "region" : "site";
        var again = $"make a new one: capillary {kind} enroll {(request.Node ?? code?.Node)?.Value ?? "NAME"}";
        if (code is null) return $"the hub does not know this join code; {again}";
        if (request.Node is { } named && code.Node != named) return $"this join code is not for {named}; {again}";
        if (code.Kind != request.Kind) return $"this join code is not for a {kind}; {again}";
        if (code.Used) return $"this join code was used already; {again}";
        if (time.GetUtcNow() >= code.ExpiresAt) return $"this join code expired at {code.ExpiresAt:u}; {again}";
        if (code.TriesLeft <= 0) return $"too many wrong proofs were given for this join code; {again}";
        return Undeclared(code.Node, request.Kind);
    }

    private string? Undeclared(NodeName node, NodeKind kind)
    {
        if (node == HubFolder.HubNode) return "the name 'hub' is the hub's own; choose another";
        if (cell.Value.Records.TryGetValue(node, out var held) && held.Record.Kind != kind)
            return $"'{node}' is enrolled as a {held.Record.Kind.ToString().ToLowerInvariant()} already; names are unique in a fleet";
        if (releases.Newest is not { } release) return "no commit has compiled yet, so nothing is declared; see: capillary status";
        if (kind == NodeKind.Site)
            return release.Sites.ContainsKey(new SiteId(node.Value)) ? null
                : $"site '{node}' is not declared; add sites/REGION/{node}.yaml to the fleet repository";
        return release.Regions.Contains(node.Value) ? null
            : $"region '{node}' is not declared; add regions/{node}.yaml to the fleet repository";
    }

    private RegionId RegionOf(NodeName node, NodeKind kind) =>
        kind == NodeKind.Region ? new RegionId(node.Value) : releases.Newest!.Sites[new SiteId(node.Value)].Region;

    private EnrollmentTranscript Transcript(EnrollRequest request, NodeName node, byte[] nonce) => new(Fleet, node, request.Kind,
        request.Key, request.SealingKey, cell.Value.OwnRecord.Record.IdentityKey, cell.Value.TrustRoots[0].Digest, request.Nonce, nonce);

    private EnrollAnswer Refuse(EnrollRequest request, string problem)
    {
        LogRefused(request.Node?.Value ?? "a node", problem);
        return new(problem);
    }

    [LoggerMessage(EventId = 2101, Level = LogLevel.Information, Message = "{Node} is enrolled; record version {Version}")]
    private partial void LogEnrolled(NodeName node, long version);

    [LoggerMessage(EventId = 2102, Level = LogLevel.Warning, Message = "enrollment of {Node} refused: {Problem}")]
    private partial void LogRefused(string node, string problem);
}
