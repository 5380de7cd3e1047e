using System.Security.Cryptography;
using Capillary.Core.Bundles;

namespace Capillary.Core.Trust;

/// <summary>
/// The Merkle tree of RFC 6962, section 2.1: SHA-256, prefix 0x00 for a leaf and 0x01 for a node. Built once over the leaves of a plan.
/// </summary>
public sealed class MerkleTree
{
    private const int HashSize = SHA256.HashSizeInBytes;

    // levels[0] are the leaf hashes; an odd last node moves up unchanged, which is the RFC's split at the largest power of two.
    private readonly List<byte[][]> levels = [];

    /// <param name="leafHashes">Results of <see cref="HashLeaf"/>, in leaf order.</param>
    public MerkleTree(IReadOnlyList<byte[]> leafHashes)
    {
        levels.Add([.. leafHashes]);
        while (levels[^1].Length > 1) levels.Add(Above(levels[^1]));
    }

    private MerkleTree(List<byte[][]> levels) => this.levels = levels;

    /// <summary>The tree with other hashes at some places; it costs what changes, not what is there. This one stays as it is.</summary>
    /// <param name="changed">Results of <see cref="HashLeaf"/> by leaf index.</param>
    public MerkleTree With(IReadOnlyDictionary<int, byte[]> changed)
    {
        var next = levels.ConvertAll(level => (byte[][])level.Clone());
        foreach (var (index, hash) in changed) next[0][index] = hash;
        var places = changed.Keys.ToHashSet();
        for (var i = 1; i < next.Count; i++)
        {
            places = [.. places.Select(place => place >> 1)];
            foreach (var place in places) next[i][place] = NodeOver(next[i - 1], place);
        }
        return new MerkleTree(next);
    }

    /// <summary>Number of leaves.</summary>
    public int Size => levels[0].Length;

    /// <summary>MTH; of no leaves, the hash of nothing.</summary>
    public Digest Root => Digest.FromHash(Size == 0 ? SHA256.HashData([]) : levels[^1][0]);

    /// <summary>The hash of the leaf at a place.</summary>
    public byte[] LeafHash(int index) => levels[0][index];

    /// <summary>The hash of one leaf's bytes.</summary>
    public static byte[] HashLeaf(ReadOnlySpan<byte> leaf)
    {
        Span<byte> input = leaf.Length < 1024 ? stackalloc byte[1 + leaf.Length] : new byte[1 + leaf.Length];
        input[0] = 0;
        leaf.CopyTo(input[1..]);
        return SHA256.HashData(input);
    }

    /// <summary>The audit path of leaf <paramref name="index"/> (RFC 6962, 2.1.1), leaf's sibling first.</summary>
    public IReadOnlyList<byte[]> Path(int index)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(index);
        ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual(index, Size);
        var path = new List<byte[]>();
        foreach (var level in levels)
        {
            var sibling = index ^ 1;
            if (sibling < level.Length) path.Add(level[sibling]);
            index >>= 1;
        }
        return path;
    }

    /// <summary>
    /// True when a leaf with this hash stands at <paramref name="index"/> under <paramref name="root"/> (RFC 9162, 2.1.3.2).
    /// </summary>
    public static bool Verify(ReadOnlySpan<byte> leafHash, long index, long size, IReadOnlyList<byte[]> path, Digest root)
    {
        if (index < 0 || index >= size || leafHash.Length != HashSize) return false;
        if (path.Count > 63 || path.Any(hash => hash is not { Length: HashSize })) return false;
        var (node, last) = (index, size - 1);
        var current = leafHash.ToArray();
        foreach (var sibling in path)
        {
            if (last == 0) return false;
            if ((node & 1) == 1 || node == last)
            {
                current = HashNode(sibling, current);
                while ((node & 1) == 0 && node != 0) (node, last) = (node >> 1, last >> 1);
            }
            else
            {
                current = HashNode(current, sibling);
            }
            (node, last) = (node >> 1, last >> 1);
        }
        return last == 0 && Digest.FromHash(current) == root;
    }

    private static byte[][] Above(byte[][] below)
    {
        var level = new byte[(below.Length + 1) / 2][];
        for (var i = 0; i < level.Length; i++) level[i] = NodeOver(below, i);
        return level;
    }

    private static byte[] NodeOver(byte[][] below, int place) =>
        2 * place + 1 < below.Length ? HashNode(below[2 * place], below[2 * place + 1]) : below[2 * place];

    private static byte[] HashNode(byte[] left, byte[] right)
    {
        Span<byte> input = stackalloc byte[1 + 2 * HashSize];
        input[0] = 1;
        left.CopyTo(input[1..]);
        right.CopyTo(input[(1 + HashSize)..]);
        return SHA256.HashData(input);
    }
}
