using System.Text;
using Capillary.Fleet.Templates.Merging;
using Xunit;

namespace Capillary.Tests.Fleet.Templates;

/// <summary>The merge of texts: the cases that go wrong elsewhere one by one, then against <c>git merge-file</c>.</summary>
public sealed class TextMergeTests
{
    private static readonly MergeLabels Labels = new("ours", "base", "theirs");

    [Theory]
    [InlineData("a|b|c|", "a|B|c|", "a|b|c|", "a|B|c|")] // ours alone
    [InlineData("a|b|c|", "a|b|c|", "a|B|c|", "a|B|c|")] // theirs alone
    [InlineData("a|b|c|", "a|B|c|", "a|B|c|", "a|B|c|")] // both alike
    [InlineData("a|b|c|d|e|", "A|b|c|d|e|", "a|b|c|d|E|", "A|b|c|d|E|")] // apart
    [InlineData("a|b|c|", "A|b|c|", "a|b|C|", "A|b|C|")] // one line between
    [InlineData("a|b|", "", "a|b|", "")] // emptied
    [InlineData("", "", "a|", "a|")] // filled
    [InlineData("a|b", "a|b", "a|b|", "a|b|")] // the last newline is a change
    [InlineData("a|b|c", "A|b|c", "a|b|c|", "A|b|c|")]
    [InlineData("x|a|x|", "x|a|x|a|x|", "x|a|x|", "x|a|x|a|x|")] // a block twice
    public void Merges(string ancestor, string ours, string theirs, string expected)
    {
        var merged = Merge(ours, ancestor, theirs);
        Assert.True(merged.IsClean);
        Assert.Equal(expected, Show(merged.ToBytes(Labels)));
    }

    [Theory]
    [InlineData("a|b|c|", "a|B|c|", "a|X|c|", "a|<<<<<<< ours|B|=======|X|>>>>>>> theirs|c|")]
    [InlineData("a|b|", "A|b|", "a|B|", "<<<<<<< ours|A|b|=======|a|B|>>>>>>> theirs|")] // beside each other
    [InlineData("a|b|c|", "a|c|", "a|B|c|", "a|<<<<<<< ours|=======|B|>>>>>>> theirs|c|")] // removed and changed
    [InlineData("", "a|", "b|", "<<<<<<< ours|a|=======|b|>>>>>>> theirs|")]
    [InlineData("a", "b", "c", "<<<<<<< ours|b|=======|c|>>>>>>> theirs|")]
    [InlineData("a|b|", "a|1|2|3|", "a|1|x|3|", "a|1|<<<<<<< ours|2|=======|x|>>>>>>> theirs|3|")] // what agrees is outside
    public void Conflicts(string ancestor, string ours, string theirs, string expected)
    {
        var merged = Merge(ours, ancestor, theirs);
        Assert.Single(merged.Conflicts);
        Assert.Equal(expected, Show(merged.ToBytes(Labels)));
    }

    [Fact]
    public void A_conflict_holds_its_three_sides()
    {
        var conflict = Assert.Single(Merge("a|B|c|", "a|b|c|", "a|X|c|").Conflicts);
        Assert.Equal(("b|", "B|", "X|"), (Show(conflict.Base), Show(conflict.Ours), Show(conflict.Theirs)));
    }

    [Fact]
    public void Line_ends_are_content_and_markers_follow_them()
    {
        Assert.Equal("a\r|b|C\r|", Show(Merge("a\r|b|c\r|", "a|b|c\r|", "a|b|C\r|").ToBytes(Labels)));
        Assert.Equal("a\r|<<<<<<< ours\r|B\r|=======\r|X\r|>>>>>>> theirs\r|",
            Show(Merge("a\r|B\r|", "a\r|b\r|", "a\r|X\r|").ToBytes(Labels)));
    }

    [Theory]
    [InlineData(1)]
    [InlineData(20261130)]
    public void A_generated_pair_is_merged_as_git_does(int seed)
    {
        using var git = new GitMerge();
        var pairs = new EditPairs(seed);
        var (clean, conflicts) = (0, 0);
        for (var i = 0; i < 300; i++)
        {
            var pair = pairs.Next();
            var merged = TextMerge.Merge(pair.Ours, pair.Base, pair.Theirs);
            var (expected, text) = git.Run(pair);
            var found = merged.Conflicts.Count();
            Assert.True(found <= expected, $"seed {seed}, pair {i}: {found} conflicts, git has {expected}");
            // Where git sees a conflict and we none there would be nothing to compare with; there is no such pair.
            Assert.True(found == expected && merged.ToBytes(Labels).AsSpan().SequenceEqual(text), $"seed {seed}, pair {i}: not what git has");
            if (found == 0) clean++;
            conflicts += found;
        }
        Assert.True(clean > 75 && conflicts > 75, $"the pairs are too easy or too hard: {clean} clean, {conflicts} conflicts");
    }

    [Fact]
    public void Whole_conflicts_stand_beside_their_base_as_git_shows_them()
    {
        using var git = new GitMerge();
        var pairs = new EditPairs(7);
        for (var i = 0; i < 50; i++)
        {
            var pair = pairs.Next();
            var merged = TextMerge.Merge(pair.Ours, pair.Base, pair.Theirs, keepWholeConflicts: true);
            Assert.True(merged.ToBytes(Labels, withBase: true).AsSpan().SequenceEqual(git.Run(pair, "--diff3").Text), $"seed 7, pair {i}");
        }
    }

    [Theory]
    [InlineData(3)]
    [InlineData(4)]
    public void Edits_in_lines_of_their_own_always_merge(int seed)
    {
        var pairs = new EditPairs(seed);
        for (var i = 0; i < 500; i++)
        {
            var (pair, expected) = pairs.NextApart();
            var merged = TextMerge.Merge(pair.Ours, pair.Base, pair.Theirs);
            Assert.True(merged.IsClean, $"seed {seed}, pair {i}: a conflict between edits that do not meet");
            Assert.True(merged.ToBytes(Labels).AsSpan().SequenceEqual(expected), $"seed {seed}, pair {i}: a wrong clean merge");
        }
    }

    [Fact]
    public void A_merge_has_no_sides_to_prefer()
    {
        var pairs = new EditPairs(11);
        for (var i = 0; i < 500; i++)
        {
            var pair = pairs.Next();
            var (one, other) = (TextMerge.Merge(pair.Ours, pair.Base, pair.Theirs), TextMerge.Merge(pair.Theirs, pair.Base, pair.Ours));
            Assert.Equal(one.IsClean, other.IsClean);
            if (one.IsClean) Assert.True(one.ToBytes(Labels).AsSpan().SequenceEqual(other.ToBytes(Labels)), $"seed 11, pair {i}");
        }
    }

    [Fact]
    public void Input_made_to_be_slow_is_not()
    {
        // Nothing in order: the shortest edit of these would take some 10^9 steps.
        var random = new Random(5);
        byte[] Shuffled() => Encoding.ASCII.GetBytes(string.Concat(Enumerable.Range(0, 20_000).Select(_ => $"{random.Next(3)}\n")));
        var (ours, ancestor, theirs) = (Shuffled(), Shuffled(), Shuffled());
        var clock = System.Diagnostics.Stopwatch.StartNew();
        Assert.False(TextMerge.Merge(ours, ancestor, theirs).IsClean);
        Assert.True(clock.Elapsed < TimeSpan.FromSeconds(30), $"took {clock.Elapsed}");
    }

    private static MergedText Merge(string ours, string ancestor, string theirs) =>
        TextMerge.Merge(Lines(ours), Lines(ancestor), Lines(theirs));

    private static byte[] Lines(string text) => Encoding.UTF8.GetBytes(text.Replace('|', '\n'));

    private static string Show(ReadOnlyMemory<byte> text) => Encoding.UTF8.GetString(text.Span).Replace('\n', '|');
}
