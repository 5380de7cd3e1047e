namespace Capillary.Node.Child;

/// <summary>
/// Back-off with full jitter: a random wait from 0 to a ceiling, so that many children do not return at once. The ceiling doubles to 5 s
/// and stays there for the first minute or so, in which most outages end; then it doubles to its most.
/// </summary>
public sealed class Backoff(TimeSpan first, TimeSpan most, Func<double> random)
{
    /// <summary>A session that lived at least this long was good.</summary>
    public static readonly TimeSpan ProvenAfter = TimeSpan.FromSeconds(5);

    // With 1 s first: the early ceiling.
    private const int MostShortLived = 4;
    private const int EarlyTries = 20;
    private static readonly TimeSpan EarlyMost = TimeSpan.FromSeconds(5);
    private int failures;

    /// <summary>The next wait.</summary>
    public TimeSpan Next()
    {
        var (early, late) = (Math.Min(failures, 30), Math.Clamp(failures - EarlyTries, 0, 30));
        failures++;
        var ceiling = Math.Min(EarlyMost.TotalSeconds, first.TotalSeconds * Math.Pow(2, early)) * Math.Pow(2, late);
        ceiling = Math.Min(most.TotalSeconds, ceiling);
        return TimeSpan.FromSeconds(ceiling * random());
    }

    /// <summary>A session was live: begin again at the first ceiling.</summary>
    public void Reset() => failures = 0;

    /// <summary>
    /// A session was live for <paramref name="lived"/>. One that was cut at once is no reason to wait as long as for a parent that is
    /// away, nor to dial in a tight loop: its ceiling grows to the early one and stays there.
    /// </summary>
    public void Lived(TimeSpan lived)
    {
        if (lived >= ProvenAfter) Reset();
        else failures = Math.Min(failures, MostShortLived);
    }
}
