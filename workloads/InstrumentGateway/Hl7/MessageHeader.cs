using System.Text;

namespace InstrumentGateway.Hl7;

/// <summary>
/// The MSH segment, one char per byte (ISO 8859-1), so that what an acknowledgement echoes returns byte for byte
/// whatever the character set is.
/// </summary>
internal sealed record MessageHeader(Separators Separators, Segment Segment)
{
    public string Type => Segment.Component(9, 1);
    public string Event => Segment.Component(9, 2);
    public string ControlId => Segment.Field(10);
    public string ProcessingId => Segment.Field(11);
    public string Version => Segment.Component(12, 1);
    public string Charset => Segment.Repetitions(18)[0];

    /// <summary>The header, or null if the content does not begin with a readable MSH.</summary>
    public static MessageHeader? Read(ReadOnlySpan<byte> content)
    {
        var end = content.IndexOfAny((byte)'\r', (byte)'\n');
        var line = Encoding.Latin1.GetString(end < 0 ? content : content[..end]);
        return Separators.TryRead(line, out var separators) ? new(separators, new(line, separators)) : null;
    }
}
