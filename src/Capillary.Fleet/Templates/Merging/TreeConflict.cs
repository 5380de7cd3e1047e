using System.Security.Cryptography;
using System.Text;

namespace Capillary.Fleet.Templates.Merging;

/// <summary>What two trees cannot agree on by themselves.</summary>
public enum ConflictKind
{
    /// <summary>Both changed the same lines of a text, or added a text of one name.</summary>
    Lines,

    /// <summary>Both changed a binary file or a link, or one made a link of a file.</summary>
    Whole,

    /// <summary>It was removed here, and changed there.</summary>
    RemovedHere,

    /// <summary>It was changed here, and removed there.</summary>
    RemovedThere,

    /// <summary>Both changed the mode.</summary>
    Mode,

    /// <summary>Both gave it another name.</summary>
    Renamed,

    /// <summary>The new file's place is taken: by a folder, or by a file where it needs a folder. Only moving one decides it.</summary>
    PlaceTaken,

    /// <summary>The template gives a file a name that another file has here. Only moving that one decides it.</summary>
    NameTaken,
}

/// <summary>One thing that a person must decide.</summary>
/// <param name="Path">The file, as it is named here (or there, when it is not here).</param>
/// <param name="Hunk">Which conflict of this file, from 1.</param>
/// <param name="Kind">Why.</param>
/// <param name="Base">What both began with; of <see cref="ConflictKind.Lines"/> the lines, else the file. Null: nothing.</param>
/// <param name="Ours">What is here; null when it is not.</param>
/// <param name="Theirs">What is there; null when it is not.</param>
public sealed record TreeConflict(string Path, int Hunk, ConflictKind Kind, MergeFile? Base, MergeFile? Ours, MergeFile? Theirs)
{
    private string? key;

    /// <summary>Another name that the file gets by the merge; null: it keeps its own.</summary>
    public string? NewPath { get; init; }

    /// <summary>A choice between sides decides it; else a file must be moved.</summary>
    public bool HasChoice => Kind is not (ConflictKind.PlaceTaken or ConflictKind.NameTaken);

    /// <summary>The same for the same conflict wherever it stands: a digest of its kind and its three sides.</summary>
    public string Key => key ??= Digest();

    private string Digest()
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        hash.AppendData(Encoding.ASCII.GetBytes($"{Kind}\0"));
        foreach (var side in (MergeFile?[])[Base, Ours, Theirs])
        {
            hash.AppendData(Encoding.ASCII.GetBytes(side is null ? "none\0" : $"{side.Kind} {side.Bytes.Length}\0"));
            if (side is not null) hash.AppendData(side.Bytes.Span);
        }
        return Convert.ToHexStringLower(hash.GetHashAndReset());
    }
}

/// <summary>A decision about a conflict.</summary>
public abstract record Resolution
{
    private Resolution() { }

    /// <summary>As it is here.</summary>
    public sealed record Ours : Resolution;

    /// <summary>As it is there.</summary>
    public sealed record Theirs : Resolution;

    /// <summary>As a person wrote it.</summary>
    /// <param name="Bytes">In place of the lines, or of the whole file.</param>
    public sealed record Written(ReadOnlyMemory<byte> Bytes) : Resolution;
}
