using Capillary.Core.Trust;

namespace Capillary.Node.Keys;

/// <summary>
/// The identity keys a node may dial with: the one in its newest record and, while a succession is under way, the next. The hub may have
/// issued the next record while the link was cut, so the next key is shown first, and the current one when it was refused. In that order
/// the parent never sees an old key of a node that is no copy.
/// </summary>
/// <param name="current">The key in the newest record.</param>
/// <param name="next">The key of a succession that is under way.</param>
public sealed class LinkKeys(SigningKey current, SigningKey? next = null)
{
    private readonly Lock gate = new();
    private SigningKey current = current;
    private SigningKey? next = next;
    private bool nextRefused;

    /// <summary>The key in the newest record.</summary>
    public SigningKey Current
    {
        get
        {
            lock (gate) return current;
        }
    }

    /// <summary>The key of a succession under way; null: none is.</summary>
    public SigningKey? Next
    {
        get
        {
            lock (gate) return next;
        }
    }

    /// <summary>The public halves of both.</summary>
    public IReadOnlyCollection<PublicKey> Held
    {
        get
        {
            lock (gate) return next is null ? [current.Public] : [current.Public, next.Public];
        }
    }

    /// <summary>The key to show at the next dial.</summary>
    public SigningKey ForDial()
    {
        lock (gate) return next is not null && !nextRefused ? next : current;
    }

    /// <summary>
    /// A dial with <paramref name="shown"/> ended. True when the other key is worth a try at once: the parent refused this one.
    /// </summary>
    public bool Ended(SigningKey shown, bool refused)
    {
        lock (gate)
        {
            if (next is null || !refused)
            {
                nextRefused = false;
                return false;
            }
            nextRefused = shown == next;
            return nextRefused;
        }
    }

    /// <summary>A succession begins.</summary>
    public void Begin(SigningKey newer)
    {
        lock (gate) (next, nextRefused) = (newer, false);
    }

    /// <summary>The record names the next key: it is the current one from now on.</summary>
    public void Promote()
    {
        lock (gate)
        {
            if (next is null) return;
            (current, next, nextRefused) = (next, null, false);
        }
    }
}
