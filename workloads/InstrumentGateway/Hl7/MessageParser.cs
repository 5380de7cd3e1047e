namespace InstrumentGateway.Hl7;

/// <summary>Reads ORU^R01 and OUL^R22. Any bytes give a value, never an exception.</summary>
internal static class MessageParser
{
    // HL7 2.7 allows 199; older instruments send 20.
    private const int MaxControlId = 199;

    public static Parsed Parse(ReadOnlySpan<byte> content)
    {
        if (MessageHeader.Read(content) is not { } header)
            return Bad(null, AckCode.AR, 100, "", "the message does not begin with a readable MSH segment");
        if (HeaderFault(header) is { } headerFault)
            return new Parsed.Bad(header, headerFault);
        // The end byte of MLLP inside a message means that framing went wrong: what follows may be cut.
        if (content.Contains((byte)0x1C))
            return Bad(header, AckCode.AE, 102, "", "byte 1C (end of block) inside the message");
        if (Charset.Decode(content, header.Charset, out var reason) is not { } text)
            return Bad(header, AckCode.AE, 102, "MSH^1^18", reason);
        return ReadSegments(header, text);
    }

    private static Fault? HeaderFault(MessageHeader header) => header switch
    {
        { ControlId: "" } => new(AckCode.AE, 101, "MSH^1^10", "MSH-10 (message control id) is missing"),
        { ControlId.Length: > MaxControlId } => new(AckCode.AE, 102, "MSH^1^10", $"MSH-10 is longer than {MaxControlId} characters"),
        { Type: "" } => new(AckCode.AE, 101, "MSH^1^9", "MSH-9 (message type) is missing"),
        { Version: "" } => new(AckCode.AE, 101, "MSH^1^12", "MSH-12 (version id) is missing"),
        _ when !SupportedVersion(header.Version) => new(AckCode.AR, 203, "MSH^1^12", "only HL7 2.x is supported"),
        { Type: not ("ORU" or "OUL") } => new(AckCode.AR, 200, "MSH^1^9", "only ORU^R01 and OUL^R22 are taken"),
        { Type: "ORU", Event: not "R01" } or { Type: "OUL", Event: not "R22" } =>
            new(AckCode.AR, 201, "MSH^1^9", "only ORU^R01 and OUL^R22 are taken"),
        _ => null,
    };

    private static bool SupportedVersion(string version) =>
        version is ['2', '.', >= '1' and <= '9', ..] && version[3..].All(c => c == '.' || char.IsAsciiDigit(c));

    private static Parsed ReadSegments(MessageHeader header, string text)
    {
        var segments = new List<Segment>();
        // CR ends a segment; LF and CRLF are tolerated, as many instruments send them.
        foreach (var range in text.AsSpan().SplitAny('\r', '\n'))
        {
            var line = text[range];
            if (line.Length == 0)
                continue;
            if (!IsSegment(line, header.Separators))
                return Bad(header, AckCode.AE, 100, "", $"segment {segments.Count + 1} has no valid name");
            segments.Add(new(line, header.Separators));
        }

        if (segments.Skip(1).Any(s => s.Name == "MSH"))
            return Bad(header, AckCode.AE, 100, "MSH^2", "more than one MSH segment in one block");
        if (!segments.Any(s => s.Name == "OBR"))
            return Bad(header, AckCode.AE, 100, "OBR^1", "there is no OBR segment");
        if (header.Type == "OUL" && !segments.Any(s => s.Name == "SPM"))
            return Bad(header, AckCode.AE, 100, "SPM^1", "there is no SPM segment, which OUL^R22 needs");
        return new Parsed.Good(new(header, segments));
    }

    private static bool IsSegment(string line, Separators separators) =>
        line.Length >= 3 && char.IsAsciiLetterUpper(line[0]) && IsNameChar(line[1]) && IsNameChar(line[2])
        && (line.Length == 3 || line[3] == separators.Field);

    private static bool IsNameChar(char c) => char.IsAsciiLetterUpper(c) || char.IsAsciiDigit(c);

    private static Parsed.Bad Bad(MessageHeader? header, AckCode code, int error, string location, string reason) =>
        new(header, new(code, error, location, reason));
}
