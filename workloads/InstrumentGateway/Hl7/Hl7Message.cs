namespace InstrumentGateway.Hl7;

/// <summary>A message that can be accepted: its header and its segments, decoded.</summary>
internal sealed record Hl7Message(MessageHeader Header, IReadOnlyList<Segment> Segments)
{
    public string SendingApplication => Segments[0].Text(3);
    public string SendingFacility => Segments[0].Text(4);
    public string ControlId => Segments[0].Field(10);
}

/// <summary>What came of parsing: a message, or a fault and, if it could be read, the header to answer to.</summary>
internal abstract record Parsed(MessageHeader? Header)
{
    public sealed record Good(Hl7Message Message) : Parsed(Message.Header);

    public sealed record Bad(MessageHeader? Header, Fault Fault) : Parsed(Header);
}
