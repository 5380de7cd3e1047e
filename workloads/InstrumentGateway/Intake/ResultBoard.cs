using InstrumentGateway.Hl7;

namespace InstrumentGateway.Intake;

/// <summary>The newest results, in memory. It holds 500; a start fills it from the newest stored messages.</summary>
internal sealed class ResultBoard
{
    public const int Capacity = 500;

    private readonly Lock gate = new();
    private readonly Queue<LabResult> results = new(Capacity);

    public void Add(IEnumerable<LabResult> added)
    {
        lock (gate)
        {
            foreach (var result in added)
            {
                if (results.Count == Capacity)
                    results.Dequeue();
                results.Enqueue(result);
            }
        }
    }

    /// <summary>Newest first.</summary>
    public IReadOnlyList<LabResult> Newest(int limit)
    {
        lock (gate)
            return [.. results.Reverse().Take(limit)];
    }
}
