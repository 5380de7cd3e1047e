using System.Diagnostics;
using System.Security.Cryptography;
using Capillary.Core.Bundles;
using Capillary.Core.Identity;
using Capillary.Core.Trust;
using Capillary.Node.Blobs;
using Capillary.Node.Carry;
using Capillary.Node.Hosting;
using Capillary.Node.Keys;

namespace Capillary.EdgeAgent;

/// <summary>
/// Opens a carry for the agent: verifies what it can before it writes, opens the blobs that are missing here, and leaves all of it in
/// <see cref="Incoming"/>. A process of its own, so that a stick costs the running agent no memory.
/// </summary>
/// <param name="home">The agent's folder.</param>
/// <param name="tell">Told what happens, in words.</param>
internal sealed class CarryImport(NodeHome home, Action<string> tell)
{
    // What the site needs beside blobs to go on: its journal and its reports.
    private const long SpaceMargin = 8 << 20;
    private static readonly TimeSpan TellEvery = TimeSpan.FromSeconds(2);

    /// <summary>Leaves the carry for the agent; the line that it will accept.</summary>
    /// <exception cref="InvalidDataException">It is not for this site, damaged, too old or too large; nothing was changed.</exception>
    /// <exception cref="IOException">The stick or the disk failed.</exception>
    public async Task<AcceptResult.Accepted> RunAsync(string stick, Incoming incoming, CancellationToken stop)
    {
        var settings = home.LoadSettings();
        if (settings.Kind != NodeKind.Site) throw new InvalidDataException($"{home.Folder}: this node is a {settings.Kind}, not a site");
        using var key = LoadSealingKey();
        var site = new SiteId(settings.Node.Value);
        var carry = CarryFolder.Find(stick, settings.Fleet, site, key.Public.Id);
        var proof = await OpenProofAsync(carry, key, stop);
        var holds = Judge(carry, proof, site);
        using var blobs = new BlobStore(home.FolderOf("blobs"));
        var stage = incoming.BeginStage();
        try
        {
            await OpenBlobsAsync(carry, proof, holds.Next.Assignment, key, blobs, stage, stop);
            incoming.Offer(stage, proof);
        }
        catch (BundleFormatException e)
        {
            throw new InvalidDataException($"{carry.Path}: {e.Message}", e);
        }
        finally
        {
            if (Directory.Exists(stage)) Directory.Delete(stage, recursive: true);
        }
        return holds.Next;
    }

    /// <summary>What the site has accepted; read without touching the agent's file.</summary>
    public AcceptedLine ReadAccepted()
    {
        try
        {
            return System.Text.Json.JsonSerializer.Deserialize(File.ReadAllBytes(home.FileOf("accepted.json")),
                EdgeJson.Default.AcceptedLine) ?? AcceptedLine.None;
        }
        catch (Exception e) when (e is FileNotFoundException or System.Text.Json.JsonException)
        {
            // The agent decides anew with what it has itself.
            return AcceptedLine.None;
        }
    }

    private SealingKey LoadSealingKey()
    {
        var path = home.FileOf("sealing.pem");
        return File.Exists(path)
            ? SealingKey.Load(path)
            : throw new InvalidDataException($"{path}: is missing: this site joined with an older version, and nothing can be sealed to "
                + "it; enroll and join it again");
    }

    private static async Task<CarryProof> OpenProofAsync(CarryFolder carry, SealingKey key, CancellationToken stop)
    {
        using var clear = new MemoryStream();
        await carry.OpenAsync(CarryManifest.ProofFile, key, clear, CarryProof.MaxBytes, stop);
        return CarryProof.Parse(clear.GetBuffer().AsSpan(0, (int)clear.Length), Path.Combine(carry.Path, CarryManifest.ProofFile));
    }

    private CarryVerdict.Holds Judge(CarryFolder carry, CarryProof proof, SiteId site)
    {
        var (trust, roots) = home.LoadTrust();
        using var identity = NodeIdentity.Open(home, roots);
        return CarryCheck.Judge(proof, trust, ReadAccepted(), site, identity.Keys.Held) switch
        {
            CarryVerdict.Holds holds => holds,
            CarryVerdict.Refused refused => throw new InvalidDataException($"{carry.Path}: {refused.Reason}"),
            var other => throw new InvalidOperationException($"unknown verdict {other}"),
        };
    }

    /// <summary>Manifests first: only what they name is opened, whatever else lies on the stick.</summary>
    private async Task OpenBlobsAsync(CarryFolder carry, CarryProof proof, Assignment line, SealingKey key, BlobStore blobs, string stage,
        CancellationToken stop)
    {
        var carried = proof.Blobs.DistinctBy(blob => blob.Digest).ToDictionary(blob => blob.Digest);
        var bundles = new[] { line.Bundle, line.Fallback ?? line.Bundle }.Distinct().ToList();
        var wanted = new Dictionary<Digest, long>();
        foreach (var bundle in bundles)
        {
            await OpenMissingAsync([new(bundle, BundleManifest.MaxBytes)]);
            var place = Incoming.BlobIn(stage, bundle);
            var bytes = File.Exists(place) ? await File.ReadAllBytesAsync(place, stop) : blobs.ReadAll(bundle);
            foreach (var blob in BundleManifest.Parse(bytes).Blobs) wanted[blob.Digest] = blob.Size;
        }
        var missing = wanted.Where(blob => !blobs.Has(blob.Key)).ToList();
        RequireRoom(missing.Sum(blob => blob.Value), blobs);
        if (line.Sealed is { } secrets && carried.TryGetValue(secrets, out var sealedSecrets))
            missing.Add(new(secrets, sealedSecrets.Size));
        await OpenMissingAsync(missing);

        async Task OpenMissingAsync(List<KeyValuePair<Digest, long>> some)
        {
            var (done, told) = (0L, Stopwatch.StartNew());
            foreach (var (digest, most) in some.Where(blob => !blobs.Has(blob.Key)))
            {
                if (!carried.TryGetValue(digest, out var blob))
                    throw new InvalidDataException($"{carry.Path}: blob {digest} was left out because the site was thought to have it, and "
                        + "has not; export again with --full");
                await OpenBlobAsync(carry, blob, key, Incoming.BlobIn(stage, digest), most, stop);
                done += blob.Size;
                if (told.Elapsed < TellEvery) continue;
                told.Restart();
                tell($"{done >> 20} of {some.Sum(item => item.Value) >> 20} MiB opened");
            }
        }
    }

    private static async Task OpenBlobAsync(CarryFolder carry, CarriedBlob blob, SealingKey key, string place, long most,
        CancellationToken stop)
    {
        await using (var file = new FileStream(place, FileMode.Create, FileAccess.ReadWrite, FileShare.None, 1))
        {
            await carry.OpenAsync(blob.File, key, file, most, stop);
            file.Position = 0;
            if (Digest.FromHash(await SHA256.HashDataAsync(file, stop)) != blob.Digest)
                throw new InvalidDataException($"{Path.Combine(carry.Path, blob.File)}: holds another blob than it should; export again");
            file.Flush(flushToDisk: true);
        }
    }

    private void RequireRoom(long bytes, BlobStore blobs)
    {
        var free = blobs.FreeBytes();
        if (free < bytes + SpaceMargin)
            throw new InvalidDataException($"{home.Folder}: needs {(bytes + SpaceMargin) >> 20} MiB, and {free >> 20} MiB are free; make "
                + "room and import again");
    }
}
