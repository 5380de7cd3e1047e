namespace Capillary.Fleet.Templates.Merging;

/// <summary>
/// Takes out of each conflict the lines on which both sides agree. Conflicts that are then at most three lines apart, or with nothing but
/// punctuation between them, are shown as one: a person reads them together anyway.
/// </summary>
internal static class ConflictCutter
{
    private const int Near = 3;

    public static List<MergeChange> Cut(MergeSides sides, LineDiff diff, List<MergeChange> changes)
    {
        var cut = new List<MergeChange>(changes.Count);
        foreach (var change in changes)
        {
            if (change.Kind == ChangeKind.Conflict && change is { OursCount: > 0, TheirsCount: > 0 }) Cut(sides, diff, change, cut);
            else cut.Add(change);
        }
        return JoinNear(sides.Ours, cut);
    }

    private static void Cut(MergeSides sides, LineDiff diff, MergeChange change, List<MergeChange> cut)
    {
        var hunks = diff.Compare(sides.Ours.Numbers.AsSpan(change.OursStart, change.OursCount),
            sides.Theirs.Numbers.AsSpan(change.TheirsStart, change.TheirsCount));
        if (hunks.Count == 0) cut.Add(change with { Kind = ChangeKind.Same });
        foreach (var hunk in hunks)
        {
            cut.Add(change with
            {
                OursStart = change.OursStart + hunk.LeftStart,
                OursCount = hunk.LeftCount,
                TheirsStart = change.TheirsStart + hunk.RightStart,
                TheirsCount = hunk.RightCount,
            });
        }
    }

    private static List<MergeChange> JoinNear(LineText ours, List<MergeChange> changes)
    {
        var joined = new List<MergeChange>(changes.Count);
        foreach (var change in changes)
        {
            if (change.Kind == ChangeKind.Conflict && joined.Count > 0 && joined[^1] is { Kind: ChangeKind.Conflict } last
                && IsNear(ours, last.OursEnd, change.OursStart))
                joined[^1] = MergeChanges.Join(last, change, ChangeKind.Conflict);
            else joined.Add(change);
        }
        return joined;
    }

    private static bool IsNear(LineText ours, int start, int end)
    {
        if (end - start <= Near) return true;
        foreach (var c in ours.Slice(start, end - start).Span)
        {
            if (char.IsAsciiLetterOrDigit((char)c)) return false;
        }
        return true;
    }
}
