namespace Capillary.Node.Parent;

/// <summary>One TLS connection of a child. Stands in the connection's features, so that every request on it knows whose it is.</summary>
/// <param name="keyId">Id of the key that was proven in TLS.</param>
/// <param name="isStranger">Whether the key stood in no record when it connected.</param>
/// <param name="abort">Ends the connection at once, whatever the peer does.</param>
internal sealed class ChildConnection(string keyId, bool isStranger, Action abort)
{
    private int atWork;

    public string KeyId => keyId;

    public bool IsStranger => isStranger;

    /// <summary>Requests and sessions that it carries now.</summary>
    public int AtWork => Volatile.Read(ref atWork);

    /// <summary>Timestamp since when it carries nothing.</summary>
    public long IdleSince { get; set; }

    public void Begin() => Interlocked.Increment(ref atWork);

    public void End(long now)
    {
        IdleSince = now;
        Interlocked.Decrement(ref atWork);
    }

    public void Abort() => abort();
}
