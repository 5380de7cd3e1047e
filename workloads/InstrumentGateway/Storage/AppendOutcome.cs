namespace InstrumentGateway.Storage;

/// <summary>What became of a record handed to the log.</summary>
internal enum AppendOutcome
{
    /// <summary>On the disk, synced.</summary>
    Stored,

    /// <summary>Was already on the disk with the same content; nothing was written.</summary>
    Duplicate,

    /// <summary>The id was accepted before with other content; nothing was written.</summary>
    Conflict,

    /// <summary>The disk did not take it; see <see cref="LogState.Problem"/>.</summary>
    Failed,
}

/// <summary>How the log is, for /healthz and /metrics. <c>Problem</c> is null when the last write worked.</summary>
internal sealed record LogState(string? Problem, long Bytes, int Segment, int Torn, int Damaged);
