using System.Buffers;
using System.Text;

namespace Capillary.Fleet.Templates.Merging;

/// <summary>Writes a merged text with Git's markers.</summary>
internal sealed class MarkedText(MergeLabels labels, bool withBase)
{
    private const int MarkerLength = 7;
    private readonly ArrayBufferWriter<byte> output = new();

    public byte[] ToArray() => output.WrittenSpan.ToArray();

    public void Write(ReadOnlyMemory<byte> bytes) => output.Write(bytes.Span);

    public void Write(MergePiece.Conflict conflict)
    {
        var end = conflict.HasCarriageReturns ? "\r\n" : "\n";
        Marker('<', labels.Ours, end);
        Lines(conflict.Ours, end);
        if (withBase)
        {
            Marker('|', labels.Base, end);
            Lines(conflict.Base, end);
        }
        Marker('=', "", end);
        Lines(conflict.Theirs, end);
        Marker('>', labels.Theirs, end);
    }

    private void Marker(char sign, string label, string end) =>
        output.Write(Encoding.UTF8.GetBytes(new string(sign, MarkerLength) + (label.Length == 0 ? "" : " " + label) + end));

    /// <summary>A last line without an end gets one, or the marker would not stand on its own line.</summary>
    private void Lines(ReadOnlyMemory<byte> lines, string end)
    {
        Write(lines);
        if (lines.Length > 0 && lines.Span[^1] != '\n') output.Write(Encoding.UTF8.GetBytes(end));
    }
}
