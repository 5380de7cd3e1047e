using System.Text;

namespace InstrumentGateway.Hl7;

/// <summary>Builds ACK^R01 and ACK^R22: sender and receiver swapped, same version, same delimiters, same character set.</summary>
internal static class Acknowledgement
{
    /// <param name="to">The header answered to; null when there was none to read.</param>
    /// <param name="fault">Why not; null for AA.</param>
    /// <param name="controlId">MSH-10 of the acknowledgement itself.</param>
    /// <param name="now">MSH-7.</param>
    public static byte[] Build(MessageHeader? to, Fault? fault, string controlId, DateTimeOffset now)
    {
        var s = to?.Separators ?? Separators.Standard;
        var code = (fault?.Code ?? AckCode.AA).ToString();
        var version = to is { Version.Length: > 0 } ? to.Version : "2.5.1";
        // ERR-2 to ERR-8 came with 2.5; before, ERR-1 and the text in MSA-3 are all there is.
        var modern = !(version is ['2', '.', >= '1' and < '5', ..]);

        var text = new StringBuilder();
        Line(text, s, "MSH" + s.Field + s.Encoding, Echo(to, 5), Echo(to, 6), Echo(to, 3), Echo(to, 4), Time(now), "",
            Type(to, s, modern), controlId, to is { ProcessingId.Length: > 0 } ? to.ProcessingId : "P", version,
            "", "", "", "", "", Echo(to, 18));
        Line(text, s, "MSA", code, to?.ControlId ?? "", modern || fault is null ? "" : Plain(fault.Reason, s));
        if (fault is not null)
            Line(text, s, modern ? ModernError(fault, s) : ["ERR", new string(s.Component, 3) + Code(fault, s, s.Subcomponent)]);
        return Encoding.Latin1.GetBytes(text.ToString());
    }

    /// <summary>An HL7 timestamp in UTC, to the second.</summary>
    public static string Time(DateTimeOffset now) => now.ToUniversalTime().ToString("yyyyMMddHHmmss") + "+0000";

    private static string Type(MessageHeader? to, Separators s, bool modern)
    {
        if (to is not { Event.Length: > 0 })
            return "ACK";
        return modern ? $"ACK{s.Component}{to.Event}{s.Component}ACK" : $"ACK{s.Component}{to.Event}";
    }

    private static string[] ModernError(Fault fault, Separators s) =>
        ["ERR", "", fault.Location.Replace('^', s.Component), Code(fault, s, s.Component), "E", "", "", "", Plain(fault.Reason, s)];

    private static string Code(Fault fault, Separators s, char between) =>
        string.Join(between, fault.Error, Plain(fault.ErrorText, s), "HL70357");

    private static string Echo(MessageHeader? to, int field) => to?.Segment.Field(field) ?? "";

    private static void Line(StringBuilder text, Separators s, params string[] fields) =>
        text.Append(Printable(string.Join(s.Field, fields).TrimEnd(s.Field))).Append('\r');

    // An echoed field must not end the block early, nor begin a segment.
    private static string Printable(string line) => string.Concat(line.Select(c => c < ' ' ? '?' : c));

    // Our own words hold ASCII only; any delimiter a sender chose to use among them is blanked.
    private static string Plain(string words, Separators s) =>
        string.Concat(words.Select(c => c == s.Field || s.Encoding.Contains(c) ? ' ' : c));
}
