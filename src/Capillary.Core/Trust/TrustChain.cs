using Capillary.Core.Bundles;

namespace Capillary.Core.Trust;

/// <summary>Walks the versions of the trust root. Time plays no part, so a site that missed ten versions walks on like any other.</summary>
public static class TrustChain
{
    /// <summary>The longest chain that is read in one answer.</summary>
    public const int MaxLength = 1000;

    /// <summary>The first trust root a node learns: it must be the pinned one and be signed by a threshold of its own keys.</summary>
    /// <exception cref="TrustFormatException">It is another, or not signed.</exception>
    public static TrustRoot Begin(Envelope envelope, Digest pinned)
    {
        if (envelope.Digest != pinned) throw new TrustFormatException($"trust root: digest is {envelope.Digest}, pinned is {pinned}");
        return Begin(envelope);
    }

    /// <summary>A trust root from a place that is itself trusted (the node's own disk, a join file).</summary>
    /// <exception cref="TrustFormatException">It is not signed by a threshold of its own keys.</exception>
    public static TrustRoot Begin(Envelope envelope)
    {
        var root = TrustRoot.Parse(envelope);
        RequireThreshold(envelope, root, root);
        return root;
    }

    /// <summary>
    /// Walks from <paramref name="current"/> through those of <paramref name="newer"/> that are newer, each signed by a threshold of
    /// the one before and of its own keys. Those that are not newer are skipped; of the others each version comes once and in order, so
    /// that on success every envelope with a version above <paramref name="current"/>'s was verified.
    /// </summary>
    /// <exception cref="TrustFormatException">A link is missing or badly signed; <paramref name="current"/> stays in force.</exception>
    public static TrustRoot Extend(TrustRoot current, IReadOnlyList<Envelope> newer)
    {
        if (newer.Count > MaxLength) throw new TrustFormatException($"trust chain: {newer.Count} links, at most {MaxLength}");
        var held = current.Version;
        foreach (var envelope in newer)
        {
            var next = TrustRoot.Parse(envelope);
            if (next.Version <= held) continue;
            if (next.Version != current.Version + 1)
                throw new TrustFormatException($"trust chain: version {next.Version} after {current.Version}, expected the next one");
            SignedDocument.RequireFleet(next.Fleet, current.Fleet, "trust root");
            RequireThreshold(envelope, current, current);
            RequireThreshold(envelope, next, next);
            current = next;
        }
        return current;
    }

    /// <summary>
    /// What <paramref name="verify"/> makes of a document under the newest trust root that proves it. For documents on a node's own disk,
    /// which were verified under the newest when they came, and may have been signed by a key that was retired since.
    /// </summary>
    /// <param name="roots">Trust roots from version 1, already walked.</param>
    /// <param name="verify">Throws <see cref="TrustFormatException"/> when the root does not prove the document.</param>
    /// <exception cref="TrustFormatException">None proves it; as the newest said.</exception>
    public static T UnderAny<T>(IReadOnlyList<Envelope> roots, Func<TrustRoot, T> verify)
    {
        TrustFormatException? newest = null;
        for (var i = roots.Count - 1; i >= 0; i--)
        {
            try
            {
                return verify(TrustRoot.Parse(roots[i]));
            }
            catch (TrustFormatException e)
            {
                newest ??= e;
            }
        }
        throw newest ?? new TrustFormatException("no trust root");
    }

    private static void RequireThreshold(Envelope envelope, TrustRoot by, TrustRoot named)
    {
        var signers = envelope.CountSigners(PayloadTypes.TrustRoot, by.RootKeys);
        if (signers >= by.Threshold) return;
        throw new TrustFormatException($"trust root: {signers} of {by.Threshold} required root keys of version {named.Version} signed it");
    }
}
