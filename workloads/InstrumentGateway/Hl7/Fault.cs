namespace InstrumentGateway.Hl7;

/// <summary>MSA-1.</summary>
internal enum AckCode
{
    /// <summary>Accepted, and durable.</summary>
    AA,

    /// <summary>The content is in error, or the gateway can't keep it now.</summary>
    AE,

    /// <summary>Refused before the content matters: no header, a type, version or sender that is not taken.</summary>
    AR,
}

/// <summary>
/// Why a message was not accepted. <c>Error</c> is from HL7 table 0357, <c>Location</c> an ERL such as <c>MSH^1^10</c>.
/// <c>Reason</c> is shown to the sender, stored and logged: it never quotes the message, which may hold patient data.
/// </summary>
internal sealed record Fault(AckCode Code, int Error, string Location, string Reason)
{
    public string ErrorText => Error switch
    {
        100 => "Segment sequence error",
        101 => "Required field missing",
        102 => "Data type error",
        200 => "Unsupported message type",
        201 => "Unsupported event code",
        203 => "Unsupported version id",
        204 => "Unknown key identifier",
        205 => "Duplicate key identifier",
        _ => "Application internal error",
    };
}
