using Capillary.Fleet.Documents;

namespace Capillary.Fleet.Templates.Merging;

/// <summary>One file after the merge.</summary>
/// <param name="File">Null when there is none. With open conflicts: with markers, to be shown and never to be kept.</param>
/// <param name="Conflicts">What was not decided before.</param>
/// <param name="Decided">Conflicts that a resolution decided.</param>
internal sealed record FileMerged(MergeFile? File, IReadOnlyList<TreeConflict> Conflicts, IReadOnlyList<TreeConflict> Decided);

/// <summary>Merges one file: its presence, its mode, its content. Whatever cannot be merged is a conflict; nothing is passed
/// over.</summary>
internal sealed class FileMerge(string path, MergeLabels labels, Func<TreeConflict, Resolution?> decide)
{
    private readonly List<TreeConflict> open = [];
    private readonly List<TreeConflict> decided = [];

    public FileMerged Merge(MergeFile? ancestor, MergeFile? ours, MergeFile? theirs)
    {
        var file = (ancestor, ours, theirs) switch
        {
            (null, null, _) => theirs,
            (null, _, null) => ours,
            (not null, null, null) => null,
            (not null, null, not null) => theirs.IsSame(ancestor) ? null : Ask(ConflictKind.RemovedHere, ancestor, ours, theirs),
            (not null, not null, null) => ours.IsSame(ancestor) ? null : Ask(ConflictKind.RemovedThere, ancestor, ours, theirs),
            _ => Content(ancestor, ours!, theirs!),
        };
        return new(file, open, decided);
    }

    /// <summary>A conflict about the file as a whole.</summary>
    public MergeFile? Ask(ConflictKind kind, MergeFile? ancestor, MergeFile? ours, MergeFile? theirs) =>
        Ask(new TreeConflict(path, 1 + open.Count + decided.Count, kind, ancestor, ours, theirs)) switch
        {
            Resolution.Theirs => theirs,
            Resolution.Written written => new MergeFile((ours ?? theirs)!.Kind, written.Bytes),
            _ => ours,
        };

    private Resolution? Ask(TreeConflict conflict)
    {
        var resolution = decide(conflict);
        (resolution is null ? open : decided).Add(conflict);
        return resolution;
    }

    private MergeFile? Content(MergeFile? ancestor, MergeFile ours, MergeFile theirs)
    {
        if (ours.IsSame(theirs) || theirs.IsSame(ancestor)) return ours;
        if (ours.IsSame(ancestor)) return theirs;
        if (!IsFile(ours) || !IsFile(theirs) || (ancestor is not null && !IsFile(ancestor)))
            return Ask(ConflictKind.Whole, ancestor, ours, theirs);
        var kind = Mode(ancestor, ours, theirs);
        var below = ancestor?.Bytes ?? default;
        if (TextMerge.Trivial(ours.Bytes, below, theirs.Bytes) is { } same) return new MergeFile(kind, same);
        if (TextMerge.IsBinary(ours.Bytes.Span) || TextMerge.IsBinary(theirs.Bytes.Span) || TextMerge.IsBinary(below.Span))
            return Ask(ConflictKind.Whole, ancestor, ours, theirs);
        return new MergeFile(kind, Lines(ours.Bytes, below, theirs.Bytes));
    }

    private TreeEntryKind Mode(MergeFile? ancestor, MergeFile ours, MergeFile theirs)
    {
        if (ours.Kind == theirs.Kind || theirs.Kind == ancestor?.Kind) return ours.Kind;
        if (ours.Kind == ancestor?.Kind) return theirs.Kind;
        return Ask(ConflictKind.Mode, ancestor, ours, theirs)!.Kind;
    }

    private ReadOnlyMemory<byte> Lines(ReadOnlyMemory<byte> ours, ReadOnlyMemory<byte> ancestor, ReadOnlyMemory<byte> theirs)
    {
        var merged = TextMerge.Merge(ours, ancestor, theirs);
        var pieces = merged.Pieces.Select(piece => piece is MergePiece.Conflict conflict ? Decide(conflict) : piece).ToList();
        return new MergedText(pieces).ToBytes(labels);
    }

    private MergePiece Decide(MergePiece.Conflict lines) =>
        Ask(new TreeConflict(path, 1 + open.Count + decided.Count, ConflictKind.Lines, MergeFile.Plain(lines.Base),
            MergeFile.Plain(lines.Ours), MergeFile.Plain(lines.Theirs))) switch
        {
            Resolution.Ours => new MergePiece.Agreed(lines.Ours),
            Resolution.Theirs => new MergePiece.Agreed(lines.Theirs),
            Resolution.Written written => new MergePiece.Agreed(written.Bytes),
            _ => lines,
        };

    private static bool IsFile(MergeFile file) => file.Kind is TreeEntryKind.File or TreeEntryKind.ExecutableFile;
}
