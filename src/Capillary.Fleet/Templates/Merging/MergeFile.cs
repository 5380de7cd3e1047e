using System.Buffers;
using System.Security.Cryptography;
using System.Text;
using Capillary.Fleet.Documents;

namespace Capillary.Fleet.Templates.Merging;

/// <summary>One file of a tree that is merged.</summary>
/// <param name="Kind">Its mode, as Git knows modes.</param>
/// <param name="Bytes">Its content; of a link the target.</param>
public sealed record MergeFile(TreeEntryKind Kind, ReadOnlyMemory<byte> Bytes)
{
    private string? id;

    /// <summary>The id that Git gives to this content.</summary>
    public string Id => id ??= GitId(Bytes.Span);

    /// <summary>A file to which a person gave no mode.</summary>
    public static MergeFile Plain(ReadOnlyMemory<byte> bytes) => new(TreeEntryKind.File, bytes);

    /// <summary>Same mode, same bytes.</summary>
    public bool IsSame(MergeFile? other) => other is not null && Kind == other.Kind && Bytes.Span.SequenceEqual(other.Bytes.Span);

    /// <summary>The id of a blob in a repository with SHA-1 objects, which Git still makes by default.</summary>
    [System.Diagnostics.CodeAnalysis.SuppressMessage("Security", "CA5350",
        Justification = "Git's own name of the content, no proof of it.")]
    public static string GitId(ReadOnlySpan<byte> bytes)
    {
        var head = Encoding.ASCII.GetBytes($"blob {bytes.Length}\0");
        var blob = ArrayPool<byte>.Shared.Rent(head.Length + bytes.Length);
        head.CopyTo(blob, 0);
        bytes.CopyTo(blob.AsSpan(head.Length));
        var hash = SHA1.HashData(blob.AsSpan(0, head.Length + bytes.Length));
        ArrayPool<byte>.Shared.Return(blob);
        return Convert.ToHexStringLower(hash);
    }
}

/// <summary>One file that stands at the place of the merge, of which nothing may have been read yet.</summary>
/// <param name="Kind">Its mode.</param>
/// <param name="Id">Git's id of its content.</param>
public sealed record MergeEntry(TreeEntryKind Kind, string Id)
{
    /// <summary>Same mode, same content.</summary>
    public bool IsSame(MergeFile file) => Kind == file.Kind && Id == file.Id;
}
