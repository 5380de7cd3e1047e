using System.Buffers.Binary;
using Capillary.Core.Trust;
using Xunit;

namespace Capillary.Tests.Core.Trust;

/// <summary>RFC 6962 trees: the known answers of Certificate Transparency, and what no proof may do.</summary>
public sealed class MerkleTreeTests
{
    private static readonly byte[][] KnownLeaves =
        [.. new[] { "", "00", "10", "2021", "3031", "40414243", "5051525354555657", "606162636465666768696a6b6c6d6e6f" }
            .Select(Convert.FromHexString)];

    // Roots of the first 0 to 8 leaves (certificate-transparency, merkletree tests).
    private static readonly string[] KnownRoots =
    [
        "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
        "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
        "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
        "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
        "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
        "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
        "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
        "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
        "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
    ];

    [Fact]
    public void Roots_are_the_known_answers()
    {
        for (var size = 0; size <= KnownLeaves.Length; size++)
            Assert.Equal($"sha256:{KnownRoots[size]}", Tree(KnownLeaves[..size]).Root.Text);
    }

    [Fact]
    public void Audit_paths_are_the_known_answers()
    {
        var tree = Tree(KnownLeaves);
        Assert.Equal(
            ["96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7",
                "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
                "6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4"],
            tree.Path(0).Select(Convert.ToHexStringLower));
        Assert.Equal(
            ["bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b",
                "ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0",
                "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7"],
            tree.Path(5).Select(Convert.ToHexStringLower));
    }

    [Fact]
    public void A_tree_with_other_leaves_is_the_tree_over_them_and_the_first_stays()
    {
        for (var size = 1; size <= 70; size++)
        {
            var leaves = Enumerable.Range(0, size).Select(LeafOf).ToArray();
            var (tree, root) = (Tree(leaves), Tree(leaves).Root);
            for (var step = 1; step <= size; step += 3)
            {
                var changed = Enumerable.Range(0, size).Where(index => index % step == step / 2).ToList();
                var next = leaves.Select((leaf, index) => changed.Contains(index) ? LeafOf(1000 + index) : leaf).ToArray();
                var with = tree.With(changed.ToDictionary(index => index, index => MerkleTree.HashLeaf(next[index])));
                Assert.Equal(Tree(next).Root, with.Root);
                foreach (var index in Enumerable.Range(0, size)) Assert.Equal(Tree(next).Path(index), with.Path(index));
            }
            Assert.Equal(root, tree.Root);
        }
    }

    [Fact]
    public void Proofs_of_every_size_hold_at_their_own_index_only()
    {
        for (var size = 1; size <= 300; size++)
        {
            var tree = Tree([.. Enumerable.Range(0, size).Select(LeafOf)]);
            for (var index = 0; index < size; index++)
            {
                var leaf = MerkleTree.HashLeaf(LeafOf(index));
                var path = tree.Path(index);
                Assert.True(MerkleTree.Verify(leaf, index, size, path, tree.Root), $"{index} of {size}");
                foreach (var other in OtherIndexes(index, size))
                    Assert.False(MerkleTree.Verify(leaf, other, size, path, tree.Root), $"{index} of {size} holds at {other}");
            }
        }
    }

    [Fact]
    public void A_spoilt_proof_never_holds()
    {
        var tree = Tree([.. Enumerable.Range(0, 21).Select(LeafOf)]);
        for (var index = 0; index < 21; index++)
        {
            var leaf = MerkleTree.HashLeaf(LeafOf(index));
            var path = tree.Path(index);
            for (var i = 0; i < path.Count * 32; i++)
                Assert.False(MerkleTree.Verify(leaf, index, 21, Flip(path, i), tree.Root), $"index {index}, byte {i}");
            for (var length = 0; length < path.Count; length++)
                Assert.False(MerkleTree.Verify(leaf, index, 21, [.. path.Take(length)], tree.Root));
            Assert.False(MerkleTree.Verify(leaf, index, 21, [.. path, new byte[32]], tree.Root));
        }
    }

    [Theory]
    [InlineData(-1, 3)]
    [InlineData(3, 3)]
    [InlineData(0, 0)]
    [InlineData(0, -1)]
    [InlineData(long.MinValue, long.MaxValue)]
    [InlineData(long.MaxValue, long.MaxValue)]
    [InlineData(0, long.MaxValue)]
    [InlineData(long.MaxValue - 1, long.MaxValue)]
    public void Lies_about_index_and_size_are_refused(long index, long size)
    {
        var tree = Tree([.. Enumerable.Range(0, 3).Select(LeafOf)]);
        Assert.False(MerkleTree.Verify(MerkleTree.HashLeaf(LeafOf(0)), index, size, tree.Path(0), tree.Root));
    }

    [Fact]
    public void Hashes_of_the_wrong_length_are_refused()
    {
        var tree = Tree([.. Enumerable.Range(0, 2).Select(LeafOf)]);
        var leaf = MerkleTree.HashLeaf(LeafOf(0));
        foreach (var bad in (byte[]?[])[null, [], new byte[31], new byte[33], new byte[64]])
            Assert.False(MerkleTree.Verify(leaf, 0, 2, [bad!], tree.Root));
        Assert.False(MerkleTree.Verify(leaf, 0, 2, [.. Enumerable.Repeat(new byte[32], 10_000)], tree.Root));
        Assert.False(MerkleTree.Verify([], 0, 1, [], tree.Root));
    }

    [Fact]
    public void A_node_never_passes_for_a_leaf()
    {
        var tree = Tree(KnownLeaves[..4]);
        var inner = tree.Path(0);
        // The inner node over leaves 0 and 1, offered as if it were the leaf of a tree of two.
        var left = new MerkleTree([.. KnownLeaves[..2].Select(leaf => MerkleTree.HashLeaf(leaf))]).Root.ToHash();
        Assert.False(MerkleTree.Verify(MerkleTree.HashLeaf(left), 0, 2, [inner[1]], tree.Root));
    }

    private static IEnumerable<long> OtherIndexes(int index, int size) =>
        size <= 64 ? Enumerable.Range(0, size).Where(other => other != index).Select(other => (long)other)
            : new long[] { index ^ 1, index + 1, index - 1, size - 1, 0, size / 2 }.Where(other => other != index);

    private static byte[] LeafOf(int index)
    {
        var leaf = new byte[4];
        BinaryPrimitives.WriteInt32BigEndian(leaf, index);
        return leaf;
    }

    private static MerkleTree Tree(byte[][] leaves) => new([.. leaves.Select(leaf => MerkleTree.HashLeaf(leaf))]);

    private static List<byte[]> Flip(IReadOnlyList<byte[]> path, int at)
    {
        var copy = path.Select(hash => (byte[])hash.Clone()).ToList();
        copy[at / 32][at % 32] ^= 0x80;
        return copy;
    }
}
