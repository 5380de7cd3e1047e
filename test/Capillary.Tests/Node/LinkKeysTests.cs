using Capillary.Node.Keys;
using Xunit;

namespace Capillary.Tests.Node;

/// <summary>Which key is shown where, so that a node always gets in and is never taken for a copy.</summary>
public sealed class LinkKeysTests
{
    private readonly SigningKey current = SigningKey.Create();
    private readonly SigningKey next = SigningKey.Create();

    [Fact]
    public void Without_a_succession_there_is_one_key()
    {
        var keys = new LinkKeys(current);
        Assert.Same(current, keys.ForDial("a"));
        Assert.False(keys.Ended("a", current, refused: true));
        Assert.Same(current, keys.ForDial("a"));
        keys.Promote();
        Assert.Same(current, keys.Current);
    }

    /// <summary>Whether the hub has issued the next record or not, one of two dials gets in.</summary>
    [Fact]
    public void Promise2_the_next_key_comes_first_and_the_current_one_after_its_refusal()
    {
        var keys = new LinkKeys(current, next);
        Assert.Same(next, keys.ForDial("a"));
        Assert.True(keys.Ended("a", next, refused: true));
        Assert.Same(current, keys.ForDial("a"));
        // Whatever became of that dial, the hub may have issued the record since.
        Assert.False(keys.Ended("a", current, refused: true));
        Assert.Same(next, keys.ForDial("a"));
        Assert.False(keys.Ended("a", next, refused: false));
        Assert.Same(next, keys.ForDial("a"));
    }

    /// <summary>A region that is behind, or evil, refuses the next key; another one knows it, and would take the old one for a copy's.</summary>
    [Fact]
    public void Promise6_a_refusal_of_one_parent_shows_the_old_key_to_no_other()
    {
        var keys = new LinkKeys(current, next);
        Assert.True(keys.Ended("evil", next, refused: true));
        Assert.Same(next, keys.ForDial("honest"));
        Assert.Same(current, keys.ForDial("evil"));
    }

    [Fact]
    public void A_succession_that_begins_or_ends_forgets_refusals()
    {
        var keys = new LinkKeys(current);
        keys.Begin(next);
        Assert.Same(next, keys.Next);
        Assert.True(keys.Ended("a", next, refused: true));
        keys.Promote();
        Assert.Same(next, keys.Current);
        Assert.Null(keys.Next);
        var third = SigningKey.Create();
        keys.Begin(third);
        Assert.Same(third, keys.ForDial("a"));
    }
}
