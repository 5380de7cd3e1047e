using Capillary.Core.Bundles;
using Capillary.Node.Blobs;
using Capillary.Node.Carry;
using Capillary.Node.Hosting;
using Capillary.Node.Journal;

namespace Capillary.EdgeAgent;

/// <summary>
/// <c>incoming/</c> in the agent's folder: where an import leaves what it opened, and where the agent looks. What is ready is whole, as it
/// gets its name last; the agent believes nothing of it that it has not verified itself.
/// </summary>
internal sealed class Incoming(NodeHome home)
{
    private const string ProofName = "proof.json";
    private readonly string folder = home.FolderOf("incoming");

    /// <summary>Whether something waits for the agent. Costs one look at the file system.</summary>
    public bool IsThere => Directory.Exists(Ready);

    /// <summary>Why the agent did not take the last one; null when it did.</summary>
    public string? Refusal => File.Exists(RefusalPath) ? File.ReadAllText(RefusalPath) : null;

    private string Ready => Path.Combine(folder, "ready");

    private string RefusalPath => Path.Combine(folder, "refused.txt");

    /// <summary>One import at a time; until it is disposed.</summary>
    /// <exception cref="InvalidDataException">Another import runs.</exception>
    public IDisposable Lock()
    {
        try
        {
            return new FileStream(Path.Combine(folder, "lock"), FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None);
        }
        catch (IOException e)
        {
            throw new InvalidDataException($"{folder}: another import runs; wait for it", e);
        }
    }

    /// <summary>An empty folder to open blobs into; what an earlier import left is removed.</summary>
    public string BeginStage()
    {
        File.Delete(RefusalPath);
        var stage = Path.Combine(folder, "stage");
        if (Directory.Exists(stage)) Directory.Delete(stage, recursive: true);
        return home.FolderOf(Path.Combine("incoming", "stage"));
    }

    /// <summary>Where a blob stands in a stage.</summary>
    public static string BlobIn(string stage, Digest digest) => Path.Combine(stage, digest.Hex);

    /// <summary>Hands a stage over; it replaces one that was not taken yet.</summary>
    public void Offer(string stage, CarryProof proof)
    {
        AtomicFile.Write(Path.Combine(stage, ProofName), proof.ToBytes());
        if (Directory.Exists(Ready)) Directory.Delete(Ready, recursive: true);
        Directory.Move(stage, Ready);
        DurableFolder.Flush(folder);
    }

    /// <exception cref="InvalidDataException">It is damaged.</exception>
    public CarryProof Read() => CarryProof.Read(Path.Combine(Ready, ProofName));

    /// <summary>Moves the blobs into the store, each only if its bytes are those of its name.</summary>
    public void MoveBlobs(BlobStore blobs)
    {
        foreach (var file in Directory.EnumerateFiles(Ready))
        {
            if (Digest.TryParse($"sha256:{Path.GetFileName(file)}", out var digest) && !blobs.Has(digest)) blobs.Adopt(file, digest);
        }
    }

    /// <summary>It was taken, or never will be.</summary>
    public void Remove(string? refusal = null)
    {
        if (refusal is not null) AtomicFile.Write(RefusalPath, System.Text.Encoding.UTF8.GetBytes(refusal));
        Directory.Delete(Ready, recursive: true);
    }
}
