namespace Capillary.Fleet.Templates.Merging;

/// <summary>Finds files that were renamed: equal content first, then the most bytes in equal lines, at least half of the larger
/// file.</summary>
internal static class TreeSimilarity
{
    /// <summary>Beyond this many pairs only equal content counts; what is then not found is seen as removed and added.</summary>
    private const int MaxPairs = 10_000;

    /// <summary>From each gone path to the new path that continues it; a path stands at most once on each side.</summary>
    public static Dictionary<string, string> Pair(IReadOnlyDictionary<string, MergeFile> gone, IReadOnlyDictionary<string, MergeFile> added)
    {
        var pairs = new Dictionary<string, string>(StringComparer.Ordinal);
        if (gone.Count == 0 || added.Count == 0) return pairs;
        var taken = new HashSet<string>(StringComparer.Ordinal);
        var byContent = added.Where(item => item.Value.Bytes.Length > 0).OrderBy(item => item.Key, StringComparer.Ordinal)
            .ToLookup(item => item.Value.Id, item => item.Key);
        foreach (var (path, file) in gone.OrderBy(item => item.Key, StringComparer.Ordinal))
        {
            var same = byContent[file.Id].Where(other => !taken.Contains(other)).OrderBy(other => NameOf(other) == NameOf(path) ? 0 : 1)
                .FirstOrDefault();
            if (same is not null && taken.Add(same)) pairs[path] = same;
        }
        if ((long)(gone.Count - pairs.Count) * (added.Count - taken.Count) is var left && left > MaxPairs || left == 0) return pairs;
        foreach (var (from, to, _) in Scores(gone, added, pairs, taken))
        {
            if (!pairs.ContainsKey(from) && taken.Add(to)) pairs[from] = to;
        }
        return pairs;
    }

    private static IEnumerable<(string From, string To, double Score)> Scores(IReadOnlyDictionary<string, MergeFile> gone,
        IReadOnlyDictionary<string, MergeFile> added, Dictionary<string, string> pairs, HashSet<string> taken)
    {
        var table = new LineTable();
        var from = gone.Where(item => !pairs.ContainsKey(item.Key) && IsText(item.Value))
            .Select(item => (item.Key, Text: table.Read(item.Value.Bytes))).ToList();
        var to = added.Where(item => !taken.Contains(item.Key) && IsText(item.Value))
            .Select(item => (item.Key, Text: table.Read(item.Value.Bytes))).ToList();
        var counts = new int[table.Count];
        var scores = new List<(string From, string To, double Score)>();
        foreach (var (path, text) in from)
        {
            foreach (var (other, candidate) in to)
            {
                var score = Score(text, candidate, counts);
                if (score >= 0.5) scores.Add((path, other, score));
            }
        }
        return scores.OrderByDescending(item => item.Score).ThenBy(item => NameOf(item.From) == NameOf(item.To) ? 0 : 1)
            .ThenBy(item => item.From, StringComparer.Ordinal).ThenBy(item => item.To, StringComparer.Ordinal);
    }

    private static double Score(LineText left, LineText right, int[] counts)
    {
        foreach (var number in left.Numbers) counts[number]++;
        var common = 0;
        for (var i = 0; i < right.Count; i++)
        {
            if (counts[right.Numbers[i]]-- > 0) common += right.Starts[i + 1] - right.Starts[i];
        }
        foreach (var number in left.Numbers) counts[number] = 0;
        foreach (var number in right.Numbers) counts[number] = 0;
        return (double)common / Math.Max(left.Bytes.Length, right.Bytes.Length);
    }

    private static bool IsText(MergeFile file) =>
        file is { Kind: Documents.TreeEntryKind.File or Documents.TreeEntryKind.ExecutableFile, Bytes.Length: > 0 }
            && !TextMerge.IsBinary(file.Bytes.Span);

    private static string NameOf(string path) => path[(path.LastIndexOf('/') + 1)..];
}
