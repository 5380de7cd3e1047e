namespace InstrumentGateway.Storage;

/// <summary>
/// Which control ids were accepted, with which content, and which contents were kept as rejected. It remembers the newest
/// segments only: instruments start their counters again, and memory has a limit. Only the log's writer touches it.
/// </summary>
internal sealed class MessageIndex
{
    /// <summary>Sealed segments whose ids are remembered, besides the one in use.</summary>
    public const int RememberedSegments = 8;

    private readonly Dictionary<UInt128, (UInt128 Content, int Segment)> accepted = [];
    private readonly Dictionary<UInt128, int> rejected = [];

    /// <summary>The content accepted under an id, or null.</summary>
    public UInt128? ContentOf(UInt128 id) => accepted.TryGetValue(id, out var known) ? known.Content : null;

    public bool IsKeptAsRejected(UInt128 content) => rejected.ContainsKey(content);

    public void Add(LogRecord record, int segment)
    {
        if (record.Kind == RecordKind.Accepted)
            accepted[record.Id] = (record.ContentHash, segment);
        else
            rejected[record.ContentHash] = segment;
    }

    /// <summary>Called when a segment is opened: forgets what the oldest remembered one held.</summary>
    public void Opened(int segment)
    {
        foreach (var (id, known) in accepted)
        {
            if (known.Segment < segment - RememberedSegments)
                accepted.Remove(id);
        }

        foreach (var (content, number) in rejected)
        {
            if (number < segment - RememberedSegments)
                rejected.Remove(content);
        }
    }
}
