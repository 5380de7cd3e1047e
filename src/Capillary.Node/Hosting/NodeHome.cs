using System.Text.Json;
using Capillary.Core.Protocol;
using Capillary.Core.Trust;
using Capillary.Node.Journal;
using Capillary.Node.Keys;

namespace Capillary.Node.Hosting;

/// <summary>
/// A child node's folder, mode 0700: its key, who it is, its record, and whom it trusts. <c>node.json</c> is written last by a join, so a
/// folder
/// without it has not joined.
/// </summary>
public sealed class NodeHome
{
    private const UnixFileMode OwnerOnly = UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute;

    public NodeHome(string folder)
    {
        Folder = Path.GetFullPath(folder);
        Directory.CreateDirectory(Folder, OwnerOnly);
        Directory.CreateDirectory(TrustFolder, OwnerOnly);
    }

    public string Folder { get; }

    /// <summary>Whether this node has joined a fleet.</summary>
    public bool HasJoined => File.Exists(SettingsPath);

    private string SettingsPath => Path.Combine(Folder, "node.json");

    private string RecordPath => Path.Combine(Folder, "record.json");

    private string TrustFolder => Path.Combine(Folder, "trust");

    private string BeaconPath => Path.Combine(TrustFolder, "beacon.json");

    private string NextKeyPath => Path.Combine(Folder, "identity-next.pem");

    public SigningKey LoadKey() => SigningKey.LoadOrCreate(Path.Combine(Folder, "identity.pem"));

    public SealingKey LoadSealingKey() => SealingKey.LoadOrCreate(Path.Combine(Folder, "sealing.pem"));

    /// <summary>The key of a succession that is under way; null: none is.</summary>
    internal SigningKey? LoadNextKey() => File.Exists(NextKeyPath) ? SigningKey.Load(NextKeyPath) : null;

    internal SigningKey MakeNextKey() => SigningKey.LoadOrCreate(NextKeyPath);

    /// <summary>The next key takes the current one's place; the old one is gone with it.</summary>
    internal void PromoteNextKey()
    {
        File.Move(NextKeyPath, Path.Combine(Folder, "identity.pem"), overwrite: true);
        DurableFolder.Flush(Folder);
    }

    /// <summary>A folder below, made with mode 0700.</summary>
    public string FolderOf(string name) => Directory.CreateDirectory(Path.Combine(Folder, name), OwnerOnly).FullName;

    public string FileOf(string name) => Path.Combine(Folder, name);

    /// <summary>Holds the folder for this process until it is disposed.</summary>
    /// <exception cref="InvalidDataException">Another process holds it.</exception>
    public IDisposable Lock()
    {
        try
        {
            return new FileStream(Path.Combine(Folder, "lock"), FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None);
        }
        catch (IOException e)
        {
            throw new InvalidDataException($"{Folder}: another process runs this node already", e);
        }
    }

    /// <exception cref="InvalidDataException">It has not joined, or the file is damaged.</exception>
    public NodeSettings LoadSettings()
    {
        if (!HasJoined)
            throw new InvalidDataException($"{Folder}: this node has not joined a fleet; join it first");
        return JsonSerializer.Deserialize(File.ReadAllBytes(SettingsPath), HostingJson.Default.NodeSettings)
            ?? throw new InvalidDataException($"{SettingsPath}: is empty");
    }

    /// <summary>This node's newest record.</summary>
    /// <exception cref="TrustFormatException">The file is damaged; named.</exception>
    public Envelope LoadRecord() => Read(RecordPath);

    internal void KeepRecord(Envelope record) => AtomicFile.Write(RecordPath, record.ToBytes());

    /// <summary>Replaces who this node is, such as the addresses of its parents.</summary>
    public void KeepSettings(NodeSettings settings) =>
        AtomicFile.Write(SettingsPath, JsonSerializer.SerializeToUtf8Bytes(settings, HostingJson.Default.NodeSettings));

    /// <summary>Every trust root from version 1, and the newest beacon.</summary>
    /// <exception cref="TrustFormatException">A file is damaged.</exception>
    public (TrustState Trust, IReadOnlyList<Envelope> Roots) LoadTrust()
    {
        var roots = Directory.EnumerateFiles(TrustFolder, "root-*.json").Order(StringComparer.Ordinal)
            .Select(Read).ToList();
        if (roots.Count == 0) throw new TrustFormatException($"{TrustFolder}: no trust root; join again");
        var trust = TrustState.Begin(roots[0]).WithChain(roots);
        if (File.Exists(BeaconPath)) trust = trust.WithHeldBeacon(Read(BeaconPath), roots);
        return (trust, roots);
    }

    private static Envelope Read(string path)
    {
        try
        {
            return Envelope.Parse(File.ReadAllBytes(path));
        }
        catch (TrustFormatException e)
        {
            throw new TrustFormatException($"{path}: {e.Message}; restore this file from a backup, or join again in another folder", e);
        }
    }

    /// <summary>Makes newer trust durable.</summary>
    public void KeepTrust(TrustState trust, IReadOnlyList<Envelope> newRoots)
    {
        foreach (var root in newRoots) AtomicFile.Write(RootPath(TrustRoot.Parse(root).Version), root.ToBytes());
        if (trust.BeaconEnvelope is { } beacon) AtomicFile.Write(BeaconPath, beacon.ToBytes());
    }

    /// <summary>Ends a join: trust and record first, then who it is.</summary>
    public void KeepJoined(NodeSettings settings, Envelope record, IReadOnlyList<Envelope> roots)
    {
        foreach (var root in roots) AtomicFile.Write(RootPath(TrustRoot.Parse(root).Version), root.ToBytes());
        AtomicFile.Write(RecordPath, record.ToBytes());
        KeepSettings(settings);
    }

    // Eight digits keep file order and version order the same.
    private string RootPath(long version) => Path.Combine(TrustFolder, $"root-{version:d8}.json");
}
