using Capillary.Core.Trust;

namespace Capillary.Node.Keys;

/// <summary>
/// The identity keys a node may dial with: the one in its newest record and, while a succession is under way, the next. The hub may have
/// issued the next record while the link was cut, so the next key is shown first, and the current one to a parent that refused it. A parent
/// that is behind, or evil, so cannot bring a node to show its old key elsewhere, where that would look like a copy.
/// </summary>
/// <param name="current">The key in the newest record.</param>
/// <param name="next">The key of a succession that is under way.</param>
public sealed class LinkKeys(SigningKey current, SigningKey? next = null)
{
    private readonly Lock gate = new();
    private SigningKey current = current;
    private SigningKey? next = next;
    private readonly HashSet<string> refusedBy = new(StringComparer.Ordinal);

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

    /// <summary>The key to show at the next dial of <paramref name="parent"/>, an address.</summary>
    public SigningKey ForDial(string parent)
    {
        lock (gate) return next is not null && !refusedBy.Contains(parent) ? next : current;
    }

    /// <summary>
    /// A dial of <paramref name="parent"/> with <paramref name="shown"/> ended. True when the other key is worth a try at once: the parent
    /// refused this one, as <c>not-enrolled</c> or <c>old-key</c>.
    /// </summary>
    public bool Ended(string parent, SigningKey shown, bool refused)
    {
        lock (gate)
        {
            // Whatever else ended it, the hub may have issued the next record by now.
            var other = next is not null && refused && shown == next;
            if (!other) refusedBy.Remove(parent);
            else refusedBy.Add(parent);
            return other;
        }
    }

    /// <summary>A succession begins.</summary>
    public void Begin(SigningKey newer)
    {
        lock (gate)
        {
            next = newer;
            refusedBy.Clear();
        }
    }

    /// <summary>The record names the next key: it is the current one from now on.</summary>
    public void Promote()
    {
        lock (gate)
        {
            if (next is null) return;
            (current, next) = (next, null);
            refusedBy.Clear();
        }
    }
}
