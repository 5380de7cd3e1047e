using Capillary.Core.Identity;
using Capillary.Core.Trust;
using Capillary.HubNode.Publish;
using Xunit;

namespace Capillary.Tests.HubNode;

/// <summary>The tree over a fleet's lines, changed plan by plan, is always the one that would be built anew.</summary>
public sealed class LineTreeTests
{
    [Fact]
    public void Changed_and_further_sites_stand_in_site_order()
    {
        var leaves = new SortedDictionary<SiteId, byte[]>();
        var tree = LineTree.Of([]);
        foreach (var plan in (string[][])[["m", "c"], ["c"], ["a", "m", "z"], ["b"], ["z", "a"]])
        {
            foreach (var site in plan) leaves[new SiteId(site)] = [(byte)plan.Length, (byte)site[0], (byte)leaves.Count];
            tree = tree.With(plan.ToDictionary(site => new SiteId(site), site => leaves[new SiteId(site)]));
            var anew = new MerkleTree([.. leaves.Values.Select(leaf => MerkleTree.HashLeaf(leaf))]);
            Assert.Equal(anew.Root, tree.Tree.Root);
            Assert.Equal(Enumerable.Range(0, leaves.Count), leaves.Keys.Select(tree.PlaceOf));
        }
        Assert.True(tree.PlaceOf(new SiteId("never-seen")) < 0);
    }
}
