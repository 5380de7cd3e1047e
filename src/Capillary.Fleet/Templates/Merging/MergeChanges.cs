namespace Capillary.Fleet.Templates.Merging;

/// <summary>Who made a change.</summary>
internal enum ChangeKind
{
    Conflict,
    Ours,
    Theirs,

    /// <summary>Both, alike.</summary>
    Same,
}

/// <summary>A range of lines that is not the same in all three texts.</summary>
internal readonly record struct MergeChange(ChangeKind Kind, int BaseStart, int BaseCount, int OursStart, int OursCount, int TheirsStart,
    int TheirsCount)
{
    public int OursEnd => OursStart + OursCount;

    public int TheirsEnd => TheirsStart + TheirsCount;
}

/// <summary>The three texts of a merge.</summary>
internal sealed record MergeSides(LineText Base, LineText Ours, LineText Theirs)
{
    /// <summary>Markers follow the lines before the conflict (or the first ones) on both sides, and the base's first.</summary>
    public bool HasCarriageReturns(MergeChange change) =>
        (EndsInCarriageReturn(Ours, Math.Max(0, change.OursStart - 1)) ?? true)
        && (EndsInCarriageReturn(Theirs, Math.Max(0, change.TheirsStart - 1)) ?? true)
        && (EndsInCarriageReturn(Base, 0) ?? false);

    private static bool? EndsInCarriageReturn(LineText text, int line)
    {
        if (line >= text.Count) return null;
        var bytes = text.Slice(line, 1).Span;
        if (bytes[^1] != '\n') return line > 0 ? EndsInCarriageReturn(text, line - 1) : null;
        return bytes.Length > 1 && bytes[^2] == '\r';
    }
}

/// <summary>Two lists of differences from one base -> what changed, and where the two meet.</summary>
internal static class MergeChanges
{
    public static List<MergeChange> Align(MergeSides sides, List<LineHunk> ours, List<LineHunk> theirs)
    {
        var changes = new List<MergeChange>(ours.Count + theirs.Count);
        var (i, j) = (0, 0);
        while (i < ours.Count || j < theirs.Count)
        {
            // A hunk that ends where the other begins touches it: which of them comes first nobody can say.
            if (j == theirs.Count || (i < ours.Count && ours[i].LeftEnd < theirs[j].LeftStart))
            {
                Add(changes, OursOnly(ours[i++], j == 0 ? default : theirs[j - 1]));
                continue;
            }
            if (i == ours.Count || theirs[j].LeftEnd < ours[i].LeftStart)
            {
                Add(changes, TheirsOnly(theirs[j++], i == 0 ? default : ours[i - 1]));
                continue;
            }
            if (!IsSame(sides, ours[i], theirs[j])) Add(changes, Meeting(ours[i], theirs[j]));
            var (oursEnd, theirsEnd) = (ours[i].LeftEnd, theirs[j].LeftEnd);
            if (oursEnd >= theirsEnd) j++;
            if (theirsEnd >= oursEnd) i++;
        }
        return changes;
    }

    private static MergeChange OursOnly(LineHunk hunk, LineHunk lastOfTheirs) => new(ChangeKind.Ours, hunk.LeftStart, hunk.LeftCount,
        hunk.RightStart, hunk.RightCount, hunk.LeftStart - lastOfTheirs.LeftEnd + lastOfTheirs.RightEnd, hunk.LeftCount);

    private static MergeChange TheirsOnly(LineHunk hunk, LineHunk lastOfOurs) => new(ChangeKind.Theirs, hunk.LeftStart, hunk.LeftCount,
        hunk.LeftStart - lastOfOurs.LeftEnd + lastOfOurs.RightEnd, hunk.LeftCount, hunk.RightStart, hunk.RightCount);

    private static bool IsSame(MergeSides sides, LineHunk ours, LineHunk theirs) =>
        ours.LeftStart == theirs.LeftStart && ours.LeftCount == theirs.LeftCount && sides.Ours.Numbers
            .AsSpan(ours.RightStart, ours.RightCount).SequenceEqual(sides.Theirs.Numbers.AsSpan(theirs.RightStart, theirs.RightCount));

    /// <summary>Both hunks, each widened by unchanged lines to what the two cover together.</summary>
    private static MergeChange Meeting(LineHunk ours, LineHunk theirs)
    {
        var start = Math.Min(ours.LeftStart, theirs.LeftStart);
        var end = Math.Max(ours.LeftEnd, theirs.LeftEnd);
        var (oursStart, theirsStart) = (ours.RightStart - (ours.LeftStart - start), theirs.RightStart - (theirs.LeftStart - start));
        return new(ChangeKind.Conflict, start, end - start, oursStart, ours.RightEnd + end - ours.LeftEnd - oursStart,
            theirsStart, theirs.RightEnd + end - theirs.LeftEnd - theirsStart);
    }

    /// <summary>Changes that touch the one before on either side are one with it, and a conflict if they are not of one side.</summary>
    private static void Add(List<MergeChange> changes, MergeChange next)
    {
        if (changes.Count > 0 && changes[^1] is var last && (next.OursStart <= last.OursEnd || next.TheirsStart <= last.TheirsEnd))
            changes[^1] = Join(last, next, last.Kind == next.Kind ? last.Kind : ChangeKind.Conflict);
        else changes.Add(next);
    }

    public static MergeChange Join(MergeChange first, MergeChange second, ChangeKind kind) => new(kind,
        first.BaseStart, second.BaseStart + second.BaseCount - first.BaseStart,
        first.OursStart, second.OursEnd - first.OursStart,
        first.TheirsStart, second.TheirsEnd - first.TheirsStart);
}
