namespace InstrumentGateway.Hl7;

/// <summary>One observation as the page and the API show it. It names the specimen, never the patient.</summary>
internal sealed record LabResult(
    DateTimeOffset ReceivedAt,
    string Listener,
    string Sender,
    string ControlId,
    string Specimen,
    string Order,
    string Test,
    string TestName,
    string Value,
    string Units,
    string Flag,
    string Status,
    string ObservedAt);
