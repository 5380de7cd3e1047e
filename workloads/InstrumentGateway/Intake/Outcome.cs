namespace InstrumentGateway.Intake;

/// <summary>What became of one message; the metric's label is the name in lower case.</summary>
internal enum Outcome
{
    /// <summary>Durable, then AA.</summary>
    Stored,

    /// <summary>Was stored before with the same content: AA.</summary>
    Duplicate,

    /// <summary>The control id was stored before with other content: AE, kept as rejected.</summary>
    Conflict,

    /// <summary>The content is in error: AE, kept as rejected.</summary>
    Invalid,

    /// <summary>No header, or a type, version or sender that is not taken: AR, kept as rejected.</summary>
    Refused,

    /// <summary>The disk did not take it: AE.</summary>
    Failed,
}
