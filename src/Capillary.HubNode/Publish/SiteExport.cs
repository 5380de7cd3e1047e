using Capillary.Core.Bundles;
using Capillary.Core.Identity;
using Capillary.Core.Protocol;
using Capillary.Core.Trust;
using Capillary.HubNode.Observe;
using Capillary.Node.Blobs;
using Capillary.Node.Carry;

namespace Capillary.HubNode.Publish;

/// <summary>What came of a wish for a carry.</summary>
internal abstract record ExportOutcome
{
    private ExportOutcome() { }

    /// <summary>It can be written, as often as wished.</summary>
    public sealed record Ready(SiteExport Export) : ExportOutcome;

    /// <summary>There is no such site.</summary>
    public sealed record Unknown : ExportOutcome;

    /// <summary>Not now; says why and what to do.</summary>
    public sealed record Refused(string Reason, string Hint) : ExportOutcome;
}

/// <summary>
/// All that one site needs for its newest line, sealed to the site: made from one state of the hub, so that its parts fit together.
/// </summary>
internal sealed class SiteExport
{
    private readonly CarryProof proof;
    private readonly PublicKey to;
    private readonly BlobStore blobs;

    private SiteExport(CarryProof proof, PublicKey to, BlobStore blobs, CarryPlan plan) =>
        (this.proof, this.to, this.blobs, Plan) = (proof, to, blobs, plan);

    /// <summary>What will be written.</summary>
    public CarryPlan Plan { get; }

    /// <summary>Looks at what the site needs.</summary>
    /// <param name="state">What the hub offers now.</param>
    /// <param name="blobs">Its blobs.</param>
    /// <param name="seen">What is known of the site.</param>
    /// <param name="site">The site.</param>
    /// <param name="isFull">Whether blobs go along that the site said it has.</param>
    public static ExportOutcome Prepare(DesiredState state, BlobStore blobs, SiteSeen? seen, SiteId site, bool isFull)
    {
        var enroll = $"enroll it and let it join: capillary site enroll {site} --out {site}.join";
        var record = state.Records.GetValueOrDefault(new NodeName(site.Value));
        var line = state.Lines.GetValueOrDefault(site);
        if (record is not { Record.Kind: NodeKind.Site })
            return line is null ? new ExportOutcome.Unknown() : new ExportOutcome.Refused($"site '{site}' has not joined yet", enroll);
        if (record.Record.State != RecordState.Active) return new ExportOutcome.Refused($"site '{site}' was revoked", enroll);
        if (record.Record.SealingKey is not { } key)
            return new ExportOutcome.Refused($"site '{site}' has no sealing key: its agent joined with an older version", enroll);
        if (line is null || state.Beacon is not { } beacon)
            return new ExportOutcome.Refused($"site '{site}' has no line yet", "see why: capillary status");
        if (Needed(line.Assignment, blobs) is not { } needed)
            return new ExportOutcome.Refused($"a blob of site '{site}' is not here", "restore the hub's blobs from a backup");
        var known = isFull || seen?.Report?.Bundle is not { } has ? [] : Needed([has], blobs) ?? [];
        var sent = needed.Keys.Except(known.Keys).Order().Select((digest, index) =>
            new CarriedBlob(digest, needed[digest], CarryManifest.BlobFile(index + 1))).ToList();
        var proof = new CarryProof(1, state.TrustRoots, state.OwnRecord.Envelope, record.Envelope, beacon, line.Checkpoint.Envelope,
            line.Line, sent);
        var bytes = SealedFile.SealedLength(proof.ToBytes().Length) + sent.Sum(blob => SealedFile.SealedLength(blob.Size));
        var plan = new CarryPlan(1, record.Record.Fleet, site, line.Checkpoint.Checkpoint.Generation, bytes, sent.Count,
            needed.Count - sent.Count);
        return new ExportOutcome.Ready(new SiteExport(proof, key, blobs, plan));
    }

    /// <summary>Writes the stream that <see cref="CarryStream"/> describes.</summary>
    /// <exception cref="IOException">A blob is not what it was; the stream ends without a manifest.</exception>
    public async Task WriteAsync(Stream into, CancellationToken stop)
    {
        var plan = Plan.ToBytes();
        await CarryStream.WriteHeadAsync(into, CarryStream.PlanName, plan.Length, stop);
        await into.WriteAsync(plan, stop);
        var files = new List<CarryFile>(proof.Blobs.Count + 1);
        using var clear = new MemoryStream(proof.ToBytes());
        files.Add(await WriteFileAsync(CarryManifest.ProofFile, clear, clear.Length, into, stop));
        foreach (var blob in proof.Blobs)
        {
            await using var content = blobs.Open(blob.Digest) ?? throw new IOException($"blob {blob.Digest} is not here any more");
            files.Add(await WriteFileAsync(blob.File, content, blob.Size, into, stop));
        }
        var manifest = new CarryManifest(1, Plan.Fleet, Plan.Site, Plan.Generation, to.Id, files).ToBytes();
        await CarryStream.WriteHeadAsync(into, CarryManifest.FileName, manifest.Length, stop);
        await into.WriteAsync(manifest, stop);
    }

    private async Task<CarryFile> WriteFileAsync(string name, Stream from, long length, Stream into, CancellationToken stop)
    {
        var expected = SealedFile.SealedLength(length);
        await CarryStream.WriteHeadAsync(into, name, expected, stop);
        await using var digest = new DigestStream(into);
        await SealedFile.SealAsync(to, SealedFile.InfoOf(Plan.Fleet, Plan.Site, Plan.Generation, name), from, digest, stop);
        return digest.Length == expected
            ? new(name, expected, digest.Digest)
            : throw new IOException($"{name}: {digest.Length} bytes, expected {expected}");
    }

    /// <summary>Blobs of the line's bundles and its sealed secrets, with their lengths; null when one is not here.</summary>
    private static Dictionary<Digest, long>? Needed(Assignment line, BlobStore blobs)
    {
        var needed = Needed([line.Bundle, .. line.Fallback is { } fallback ? (Digest[])[fallback] : []], blobs);
        if (needed is null || line.Sealed is not { } secrets) return needed;
        return AddHere(needed, secrets, blobs) ? needed : null;
    }

    private static Dictionary<Digest, long>? Needed(IEnumerable<Digest> bundles, BlobStore blobs)
    {
        var needed = new Dictionary<Digest, long>();
        foreach (var bundle in bundles)
        {
            if (!AddHere(needed, bundle, blobs)) return null;
            if (BundleManifest.Parse(blobs.ReadAll(bundle)).Blobs.Any(blob => !AddHere(needed, blob.Digest, blobs))) return null;
        }
        return needed;
    }

    private static bool AddHere(Dictionary<Digest, long> needed, Digest digest, BlobStore blobs)
    {
        using var content = blobs.Open(digest);
        if (content is null) return false;
        needed[digest] = content.Length;
        return true;
    }
}
