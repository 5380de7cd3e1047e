namespace Capillary.Fleet.Templates.Merging;

/// <summary>What a merge reads.</summary>
/// <param name="Base">What both sides began with, by path.</param>
/// <param name="Theirs">What the other side made of it.</param>
/// <param name="Ours">Everything that stands here, at paths of neither side too.</param>
/// <param name="Read">Gives the bytes of one of ours; called only for paths that <see cref="TreeMerge.Wanted"/> names.</param>
public sealed record MergeTrees(IReadOnlyDictionary<string, MergeFile> Base, IReadOnlyDictionary<string, MergeFile> Theirs,
    IReadOnlyDictionary<string, MergeEntry> Ours, Func<string, ReadOnlyMemory<byte>> Read)
{
    /// <summary>Old path to new path, as the other side declares them; what is not declared is found by likeness.</summary>
    public IReadOnlyDictionary<string, string> Renames { get; init; } = new Dictionary<string, string>();
}

/// <summary>Two trees merged over their base.</summary>
/// <param name="Changes">What differs from ours, in order of path: the new file, or null for one that goes.</param>
/// <param name="Conflicts">What is still to be decided; while there is one, <paramref name="Changes"/> must not be kept.</param>
/// <param name="Decided">What resolutions decided.</param>
public sealed record MergedTree(IReadOnlyDictionary<string, MergeFile?> Changes, IReadOnlyList<TreeConflict> Conflicts,
    IReadOnlyList<TreeConflict> Decided);

/// <summary>
/// The three-way merge of file trees: additions, removals, renames with edits, modes, links, binary files. Every path of base and
/// theirs ends as merged or as a conflict; files of ours that neither knows are left alone. Pure.
/// </summary>
public sealed class TreeMerge
{
    private readonly MergeTrees trees;
    private readonly MergeLabels labels;
    private readonly Func<TreeConflict, Resolution?> decide;
    private readonly SortedDictionary<string, MergeFile?> changes = new(StringComparer.Ordinal);
    private readonly List<(TreeConflict Conflict, bool IsDecided)> asked = [];

    private TreeMerge(MergeTrees trees, MergeLabels labels, Func<TreeConflict, Resolution?> decide) =>
        (this.trees, this.labels, this.decide) = (trees, labels, decide);

    /// <summary>Merges.</summary>
    /// <param name="trees">The three trees.</param>
    /// <param name="labels">Names of the sides, for markers.</param>
    /// <param name="decide">What was decided about a conflict; null when nothing was.</param>
    public static MergedTree Merge(MergeTrees trees, MergeLabels labels, Func<TreeConflict, Resolution?> decide)
    {
        var merge = new TreeMerge(trees, labels, decide);
        var pairs = TreePairs.Find(trees);
        foreach (var pair in pairs.InBase) merge.File(pair);
        foreach (var path in pairs.Added) merge.Add(path);
        merge.CheckFolders();
        return merge.Result();
    }

    /// <summary>Two files may ask about one path: each conflict gets a number of its own there. Those that a choice decides come first, so
    /// that a choice moves no other's number.</summary>
    private MergedTree Result()
    {
        var numbers = new Dictionary<string, int>(StringComparer.Ordinal);
        var all = asked.OrderBy(item => item.Conflict.HasChoice ? 0 : 1).Select(item =>
        {
            var number = numbers[item.Conflict.Path] = numbers.GetValueOrDefault(item.Conflict.Path) + 1;
            return item with { Conflict = item.Conflict with { Hunk = number } };
        }).ToLookup(item => item.IsDecided, item => item.Conflict);
        return new MergedTree(changes, [.. all[false]], [.. all[true]]);
    }

    /// <summary>The paths of ours that must be read before the merge: those that are not as in base and at which theirs changed something.
    /// </summary>
    public static IReadOnlyList<string> Wanted(MergeTrees trees) => TreePairs.Wanted(trees);

    private void File(TreePair pair)
    {
        var ancestor = trees.Base[pair.Base];
        var theirs = pair.Theirs is null ? null : trees.Theirs[pair.Theirs];
        // What theirs left as it was stays as it is here, wherever that is now.
        if (theirs is not null && pair.Theirs == pair.Base && theirs.IsSame(ancestor)) return;
        var ours = pair.Ours is null ? null : Ours(pair.Ours, ancestor);
        var target = pair.Theirs is null || pair.Theirs == pair.Base ? pair.Ours ?? pair.Base : pair.Theirs;
        var result = new FileMerge(pair.Ours ?? target, labels, decide).Merge(ancestor, ours, theirs);
        if (pair.Ours is { } here && here != pair.Base && pair.Theirs is { } there && there != pair.Base && here != there)
            target = IsNamedThere(pair) ? there : here;
        Put(target, pair.Ours, result);
    }

    /// <summary>Both gave it a name: true when theirs is chosen.</summary>
    private bool IsNamedThere(TreePair pair)
    {
        var question = new TreeConflict(pair.Ours!, 1, ConflictKind.Renamed, Name(pair.Base), Name(pair.Ours!), Name(pair.Theirs!));
        var answer = decide(question);
        asked.Add((question, answer is not null));
        return answer is Resolution.Theirs;
    }

    private void Add(string path)
    {
        var theirs = trees.Theirs[path];
        var ours = trees.Ours.ContainsKey(path) ? Ours(path, theirs) : null;
        Put(path, path, new FileMerge(path, labels, decide).Merge(null, ours, theirs));
    }

    /// <summary>Puts a result to its place, where a file with another history may be.</summary>
    private void Put(string target, string? from, FileMerged result)
    {
        asked.AddRange(result.Conflicts.Select(conflict => (conflict, false)).Concat(result.Decided.Select(conflict => (conflict, true)))
            .OrderBy(item => item.conflict.Hunk)
            .Select(item => (item.conflict with { NewPath = target == item.conflict.Path ? null : target }, item.Item2)));
        if (from is not null && from != target) changes.TryAdd(from, null);
        var entry = trees.Ours.GetValueOrDefault(target);
        if (result.File is not { } file)
        {
            if (from is not null) changes[from] = null;
        }
        else if (from != target && entry?.IsSame(file) == false)
        {
            // Whichever of the two were chosen, a person's edits in the other would be gone.
            asked.Add((new(target, 1, ConflictKind.NameTaken, null, Name(target), Name(from ?? target)), false));
            if (from is not null) changes.Remove(from);
        }
        else if (entry?.IsSame(file) != true) changes[target] = file;
    }

    private static MergeFile Name(string path) => MergeFile.Plain(System.Text.Encoding.UTF8.GetBytes(path));

    /// <summary>One of ours; what is as in <paramref name="known"/> needs no reading.</summary>
    private MergeFile Ours(string path, MergeFile known)
    {
        var entry = trees.Ours[path];
        return entry.IsSame(known) ? known : new MergeFile(entry.Kind, entry.Id == known.Id ? known.Bytes : trees.Read(path));
    }

    /// <summary>A path that would be a file and a folder at once.</summary>
    private void CheckFolders()
    {
        var files = new HashSet<string>(trees.Ours.Keys, StringComparer.Ordinal);
        foreach (var (path, file) in changes)
        {
            if (file is null) files.Remove(path);
            else files.Add(path);
        }
        foreach (var path in files)
        {
            for (var at = path.IndexOf('/', StringComparison.Ordinal); at > 0; at = path.IndexOf('/', at + 1))
            {
                if (!files.Contains(path[..at]) || (!changes.ContainsKey(path) && !changes.ContainsKey(path[..at]))) continue;
                asked.Add((new(path[..at], 1, ConflictKind.PlaceTaken, null, Name(path[..at]), Name(path)), false));
            }
        }
    }
}
