namespace Capillary.Node.Child;

/// <summary>
/// Exponential back-off with full jitter: a random wait from 0 to a ceiling that doubles, so that many children do not return at once.
/// </summary>
public sealed class Backoff(TimeSpan first, TimeSpan most, Func<double> random)
{
    private int failures;

    /// <summary>The next wait.</summary>
    public TimeSpan Next()
    {
        var ceiling = Math.Min(most.TotalSeconds, first.TotalSeconds * Math.Pow(2, Math.Min(failures++, 30)));
        return TimeSpan.FromSeconds(ceiling * random());
    }

    /// <summary>A session was live: begin again at the first ceiling.</summary>
    public void Reset() => failures = 0;
}
