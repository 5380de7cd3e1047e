using System.Collections;

namespace Capillary.HubNode.Storage;

/// <summary>An audit path as its row holds it; a hash is cut out when it is asked for, as most paths are never sent again.</summary>
internal sealed class StoredPath(byte[] joined) : IReadOnlyList<byte[]>
{
    public const int HashSize = 32;

    public int Count => joined.Length / HashSize;

    public byte[] this[int index] => joined[(index * HashSize)..((index + 1) * HashSize)];

    public IEnumerator<byte[]> GetEnumerator()
    {
        for (var i = 0; i < Count; i++) yield return this[i];
    }

    IEnumerator IEnumerable.GetEnumerator() => GetEnumerator();
}
