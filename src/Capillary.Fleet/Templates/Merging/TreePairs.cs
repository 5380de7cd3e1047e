namespace Capillary.Fleet.Templates.Merging;

/// <summary>One file of the base, and where it is now.</summary>
/// <param name="Base">Its path in the base.</param>
/// <param name="Ours">Its path here; null when it is gone.</param>
/// <param name="Theirs">Its path there; null when it is gone.</param>
internal sealed record TreePair(string Base, string? Ours, string? Theirs);

/// <summary>Follows files over renames.</summary>
/// <param name="InBase">Every file of the base, in order of path.</param>
/// <param name="Added">Paths that are new in theirs, in order.</param>
internal sealed record TreePairs(IReadOnlyList<TreePair> InBase, IReadOnlyList<string> Added)
{
    /// <summary>With more new files than this here, only one with the same content is found again under its new name.</summary>
    private const int MaxCandidates = 100;

    public static TreePairs Find(MergeTrees trees)
    {
        var theirs = Theirs(trees);
        var ours = Ours(trees, theirs);
        var pairs = trees.Base.Keys.Order(StringComparer.Ordinal).Select(path => new TreePair(path,
            trees.Ours.ContainsKey(path) ? path : ours.GetValueOrDefault(path),
            trees.Theirs.ContainsKey(path) ? path : theirs.GetValueOrDefault(path))).ToList();
        var continued = theirs.Values.ToHashSet(StringComparer.Ordinal);
        return new(pairs, [.. trees.Theirs.Keys.Where(path => !trees.Base.ContainsKey(path) && !continued.Contains(path))
            .Order(StringComparer.Ordinal)]);
    }

    /// <summary>Paths of ours that a merge reads.</summary>
    public static IReadOnlyList<string> Wanted(MergeTrees trees)
    {
        var wanted = new HashSet<string>(StringComparer.Ordinal);
        foreach (var path in trees.Base.Keys.Where(path => IsChanged(trees, path)))
        {
            if (!trees.Ours.TryGetValue(path, out var entry)) wanted.UnionWith(Candidates(trees));
            else if (entry.Id != trees.Base[path].Id) wanted.Add(path);
        }
        // Where something was renamed, even what is as theirs may have to be merged with what was renamed to its place.
        var isRenaming = trees.Base.Keys.Any(path => !trees.Theirs.ContainsKey(path));
        foreach (var (path, file) in trees.Theirs)
        {
            if (!trees.Base.ContainsKey(path) && trees.Ours.TryGetValue(path, out var entry)
                && (isRenaming || entry.Id != file.Id)) wanted.Add(path);
        }
        return [.. wanted.Order(StringComparer.Ordinal)];
    }

    private static bool IsChanged(MergeTrees trees, string path) =>
        !trees.Theirs.TryGetValue(path, out var theirs) || !theirs.IsSame(trees.Base[path]);

    private static Dictionary<string, string> Theirs(MergeTrees trees)
    {
        var gone = Without(trees.Base, trees.Theirs);
        var added = Without(trees.Theirs, trees.Base);
        var pairs = new Dictionary<string, string>(StringComparer.Ordinal);
        foreach (var (from, to) in trees.Renames.OrderBy(item => item.Key, StringComparer.Ordinal))
        {
            if (gone.ContainsKey(from) && added.Remove(to) && gone.Remove(from)) pairs[from] = to;
        }
        foreach (var (from, to) in TreeSimilarity.Pair(gone, added)) pairs[from] = to;
        return pairs;
    }

    private static Dictionary<string, string> Ours(MergeTrees trees, Dictionary<string, string> theirs)
    {
        var pairs = new Dictionary<string, string>(StringComparer.Ordinal);
        var missing = new Dictionary<string, MergeFile>(StringComparer.Ordinal);
        foreach (var (path, file) in trees.Base)
        {
            if (trees.Ours.ContainsKey(path) || !IsChanged(trees, path)) continue;
            // Both gave it the same name; unless what has that name here is another file.
            if (Named(path) is { } there && TreeSimilarity.Pair(One(path, file), One(there, Read(trees, there))).Count > 0)
                pairs[path] = there;
            else missing[path] = file;
        }
        if (missing.Count == 0) return pairs;
        var added = Candidates(trees).ToDictionary(path => path, path => Read(trees, path), StringComparer.Ordinal);
        foreach (var (from, to) in TreeSimilarity.Pair(missing, added)) pairs[from] = to;
        // It is nowhere else: then the name says more than its lines, which a person may all have written anew.
        foreach (var path in missing.Keys.Where(path => !pairs.ContainsKey(path)))
        {
            if (Named(path) is { } there) pairs[path] = there;
        }
        return pairs;

        string? Named(string path) => theirs.GetValueOrDefault(path) is { } name && trees.Ours.ContainsKey(name) ? name : null;
    }

    private static MergeFile Read(MergeTrees trees, string path) => new(trees.Ours[path].Kind, trees.Read(path));

    private static Dictionary<string, MergeFile> One(string path, MergeFile file) => new(StringComparer.Ordinal) { [path] = file };

    private static IEnumerable<string> Candidates(MergeTrees trees)
    {
        var added = trees.Ours.Keys.Where(path => !trees.Base.ContainsKey(path) && !trees.Theirs.ContainsKey(path)).ToList();
        if (added.Count <= MaxCandidates) return added;
        var ids = trees.Base.Where(item => !trees.Ours.ContainsKey(item.Key)).Select(item => item.Value.Id)
            .ToHashSet(StringComparer.Ordinal);
        return added.Where(path => ids.Contains(trees.Ours[path].Id)).Take(MaxCandidates);
    }

    private static Dictionary<string, MergeFile> Without(IReadOnlyDictionary<string, MergeFile> files,
        IReadOnlyDictionary<string, MergeFile> others) =>
        files.Where(item => !others.ContainsKey(item.Key)).ToDictionary(item => item.Key, item => item.Value, StringComparer.Ordinal);
}
