using System.Security.Cryptography;
using Capillary.Core.Identity;
using Capillary.Core.Protocol;
using Capillary.Core.Trust;
using Capillary.HubNode.Observe;
using Capillary.HubNode.Storage;
using Capillary.Node.Parent;
using Microsoft.Data.Sqlite;
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
internal sealed partial class Enrollment(HubDatabase database, RecordSigner records, DesiredStateCell cell, ReleaseBook releases,
    SiteBook sites, Approvals approvals, Knocks knocks, RestoreCheck restore, TimeProvider time, ILogger<Enrollment> log)
{
    /// <summary>Called when a site was let in, after its record is durable: its line may have to be made anew.</summary>
    public Action Admitted { get; set; } = () => { };

    /// <summary>Written with the record of new hardware under an old name.</summary>
    public Action<SqliteConnection, SiteId> Replacing { get; set; } = (_, _) => { };

    /// <summary>How long a code is good, unless asked otherwise.</summary>
    public static TimeSpan CodeLifetime { get; } = TimeSpan.FromHours(24);

    private const int MostWrongProofs = 5;
    private readonly PendingHandshakes pending = new(time);
    private readonly Lock admitting = new();

    private FleetName Fleet => cell.Value.OwnRecord.Record.Fleet;

    /// <summary>Makes a code for a declared node; it replaces an unused one.</summary>
    /// <param name="node">Whom it lets in.</param>
    /// <param name="kind">As what.</param>
    /// <param name="region">A further node of this region; null: the region's first, or a site.</param>
    /// <param name="actor">Who asks.</param>
    /// <param name="lifetime">How long it is good.</param>
    public CodeOutcome MakeCode(NodeName node, NodeKind kind, RegionId? region, string actor, TimeSpan lifetime)
    {
        if (Undeclared(node, kind, region) is { } reason) return new CodeOutcome.Refused(reason);
        var code = JoinCode.Create(RandomNumberGenerator.GetBytes(JoinCode.EntropyBytes));
        var now = time.GetUtcNow();
        var stored = new StoredJoinCode(code.Id(Fleet), node, kind, region, EnrollmentTranscript.KeyOf(code, Fleet), now + lifetime,
            MostWrongProofs, false);
        database.Write(db =>
        {
            JoinCodeTable.Add(db, stored, actor);
            WaitingTable.Clear(db, node);
            JournalTable.Append(db, now, actor, "joincode.make", null, new { node = node.Value, kind, expiresAt = stored.ExpiresAt });
        });
        return new CodeOutcome.Made(code, stored.ExpiresAt);
    }

    /// <summary>Answers one step; <see cref="ParentHandlers.Enroll"/>.</summary>
    /// <param name="request">The step.</param>
    /// <param name="from">Id of the key on the connection: the node's own, or that of the region that passes it on.</param>
    /// <param name="stop">Ends the wait.</param>
    public async Task<EnrollAnswer> AnswerAsync(EnrollRequest request, string from, CancellationToken stop)
    {
        // Two records of one version would be two truths: a hub that just started first hears which versions there are.
        await restore.Settled.WaitAsync(stop);
        if (restore.Behind is { } behind) return Refuse(request, $"the hub lets nobody in now: {behind}");
        return request.Proof is null ? Begin(request, from) : Finish(request, from);
    }

    private EnrollAnswer Begin(EnrollRequest request, string from)
    {
        if (Usable(request, out var code) is { } problem) return RefuseKnock(request, from, problem);
        var roots = cell.Value.TrustRoots;
        var own = cell.Value.OwnRecord;
        var nonce = RandomNumberGenerator.GetBytes(EnrollmentTranscript.NonceBytes);
        var transcript = Transcript(request, code!.Node, nonce);
        pending.Add(request, nonce);
        return new(null, Fleet, roots, own.Envelope, nonce, transcript.HubProof(code.MacKey), Node: code.Node);
    }

    private EnrollAnswer Finish(EnrollRequest request, string from)
    {
        if (request.HubNonce is not { } nonce || !pending.Take(request, nonce))
            return Refuse(request, "this handshake is not open here any more; start the join again");
        lock (admitting)
        {
            if (Usable(request, out var code) is { } problem) return Refuse(request, problem);
            if (EnrollmentTranscript.Same(request.Proof, Transcript(request, code!.Node, nonce).NodeProof(code.MacKey)))
                return Proven(request, code, from);
            database.Write(db => JoinCodeTable.CountWrongProof(db, code.Id));
            return Refuse(request, "the proof does not fit the join code: a wrong code, or something between node and hub changed the "
                + "request");
        }
    }

    private EnrollAnswer Proven(EnrollRequest request, StoredJoinCode code, string from)
    {
        if (!TermsOf(code).ManualApproval) return Admit(request, code);
        return approvals.Ask(code, request, Via(from, request)) switch
        {
            ApprovalState.Approved => Admit(request, code),
            ApprovalState.Denied => Refuse(request, "an operator denied this enrollment; if that was wrong, ask for a new join code"),
            ApprovalState.TooMany => Refuse(request, $"{WaitingTable.MostOfOne} nodes wait for approval as '{code.Node}' already; an "
                + $"operator has to approve or deny one: capillary site list --waiting"),
            _ => new(null, Waiting: true),
        };
    }

    private EnrollAnswer Admit(EnrollRequest request, StoredJoinCode code)
    {
        var (node, now) = (code.Node, time.GetUtcNow());
        var isSite = request.Kind == NodeKind.Site;
        var before = records.Newest(node);
        var signed = records.Issue(node, $"node:{node}", "node.enroll",
            _ => new NodeRecord(1, Fleet, node, request.Kind, RegionOf(code), request.Key, request.SealingKey,
                RecordState.Active, 1) { Parents = isSite && TermsOf(code).Addresses is { Count: > 0 } told ? told : null },
            (db, _) =>
            {
                // The lock and this condition keep one code from letting two in.
                if (!JoinCodeTable.Use(db, code.Id, now)) throw new InvalidOperationException("the join code was used meanwhile");
                WaitingTable.Clear(db, node);
                if (isSite && before is not null && !before.IdentityKey.Equals(request.Key)) Replacing(db, new SiteId(node.Value));
            })!;
        if (isSite) sites.Forget(new SiteId(node.Value));
        knocks.Forget(node, request.Key.Id);
        LogEnrolled(node, signed.Record.Version);
        Admitted();
        return new(null, Record: signed.Envelope);
    }

    private RegionTerms TermsOf(StoredJoinCode code) => releases.Newest!.TermsOf(RegionOf(code));

    /// <summary>Where a site of this name is to dial, by what is declared; none: nothing says so.</summary>
    public IReadOnlyList<string> AddressesFor(NodeName site) =>
        releases.Newest?.Sites.GetValueOrDefault(new SiteId(site.Value)) is { } declared
            ? releases.Newest.TermsOf(declared.Region).Addresses : [];

    /// <summary>Why a key that stands in no record of this name is not let in.</summary>
    public string WhyUnknown(NodeName node, string keyId)
    {
        if (cell.Value.Records.GetValueOrDefault(node)?.Record is not { } record)
            return Undeclared(node, NodeKind.Site, null) ?? $"it has no record here; let it in: capillary site enroll {node}";
        return database.Read(db => KeyTables.OwnerOf(db, keyId)) == node
            ? $"an old key of '{node}', replaced by record version {record.Version}: old hardware, or a copy of its disk"
            : $"'{node}' has another key, and never had this one";
    }

    private string Via(string from, EnrollRequest request) => from == request.Key.Id
        ? "hub"
        : cell.Value.Records.Values.FirstOrDefault(item => item.Record.IdentityKey.Id == from)?.Record.Node.Value ?? "hub";

    private string? Usable(EnrollRequest request, out StoredJoinCode? code)
    {
        code = database.Read(db => JoinCodeTable.Find(db, request.CodeId));
        var kind = request.Kind == NodeKind.Region ? "region" : "site";
        var again = $"make a new one: capillary {kind} enroll {(request.Node ?? code?.Node)?.Value ?? "NAME"}";
        if (code is null) return $"the hub does not know this join code; {again}";
        if (request.Node is { } named && code.Node != named) return $"this join code is not for {named}; {again}";
        if (code.Kind != request.Kind) return $"this join code is not for a {kind}; {again}";
        if (code.Used) return $"this join code was used already; {again}";
        // Who waits for an operator proved the code in time.
        if (time.GetUtcNow() >= code.ExpiresAt && !approvals.IsKnown(code,
            request)) return $"this join code expired at {code.ExpiresAt:u}; {again}";
        if (code.TriesLeft <= 0) return $"too many wrong proofs were given for this join code; {again}";
        return Undeclared(code.Node, request.Kind, code.Region);
    }

    /// <summary>Why this name can be given to nobody; null when it can.</summary>
    public string? Undeclared(NodeName node, NodeKind kind, RegionId? region)
    {
        if (node == HubFolder.HubNode) return "the name 'hub' is the hub's own; choose another";
        if (cell.Value.Records.TryGetValue(node, out var held) && held.Record.Kind != kind)
            return $"'{node}' is enrolled as a {held.Record.Kind.ToString().ToLowerInvariant()} already; names are unique in a fleet";
        if (releases.Newest is not { } release) return "no commit has compiled yet, so nothing is declared; see: capillary status";
        if (kind == NodeKind.Site)
            return release.Sites.ContainsKey(new SiteId(node.Value)) ? null
                : $"site '{node}' is not declared; add sites/REGION/{node}.yaml to the fleet repository";
        var name = region?.Value ?? node.Value;
        if (!release.Regions.Contains(name)) return $"region '{name}' is not declared; add regions/{name}.yaml to the fleet repository";
        return name != node.Value && (release.Regions.Contains(node.Value) || release.Sites.ContainsKey(new SiteId(node.Value)))
            ? $"'{node}' is declared as something else; names are unique in a fleet, so choose another for this node of {name}"
            : null;
    }

    private RegionId RegionOf(StoredJoinCode code) => code.Kind == NodeKind.Region
        ? code.Region ?? new RegionId(code.Node.Value)
        : releases.Newest!.Sites[new SiteId(code.Node.Value)].Region;

    private EnrollmentTranscript Transcript(EnrollRequest request, NodeName node, byte[] nonce) => new(Fleet, node, request.Kind,
        request.Key, request.SealingKey, cell.Value.OwnRecord.Record.IdentityKey, cell.Value.TrustRoots[0].Digest, request.Nonce, nonce);

    private EnrollAnswer Refuse(EnrollRequest request, string problem)
    {
        LogRefused(request.Node?.Value ?? "a node", problem);
        return new(problem);
    }

    /// <summary>Who names himself and has no usable code may be a site that somebody set up and nobody declared.</summary>
    private EnrollAnswer RefuseKnock(EnrollRequest request, string from, string problem)
    {
        if (request.Node is { } node) knocks.Add(node, request.Key.Id, Via(from, request), problem);
        return Refuse(request, problem);
    }

    [LoggerMessage(EventId = 2101, Level = LogLevel.Information, Message = "{Node} is enrolled; record version {Version}")]
    private partial void LogEnrolled(NodeName node, long version);

    [LoggerMessage(EventId = 2102, Level = LogLevel.Warning, Message = "enrollment of {Node} refused: {Problem}")]
    private partial void LogRefused(string node, string problem);
}
