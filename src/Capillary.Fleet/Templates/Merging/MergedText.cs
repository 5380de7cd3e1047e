namespace Capillary.Fleet.Templates.Merging;

/// <summary>A part of a merged text, in order.</summary>
public abstract record MergePiece
{
    private MergePiece() { }

    /// <summary>Lines on which both sides agree, or that only one side changed.</summary>
    public sealed record Agreed(ReadOnlyMemory<byte> Bytes) : MergePiece;

    /// <summary>Lines that both sides changed, each in its way.</summary>
    /// <param name="Base">What both began with. Where a conflict was cut into smaller ones, each has the whole of it.</param>
    /// <param name="Ours">What ours made of it.</param>
    /// <param name="Theirs">What theirs made of it.</param>
    /// <param name="HasCarriageReturns">Lines end with CR LF here, and so do markers.</param>
    public sealed record Conflict(ReadOnlyMemory<byte> Base, ReadOnlyMemory<byte> Ours, ReadOnlyMemory<byte> Theirs,
        bool HasCarriageReturns)
        : MergePiece;
}

/// <summary>What stands behind the markers of a conflict.</summary>
/// <param name="Ours">Behind <c>&lt;&lt;&lt;&lt;&lt;&lt;&lt;</c>.</param>
/// <param name="Base">Behind <c>|||||||</c>.</param>
/// <param name="Theirs">Behind <c>&gt;&gt;&gt;&gt;&gt;&gt;&gt;</c>.</param>
public sealed record MergeLabels(string Ours, string Base, string Theirs);

/// <summary>Two texts merged over their common base.</summary>
/// <param name="Pieces">In order of the text.</param>
public sealed record MergedText(IReadOnlyList<MergePiece> Pieces)
{
    /// <summary>The places that a person must decide, in order.</summary>
    public IEnumerable<MergePiece.Conflict> Conflicts => Pieces.OfType<MergePiece.Conflict>();

    /// <summary>Nothing is left to decide.</summary>
    public bool IsClean => !Conflicts.Any();

    /// <summary>The text, with its conflicts between markers as Git writes them.</summary>
    /// <param name="labels">Names of the sides.</param>
    /// <param name="withBase">Show the base too, as Git's <c>diff3</c> style.</param>
    public byte[] ToBytes(MergeLabels labels, bool withBase = false)
    {
        var text = new MarkedText(labels, withBase);
        foreach (var piece in Pieces)
        {
            if (piece is MergePiece.Conflict conflict) text.Write(conflict);
            else text.Write(((MergePiece.Agreed)piece).Bytes);
        }
        return text.ToArray();
    }
}
