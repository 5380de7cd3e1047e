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

    /// <summary>Number of leaves.</summary>
    public int Size => levels[0].Length;

    /// <summary>MTH; of no leaves, the hash of nothing.</summary>
    public Digest Root => Digest.FromHash(Size == 0 ? SHA256.HashData([]) : levels[^1][0]);

    /// <summary>The hash of one leaf's bytes.</summary>
    public static byte[] HashLeaf(ReadOnlySpan<byte> leaf)
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        hash.AppendData([0]);
        hash.AppendData(leaf);
        return hash.GetHashAndReset();
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
        for (var i = 0; i < level.Length; i++)
            level[i] = 2 * i + 1 < below.Length ? HashNode(below[2 * i], below[2 * i + 1]) : below[2 * i];
        return level;
    }

    private static byte[] HashNode(byte[] left, byte[] right)
    {
        Span<byte> input = stackalloc byte[1 + 2 * HashSize];
        input[0] = 1;
        left.CopyTo(input[1..]);
        right.CopyTo(input[(1 + HashSize)..]);
        return SHA256.HashData(input);
    }
}
