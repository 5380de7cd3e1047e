using System.Text.Json;
using System.Text.Json.Serialization;
using Capillary.Core.Bundles;
using Capillary.Core.Identity;
using Capillary.Core.Trust;

namespace Capillary.Node.Carry;

/// <summary>
/// <c>carry.json</c>: what lies in a carry's folder, in clear. It is signed by nobody and decides nothing; it says early and in plain
/// words what would fail later. Written last, so a folder without it is unfinished.
/// </summary>
/// <param name="V">Format version, 1.</param>
/// <param name="Fleet">The fleet.</param>
/// <param name="Site">The site it is sealed for.</param>
/// <param name="Generation">Generation of the line's checkpoint.</param>
/// <param name="SealingKey">Id of the key it is sealed to.</param>
/// <param name="Files">The other files, at most <see cref="MaxFiles"/>.</param>
public sealed record CarryManifest(int V, FleetName Fleet, SiteId Site, long Generation, string SealingKey, IReadOnlyList<CarryFile> Files)
{
    /// <summary>Its file's name.</summary>
    public const string FileName = "carry.json";

    /// <summary>The file that holds the sealed <see cref="CarryProof"/>.</summary>
    public const string ProofFile = "proof.sealed";

    /// <summary>The most files: the proof, and the blobs of two bundles and their sealed secrets.</summary>
    public const int MaxFiles = 2 * (BundleManifest.MaxLayers + 2) + 2;

    /// <summary>The longest manifest that is read, in bytes.</summary>
    public const int MaxBytes = 4 << 20;

    /// <summary>The name of a carry's folder.</summary>
    public static string FolderOf(SiteId site, long generation) => $"{site}-{generation}";

    /// <summary>The name of the file of one blob; it tells nothing about the blob.</summary>
    public static string BlobFile(int number) => $"blob-{number:d5}.sealed";

    public byte[] ToBytes() => JsonSerializer.SerializeToUtf8Bytes(this, CarryJson.Default.CarryManifest);

    /// <exception cref="InvalidDataException">It is not such a manifest; says why.</exception>
    public static CarryManifest Read(string path)
    {
        var manifest = CarryJson.Read(path, MaxBytes, CarryJson.Default.CarryManifest);
        if (manifest.V != 1)
            throw new InvalidDataException($"{path}: format version {manifest.V}, this program understands 1; upgrade it");
        if (manifest is not { Fleet.Value: not null, Site.Value: not null, Generation: > 0, SealingKey: not null,
            Files.Count: > 0 and <= MaxFiles })
            throw new InvalidDataException($"{path}: is no manifest of a carry; export again");
        foreach (var file in manifest.Files)
        {
            // A name from outside becomes part of a path.
            if (file is not { Size: >= 0, Digest.Text: not null } || !IsName(file.Name))
                throw new InvalidDataException($"{path}: names a file '{file?.Name}' that no carry has; export again");
        }
        return manifest;
    }

    /// <summary>Whether a file may lie in a carry under this name.</summary>
    public static bool IsName(string? name) => name == ProofFile
        || (name is { Length: 17 } && name.StartsWith("blob-", StringComparison.Ordinal)
            && name.EndsWith(".sealed", StringComparison.Ordinal) && name.AsSpan(5, 5).ContainsAnyExceptInRange('0', '9') == false);
}

/// <summary>One sealed file.</summary>
/// <param name="Name">Its name in the folder.</param>
/// <param name="Size">Its length in bytes.</param>
/// <param name="Digest">Digest of its sealed bytes.</param>
public sealed record CarryFile(string Name, [property: JsonRequired] long Size, Digest Digest);

/// <summary>
/// What the site is given besides blobs: all that a parent would have sent it, and which file holds which blob. As sealed in
/// <see cref="CarryManifest.ProofFile"/>.
/// </summary>
/// <param name="V">Format version, 1.</param>
/// <param name="TrustRoots">Every trust root from version 1.</param>
/// <param name="HubRecord">The hub's record.</param>
/// <param name="SiteRecord">The site's newest record.</param>
/// <param name="Beacon">The newest beacon.</param>
/// <param name="Checkpoint">The checkpoint that proves the line.</param>
/// <param name="Line">The line.</param>
/// <param name="Blobs">The blobs that lie beside it.</param>
public sealed record CarryProof(int V, IReadOnlyList<Envelope> TrustRoots, Envelope HubRecord, Envelope SiteRecord, Envelope Beacon,
    Envelope Checkpoint, ProvenLine Line, IReadOnlyList<CarriedBlob> Blobs)
{
    /// <summary>The longest proof that is read, in bytes.</summary>
    public const int MaxBytes = 16 << 20;

    public byte[] ToBytes() => JsonSerializer.SerializeToUtf8Bytes(this, CarryJson.Default.CarryProof);

    /// <exception cref="InvalidDataException">The file holds no such proof; says why.</exception>
    public static CarryProof Read(string path) => Checked(CarryJson.Read(path, MaxBytes, CarryJson.Default.CarryProof), path);

    /// <exception cref="InvalidDataException">The bytes are no such proof; says why.</exception>
    public static CarryProof Parse(ReadOnlySpan<byte> bytes, string place) =>
        Checked(CarryJson.Parse(bytes, place, CarryJson.Default.CarryProof), place);

    private static CarryProof Checked(CarryProof proof, string place)
    {
        if (proof.V != 1) throw new InvalidDataException($"{place}: format version {proof.V}, this program understands 1; upgrade it");
        if (proof is not { TrustRoots.Count: > 0 and <= TrustChain.MaxLength, HubRecord: not null, SiteRecord: not null, Beacon: not null,
            Checkpoint: not null, Line: not null, Blobs.Count: <= CarryManifest.MaxFiles }
            || proof.TrustRoots.Concat([proof.HubRecord, proof.SiteRecord, proof.Beacon, proof.Checkpoint]).Any(CarryJson.IsBroken)
            || proof.Blobs.Any(blob => blob is not { Size: >= 0, Digest.Text: not null } || !CarryManifest.IsName(blob.File)))
            throw new InvalidDataException($"{place}: lacks a member; export again");
        return proof;
    }
}

/// <summary>One carried blob.</summary>
/// <param name="Digest">Its name.</param>
/// <param name="Size">Its length in bytes, before sealing.</param>
/// <param name="File">The file that holds it.</param>
public sealed record CarriedBlob(Digest Digest, [property: JsonRequired] long Size, string File);
