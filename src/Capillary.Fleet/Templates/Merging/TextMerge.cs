using System.Text.Unicode;

namespace Capillary.Fleet.Templates.Merging;

/// <summary>
/// The three-way merge of texts, by lines, on bytes: any encoding, any line end. A change of one side is taken; the same change on both is
/// taken once; changes that overlap or touch are a conflict, cut down to the lines that really differ. Pure: the same three texts give the
/// same result everywhere. The result has the conflicts that <c>git merge-file</c> has.
/// </summary>
public static class TextMerge
{
    private const int BinaryWindow = 8000;

    /// <summary>Merges two changes of one text.</summary>
    /// <param name="ours">What stands there.</param>
    /// <param name="ancestor">What both sides began with.</param>
    /// <param name="theirs">What the other side made of it.</param>
    /// <param name="keepWholeConflicts">Do not cut conflicts into smaller ones, so that each stands beside its whole base.</param>
    public static MergedText Merge(ReadOnlyMemory<byte> ours, ReadOnlyMemory<byte> ancestor, ReadOnlyMemory<byte> theirs,
        bool keepWholeConflicts = false)
    {
        if (Trivial(ours, ancestor, theirs) is { } same) return new MergedText([new MergePiece.Agreed(same)]);
        var table = new LineTable();
        var sides = new MergeSides(table.Read(ancestor), table.Read(ours), table.Read(theirs));
        var diff = new LineDiff(table.Count);
        var changes = MergeChanges.Align(sides, diff.Compare(sides.Base.Numbers, sides.Ours.Numbers),
            diff.Compare(sides.Base.Numbers, sides.Theirs.Numbers));
        if (!keepWholeConflicts) changes = ConflictCutter.Cut(sides, diff, changes);
        return new MergedText(Pieces(sides, changes));
    }

    /// <summary>The result when at most one side changed, or both in the same way; else null. It needs no lines, so binary files too.
    /// </summary>
    internal static ReadOnlyMemory<byte>? Trivial(ReadOnlyMemory<byte> ours, ReadOnlyMemory<byte> ancestor, ReadOnlyMemory<byte> theirs)
    {
        if (ours.Span.SequenceEqual(theirs.Span) || theirs.Span.SequenceEqual(ancestor.Span)) return ours;
        // A bare null would become an empty text.
        return ours.Span.SequenceEqual(ancestor.Span) ? theirs : default(ReadOnlyMemory<byte>?);
    }

    /// <summary>True for bytes that are no text, by Git's rule: a NUL among the first 8,000.</summary>
    public static bool IsBinary(ReadOnlySpan<byte> bytes) => bytes[..Math.Min(bytes.Length, BinaryWindow)].Contains((byte)0);

    /// <summary>True for bytes that a person can be shown: UTF-8 without NUL.</summary>
    public static bool IsText(ReadOnlySpan<byte> bytes) => !IsBinary(bytes) && Utf8.IsValid(bytes);

    private static List<MergePiece> Pieces(MergeSides sides, List<MergeChange> changes)
    {
        var pieces = new List<MergePiece>();
        var done = 0;
        foreach (var change in changes)
        {
            if (change.Kind == ChangeKind.Same) continue;
            Agree(pieces, sides.Ours.Slice(done, change.OursStart - done));
            var (ours, theirs) = (sides.Ours.Slice(change.OursStart, change.OursCount), sides.Theirs.Slice(change.TheirsStart,
                change.TheirsCount));
            if (change.Kind == ChangeKind.Conflict)
                pieces.Add(new MergePiece.Conflict(sides.Base.Slice(change.BaseStart, change.BaseCount), ours, theirs,
                    sides.HasCarriageReturns(change)));
            else Agree(pieces, change.Kind == ChangeKind.Ours ? ours : theirs);
            done = change.OursStart + change.OursCount;
        }
        Agree(pieces, sides.Ours.Slice(done, sides.Ours.Count - done));
        return pieces;
    }

    private static void Agree(List<MergePiece> pieces, ReadOnlyMemory<byte> bytes)
    {
        if (bytes.Length > 0) pieces.Add(new MergePiece.Agreed(bytes));
    }
}
