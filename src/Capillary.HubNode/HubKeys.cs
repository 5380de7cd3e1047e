using Capillary.Core.Trust;
using Capillary.Node.Journal;
using Capillary.Node.Keys;

namespace Capillary.HubNode;

/// <summary>The hub's keys that are replaced over the years.</summary>
internal enum KeyUse
{
    /// <summary>Signs checkpoints and records.</summary>
    Release,

    /// <summary>Signs beacons.</summary>
    Beacon,

    /// <summary>Proves the hub on its links.</summary>
    Identity,
}

/// <summary>
/// The hub's private keys, files of mode 0600 below <c>keys/</c>. The next key of a use stands beside it as <c>USE-next.pem</c> until a
/// durable document names it; then it takes its place and the old one is gone. No root key is among them: nothing at run time needs one.
/// </summary>
internal sealed class HubKeys : IDisposable
{
    private const UnixFileMode OwnerOnly = UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute;
    private readonly string folder;
    private readonly Dictionary<KeyUse, SigningKey> nexts = [];
    private readonly List<SigningKey> retired = [];
    private volatile SigningKey release;
    private volatile SigningKey beacon;
    private volatile SigningKey identity;

    private HubKeys(string folder, SigningKey release, SigningKey beacon, SigningKey identity, SigningKey api)
    {
        (this.folder, this.release, this.beacon, this.identity, Api) = (folder, release, beacon, identity, api);
    }

    /// <summary>Signs checkpoints and records.</summary>
    public SigningKey Release => release;

    /// <summary>Signs beacons.</summary>
    public SigningKey Beacon => beacon;

    /// <summary>Proves the hub on its links.</summary>
    public SigningKey Identity => identity;

    /// <summary>Proves the hub to the command line; its id is what the command line pins.</summary>
    public SigningKey Api { get; }

    /// <summary>Makes every key that is not there yet.</summary>
    public static HubKeys Create(string folder)
    {
        Directory.CreateDirectory(folder, OwnerOnly);
        SigningKey Make(string name) => SigningKey.LoadOrCreate(Path.Combine(folder, name));
        return new(folder, Make("release.pem"), Make("beacon.pem"), Make("identity.pem"), Make("api.pem"));
    }

    /// <summary>Loads the keys that a running hub needs.</summary>
    /// <exception cref="InvalidDataException">One is missing, damaged or readable by others.</exception>
    public static HubKeys Load(string folder)
    {
        SigningKey Read(string name) => Path.Combine(folder, name) is var path && File.Exists(path)
            ? SigningKey.Load(path)
            : throw new InvalidDataException($"{path}: this key is missing; restore it from a backup");
        return new(folder, Read("release.pem"), Read("beacon.pem"), Read("identity.pem"), Read("api.pem"));
    }

    /// <summary>Finishes what a crash interrupted: each key becomes the one that the durable documents name.</summary>
    /// <exception cref="InvalidDataException">A key is not the one that they name; says which.</exception>
    public void Settle(TrustRoot root, NodeRecord own)
    {
        foreach (var (use, named) in ((KeyUse, IReadOnlyList<PublicKey>)[])[(KeyUse.Release, root.ReleaseKeys),
            (KeyUse.Beacon, root.BeaconKeys), (KeyUse.Identity, [own.IdentityKey])])
        {
            if (!named.Contains(Of(use).Public) && File.Exists(NextPath(use)) && named.Contains(Next(use).Public)) Promote(use);
            if (!named.Contains(Of(use).Public))
                throw new InvalidDataException($"{CurrentPath(use)}: is not the key that the hub's newest documents name; restore it from "
                    + "the same backup as hub.db");
        }
        // Of an interrupted succession of the hub nobody but itself has heard.
        if (nexts.ContainsKey(KeyUse.Identity) || File.Exists(NextPath(KeyUse.Identity))) Drop(KeyUse.Identity);
    }

    /// <summary>The key in use.</summary>
    public SigningKey Of(KeyUse use) => use switch
    {
        KeyUse.Release => release,
        KeyUse.Beacon => beacon,
        _ => identity,
    };

    /// <summary>The next key of a use, durable; made when there is none yet.</summary>
    /// <exception cref="IOException">The disk is full.</exception>
    public SigningKey Next(KeyUse use)
    {
        lock (nexts)
        {
            if (!nexts.TryGetValue(use, out var next)) nexts[use] = next = SigningKey.LoadOrCreate(NextPath(use));
            return next;
        }
    }

    /// <summary>A durable document names the next key: it is in use from now on, and the old one's file is gone.</summary>
    public void Promote(KeyUse use)
    {
        var next = Next(use);
        // In memory first: what signs from here on must fit the documents, whatever the disk says.
        retired.Add(Of(use));
        switch (use)
        {
            case KeyUse.Release: release = next; break;
            case KeyUse.Beacon: beacon = next; break;
            default: identity = next; break;
        }
        lock (nexts) nexts.Remove(use);
        File.Move(NextPath(use), CurrentPath(use), overwrite: true);
        DurableFolder.Flush(folder);
    }

    public void Dispose()
    {
        foreach (var key in (SigningKey[])[release, beacon, identity, Api, .. retired, .. nexts.Values]) key.Dispose();
    }

    private void Drop(KeyUse use)
    {
        if (nexts.Remove(use, out var next)) next.Dispose();
        File.Delete(NextPath(use));
    }

    private string CurrentPath(KeyUse use) => Path.Combine(folder, $"{Name(use)}.pem");

    private string NextPath(KeyUse use) => Path.Combine(folder, $"{Name(use)}-next.pem");

    private static string Name(KeyUse use) => use.ToString().ToLowerInvariant();
}
