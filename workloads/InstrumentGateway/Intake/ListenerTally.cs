namespace InstrumentGateway.Intake;

/// <summary>What one listener counts since the start.</summary>
internal sealed class ListenerTally(string listener)
{
    private readonly long[] outcomes = new long[Enum.GetValues<Outcome>().Length];
    private int connections;

    public string Listener { get; } = listener;

    public int Connections => Volatile.Read(ref connections);

    public void Count(Outcome outcome) => Interlocked.Increment(ref outcomes[(int)outcome]);

    public long Of(Outcome outcome) => Interlocked.Read(ref outcomes[(int)outcome]);

    /// <summary>False, and nothing counted, when the limit is reached.</summary>
    public bool TryConnect(int limit)
    {
        if (Interlocked.Increment(ref connections) <= limit)
            return true;
        Disconnect();
        return false;
    }

    public void Disconnect() => Interlocked.Decrement(ref connections);
}
