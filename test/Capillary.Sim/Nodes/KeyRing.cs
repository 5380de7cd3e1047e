using System.Text;
using Capillary.Node.Keys;
using Capillary.Sim.Machine;

namespace Capillary.Sim.Nodes;

/// <summary>Every private key of the world. A disk that holds a key holds its id, so that a copy of the disk holds the key too.</summary>
internal sealed class KeyRing
{
    private readonly Dictionary<string, SigningKey> keys = [];

    public SigningKey this[string id] => keys[id];

    public SigningKey Make() => Add(SigningKey.Create());

    public SigningKey Add(SigningKey key) => keys[key.Public.Id] = key;

    public SigningKey? On(SimDisk disk, string name) => disk.Read(name) is { } id ? keys[Encoding.ASCII.GetString(id)] : null;

    public static byte[] ToDocument(SigningKey key) => Encoding.ASCII.GetBytes(key.Public.Id);
}
