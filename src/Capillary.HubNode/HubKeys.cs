using Capillary.Node.Keys;

namespace Capillary.HubNode;

/// <summary>The hub's private keys, files of mode 0600 below <c>keys/</c>.</summary>
/// <param name="Root">Signs trust roots. Could stand elsewhere once the trust root is made; nothing at run time needs it.</param>
/// <param name="Release">Signs checkpoints and records.</param>
/// <param name="Beacon">Signs beacons.</param>
/// <param name="Identity">Proves the hub on its links.</param>
/// <param name="Api">Proves the hub to the command line; its id is what the command line pins.</param>
internal sealed record HubKeys(SigningKey? Root, SigningKey Release, SigningKey Beacon, SigningKey Identity, SigningKey Api) : IDisposable
{
    private const UnixFileMode OwnerOnly = UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute;

    /// <summary>Makes every key that is not there yet.</summary>
    public static HubKeys Create(string folder)
    {
        Directory.CreateDirectory(folder, OwnerOnly);
        SigningKey Make(string name) => SigningKey.LoadOrCreate(Path.Combine(folder, name));
        return new(Make("root.pem"), Make("release.pem"), Make("beacon.pem"), Make("identity.pem"), Make("api.pem"));
    }

    /// <summary>Loads the keys that a running hub needs.</summary>
    /// <exception cref="InvalidDataException">One is missing, damaged or readable by others.</exception>
    public static HubKeys Load(string folder)
    {
        SigningKey Read(string name) => Path.Combine(folder, name) is var path && File.Exists(path)
            ? SigningKey.Load(path)
            : throw new InvalidDataException($"{path}: this key is missing; restore it from a backup");
        return new(null, Read("release.pem"), Read("beacon.pem"), Read("identity.pem"), Read("api.pem"));
    }

    public void Dispose()
    {
        foreach (var key in (SigningKey?[])[Root, Release, Beacon, Identity, Api]) key?.Dispose();
    }
}
