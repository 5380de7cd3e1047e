using System.Text;

namespace InstrumentGateway.Hl7;

/// <summary>The character sets a gateway reads (MSH-18).</summary>
internal static class Charset
{
    private static readonly UTF8Encoding StrictUtf8 = new(false, true);

    /// <summary>The text, or null and the reason. Without MSH-18: UTF-8 if it is that, else ISO 8859-1.</summary>
    public static string? Decode(ReadOnlySpan<byte> content, string declared, out string reason)
    {
        reason = "";
        switch (declared.ToUpperInvariant())
        {
            case "UNICODE UTF-8" or "UTF-8":
                reason = "the message is not valid UTF-8, as MSH-18 says";
                return Utf8(content);
            case "8859/1" or "ISO-8859-1" or "ISO IR100":
                return Encoding.Latin1.GetString(content);
            case "" or "ASCII" or "ISO IR6":
                // Instruments often send national letters without declaring them: losing the result would be worse.
                return Utf8(content) ?? Encoding.Latin1.GetString(content);
            default:
                reason = "the character set in MSH-18 is not supported (UNICODE UTF-8, 8859/1 and ASCII are)";
                return null;
        }
    }

    private static string? Utf8(ReadOnlySpan<byte> content)
    {
        try
        {
            return StrictUtf8.GetString(content);
        }
        catch (DecoderFallbackException)
        {
            return null;
        }
    }
}
