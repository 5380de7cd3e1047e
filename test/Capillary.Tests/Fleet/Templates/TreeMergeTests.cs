using System.Text;
using Capillary.Fleet.Documents;
using Capillary.Fleet.Templates.Merging;
using Xunit;

namespace Capillary.Tests.Fleet.Templates;

/// <summary>The merge of trees. A tree is written as <c>path=content</c> pieces; <c>x:</c> is an executable file, <c>@:</c> a link.</summary>
public sealed class TreeMergeTests
{
    private const string Long = "one|two|three|four|five|six|";
    private static readonly MergeLabels Labels = new("ours", "base", "theirs");

    [Theory]
    [InlineData("a=1|", "a=1|", "a=2|", "a=2|")] // taken
    [InlineData("a=1|", "a=2|", "a=1|", "")] // kept
    [InlineData("a=1|", "a=1|", "", "a gone")]
    [InlineData("a=1|", "", "a=1|", "")] // removed here, unchanged there
    [InlineData("a=1|", "", "", "")]
    [InlineData("", "", "a=1|", "a=1|")]
    [InlineData("", "a=1|", "a=1|", "")] // both added the same
    [InlineData("", "own=1|", "a=1|", "a=1|")] // a file of ours that nobody knows
    [InlineData("a=", "a=", "a=1|", "a=1|")] // an empty file
    [InlineData("a=1|", "a=1|", "a=", "a=")]
    [InlineData("a=1|", "a=1|", "a=x:1|", "a=x:1|")] // mode alone
    [InlineData("a=1|", "a=2|", "a=x:1|", "a=x:2|")] // mode there, lines here
    [InlineData("a=x:1|", "a=1|", "a=x:2|", "a=2|")]
    [InlineData("l=@:a", "l=@:a", "l=@:b", "l=@:b")] // a link
    [InlineData("a=1|", "a=1|", "a=@:b", "a=@:b")] // a file becomes a link
    [InlineData("a=\0\u0001", "a=\0\u0001", "a=\0\u0002", "a=\0\u0002")] // binary
    [InlineData("a=1\r|2\r|3\r|", "a=1\r|2\r|4\r|", "a=0\r|2\r|3\r|", "a=0\r|2\r|4\r|")]
    public void Merges(string ancestor, string ours, string theirs, string expected)
    {
        var merged = Merge(ancestor, ours, theirs);
        Assert.Empty(merged.Conflicts);
        Assert.Equal(expected, Show(merged));
    }

    [Theory]
    [InlineData("a=1|", "a=2|", "a=3|", ConflictKind.Lines)]
    [InlineData("", "a=2|", "a=3|", ConflictKind.Lines)] // both added
    [InlineData("a=1|", "", "a=2|", ConflictKind.RemovedHere)]
    [InlineData("a=1|", "a=2|", "", ConflictKind.RemovedThere)]
    [InlineData("a=\0\u0001", "a=\0\u0002", "a=\0\u0003", ConflictKind.Whole)]
    [InlineData("a=1|", "a=\0\u0002", "a=2|", ConflictKind.Whole)] // text became binary here
    [InlineData("l=@:a", "l=@:b", "l=@:c", ConflictKind.Whole)]
    [InlineData("a=1|", "a=@:b", "a=2|", ConflictKind.Whole)]
    [InlineData("", "a=1|", "a=@:b", ConflictKind.Whole)]
    [InlineData("", "a=1|", "a=x:1|", ConflictKind.Mode)]
    [InlineData("", "a/b=1|", "a=1|", ConflictKind.PlaceTaken)] // a folder here, a file there
    [InlineData("", "a=1|", "a/b=1|", ConflictKind.PlaceTaken)]
    public void Conflicts(string ancestor, string ours, string theirs, ConflictKind kind)
    {
        var merged = Merge(ancestor, ours, theirs);
        Assert.Equal(kind, Assert.Single(merged.Conflicts).Kind);
    }

    [Fact]
    public void A_rename_there_takes_the_edits_here_along()
    {
        var merged = Merge("a=" + Long, "a=one|TWO|three|four|five|six|", "b=one|two|three|four|five|SIX|");
        Assert.Empty(merged.Conflicts);
        Assert.Equal("a gone,b=one|TWO|three|four|five|SIX|", Show(merged));
    }

    [Fact]
    public void A_rename_here_gets_the_changes_from_there()
    {
        var merged = Merge("a=" + Long, "b=one|TWO|three|four|five|six|", "a=one|two|three|four|five|SIX|");
        Assert.Empty(merged.Conflicts);
        Assert.Equal("b=one|TWO|three|four|five|SIX|", Show(merged));
        // And a removal there is a removal here, or a question when it was edited.
        Assert.Equal("b gone", Show(Merge("a=" + Long, "b=" + Long, "")));
        Assert.Equal(ConflictKind.RemovedThere, Assert.Single(Merge("a=" + Long, "b=one|TWO|three|four|five|six|", "").Conflicts).Kind);
    }

    [Fact]
    public void Both_renamed_alike_is_one_rename()
    {
        var merged = Merge("a=" + Long, "b=one|TWO|three|four|five|six|", "b=one|two|three|four|five|SIX|");
        Assert.Empty(merged.Conflicts);
        Assert.Equal("b=one|TWO|three|four|five|SIX|", Show(merged));
    }

    [Fact]
    public void Two_new_names_are_a_question()
    {
        var trees = Trees("a=" + Long, "b=" + Long, "c=one|two|three|four|five|SIX|");
        Assert.Equal(ConflictKind.Renamed, Assert.Single(TreeMerge.Merge(trees, Labels, _ => null).Conflicts).Kind);
        Assert.Equal("b=one|two|three|four|five|SIX|", Show(TreeMerge.Merge(trees, Labels, _ => new Resolution.Ours())));
        Assert.Equal("b gone,c=one|two|three|four|five|SIX|", Show(TreeMerge.Merge(trees, Labels, _ => new Resolution.Theirs())));
    }

    [Fact]
    public void A_declared_rename_needs_no_likeness()
    {
        var trees = Trees("a=1|", "a=1|mine|", "b=2|") with { Renames = new Dictionary<string, string> { ["a"] = "b" } };
        var conflict = Assert.Single(TreeMerge.Merge(trees, Labels, _ => null).Conflicts);
        Assert.Equal((ConflictKind.Lines, "a"), (conflict.Kind, conflict.Path));
        Assert.Equal("a gone,b=3|", Show(TreeMerge.Merge(trees, Labels, _ => new Resolution.Written("3\n"u8.ToArray()))));
    }

    [Fact]
    public void A_rename_to_a_place_that_is_taken_loses_nothing()
    {
        var trees = Trees("a=" + Long, "a=one|MINE|three|four|five|six|,b=other|", "b=" + Long);
        // Either choice would throw away what a person wrote in the other file.
        foreach (var choice in new Resolution?[] { null, new Resolution.Ours(), new Resolution.Theirs() })
        {
            var merged = TreeMerge.Merge(trees, Labels, _ => choice);
            Assert.Equal((ConflictKind.NameTaken, "b", false),
                Assert.Single(merged.Conflicts) is var one ? (one.Kind, one.Path, one.HasChoice) : default);
            Assert.Empty(merged.Changes);
        }
    }

    [Fact]
    public void A_rename_here_is_followed_though_its_new_name_there_is_taken()
    {
        // 'a' is 'own' here and 'b' there; what is called 'b' here is another file.
        var trees = Trees("a=" + Long, "own=one|MINE|three|four|five|six|,b=quite|other|", "b=one|two|three|four|five|SIX|");
        var conflict = Assert.Single(TreeMerge.Merge(trees, Labels, _ => null).Conflicts);
        Assert.Equal((ConflictKind.Renamed, "own"), (conflict.Kind, conflict.Path));
        Assert.Equal("own=one|MINE|three|four|five|SIX|", Show(TreeMerge.Merge(trees, Labels, _ => new Resolution.Ours())));
        var taken = TreeMerge.Merge(trees, Labels, _ => new Resolution.Theirs());
        Assert.Equal((ConflictKind.NameTaken, "b"), Assert.Single(taken.Conflicts) is var one ? (one.Kind, one.Path) : default);
        Assert.Empty(taken.Changes);
    }

    [Fact]
    public void Every_conflict_has_a_name_of_its_own()
    {
        // 'b' has two places where lines conflict, and is where the template wants 'a'.
        var trees = Trees($"a={Long},b=1|2|3|4|5|6|7|", $"a=one|MINE|three|four|five|six|,b=1|mine|3|4|5|6|m|",
            "b=1|t|3|4|5|6|tt|,c/d=1|") with { Renames = new Dictionary<string, string> { ["a"] = "b" } };
        Unique(TreeMerge.Merge(trees, Labels, _ => null).Conflicts);
        // Two files in a folder whose name a file has here.
        var merged = Merge("", "a=1|", "a/b=1|,a/c=1|");
        Assert.Equal(["a#1", "a#2"], merged.Conflicts.Select(conflict => $"{conflict.Path}#{conflict.Hunk}"));
        // The new name of a file that was renamed on both sides, and its lines; a choice about one moves no other's number.
        trees = Trees("a=" + Long, "win=one|two|three|four|five|MINE|", "w=one|two|three|four|five|THEIRS|");
        var all = TreeMerge.Merge(trees, Labels, _ => null).Conflicts;
        Assert.Equal(["win#1 Renamed", "win#2 Lines"], all.Select(conflict => $"{conflict.Path}#{conflict.Hunk} {conflict.Kind}"));
        merged = TreeMerge.Merge(trees, Labels, conflict => conflict.Kind == ConflictKind.Renamed ? new Resolution.Ours() : null);
        Assert.Equal(("win#2", "win#1"), (Name(Assert.Single(merged.Conflicts)), Name(Assert.Single(merged.Decided))));

        static string Name(TreeConflict conflict) => $"{conflict.Path}#{conflict.Hunk}";
    }

    [Theory]
    [InlineData(3)]
    [InlineData(77)]
    public void Conflicts_of_any_trees_have_names_of_their_own(int seed)
    {
        var random = new Random(seed);
        string[] names = ["a", "b", "c", "d/e", "d"];
        string Tree() => string.Join(',', names.Where(_ => random.Next(3) > 0)
            .Select(name => $"{name}={string.Concat(Enumerable.Range(0, 6).Select(line => $"{line}{random.Next(2)}|"))}"));
        for (var i = 0; i < 2000; i++)
        {
            var (ancestor, ours, theirs) = (Tree(), Tree(), Tree());
            try
            {
                Unique(Merge(ancestor, ours, theirs).Conflicts);
            }
            catch (Exception e)
            {
                throw new InvalidOperationException($"seed {seed}, {i}: {ancestor} / {ours} / {theirs}", e);
            }
        }
    }

    private static void Unique(IReadOnlyList<TreeConflict> conflicts)
    {
        Assert.Equal(conflicts.Count, conflicts.Select(conflict => (conflict.Path, conflict.Hunk)).Distinct().Count());
        foreach (var file in conflicts.GroupBy(conflict => conflict.Path))
            Assert.Equal(Enumerable.Range(1, file.Count()), file.Select(conflict => conflict.Hunk).Order());
    }

    [Theory]
    [InlineData("ours", "a=1|mine|3|4|5|6|m|")]
    [InlineData("theirs", "a=1|t|3|4|5|6|tt|")]
    public void A_resolution_decides(string side, string expected)
    {
        Resolution Choose(TreeConflict conflict) => side == "ours" ? new Resolution.Ours() : new Resolution.Theirs();
        var trees = Trees("a=1|2|3|4|5|6|7|", "a=1|mine|3|4|5|6|m|", "a=1|t|3|4|5|6|tt|");
        Assert.Equal([1, 2], TreeMerge.Merge(trees, Labels, _ => null).Conflicts.Select(conflict => conflict.Hunk));
        var merged = TreeMerge.Merge(trees, Labels, Choose);
        Assert.Equal((0, 2), (merged.Conflicts.Count, merged.Decided.Count));
        Assert.Equal(side == "ours" ? "" : expected, Show(merged));
    }

    [Fact]
    public void A_conflict_has_the_same_key_in_every_file()
    {
        var one = Assert.Single(Merge("a=1|2|", "a=1|x|", "a=1|y|").Conflicts);
        var other = Assert.Single(Merge("b/c=0|2|", "b/c=0|x|", "b/c=0|y|").Conflicts);
        Assert.Equal(one.Key, other.Key);
        Assert.NotEqual(one.Key, Assert.Single(Merge("a=1|2|", "a=1|x|", "a=1|z|").Conflicts).Key);
    }

    [Fact]
    public void A_resolution_is_one_of_a_side_whichever_it_is()
    {
        Assert.Equal("a gone", Show(TreeMerge.Merge(Trees("a=1|", "a=2|", ""), Labels, _ => new Resolution.Theirs())));
        Assert.Equal("a=2|", Show(TreeMerge.Merge(Trees("a=1|", "", "a=2|"), Labels, _ => new Resolution.Theirs())));
        Assert.Equal("", Show(TreeMerge.Merge(Trees("a=1|", "", "a=2|"), Labels, _ => new Resolution.Ours())));
    }

    [Theory]
    [InlineData(1)]
    [InlineData(99)]
    public void Nothing_of_either_side_is_lost_in_a_clean_merge(int seed)
    {
        var random = new Random(seed);
        string Tree() => string.Join(',', Enumerable.Range(0, 5).Where(_ => random.Next(3) > 0)
            .Select(i => $"f{i}={(random.Next(4) == 0 ? "x:" : "")}{string.Concat(Enumerable.Range(0, 4).Select(_ => $"{random.Next(3)}|"))}"));
        for (var i = 0; i < 2000; i++)
        {
            var (ancestor, ours, theirs) = (Tree(), Tree(), Tree());
            var (b, o, t) = (Read(ancestor), Read(ours), Read(theirs));
            var merged = Merge(ancestor, ours, theirs);
            if (merged.Conflicts.Count > 0) continue;
            foreach (var path in b.Keys.Union(o.Keys).Union(t.Keys))
            {
                var (inBase, here, there) = (b.GetValueOrDefault(path), o.GetValueOrDefault(path), t.GetValueOrDefault(path));
                var result = merged.Changes.TryGetValue(path, out var changed) ? changed : here;
                var isRenamed = merged.Changes.Values.Any(file => file is null);
                if (isRenamed) continue; // What a renamed file must be is in the tests above.
                if (Same(inBase, here)) Assert.True(Same(result, there), $"seed {seed}, {i}: {path} is not theirs");
                else if (Same(inBase, there)) Assert.True(Same(result, here), $"seed {seed}, {i}: {path} is not ours");
            }
        }
    }

    private static bool Same(MergeFile? left, MergeFile? right) => left is null ? right is null : left.IsSame(right);

    private static MergedTree Merge(string ancestor, string ours, string theirs) => TreeMerge.Merge(Trees(ancestor, ours, theirs), Labels, _ => null);

    private static MergeTrees Trees(string ancestor, string ours, string theirs)
    {
        var here = Read(ours);
        HashSet<string> wanted = [];
        var trees = new MergeTrees(Read(ancestor), Read(theirs),
            here.ToDictionary(item => item.Key, item => new MergeEntry(item.Value.Kind, item.Value.Id)), path =>
            {
                Assert.Contains(path, wanted);
                return here[path].Bytes;
            });
        wanted.UnionWith(TreeMerge.Wanted(trees));
        return trees;
    }

    private static Dictionary<string, MergeFile> Read(string tree) => tree.Split(',', StringSplitOptions.RemoveEmptyEntries)
        .Select(item => item.Split('=', 2)).ToDictionary(item => item[0], item =>
        {
            var kind = item[1].Split(':')[0] switch
            {
                "x" => TreeEntryKind.ExecutableFile,
                "@" => TreeEntryKind.SymbolicLink,
                _ => TreeEntryKind.File,
            };
            var text = kind == TreeEntryKind.File ? item[1] : item[1][2..];
            return new MergeFile(kind, Encoding.UTF8.GetBytes(text.Replace('|', '\n')));
        });

    private static string Show(MergedTree merged) => string.Join(',', merged.Changes.Select(item => item.Value is not { } file
        ? $"{item.Key} gone"
        : $"{item.Key}={file.Kind switch { TreeEntryKind.ExecutableFile => "x:", TreeEntryKind.SymbolicLink => "@:", _ => "" }}"
            + Encoding.UTF8.GetString(file.Bytes.Span).Replace('\n', '|')));
}
