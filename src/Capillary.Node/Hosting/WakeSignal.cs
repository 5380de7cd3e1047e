namespace Capillary.Node.Hosting;

/// <summary>Wakes one loop that then looks at a level: any number of calls before it looks wake it once.</summary>
/// <param name="atOnce">Whether the first wait returns at once.</param>
public sealed class WakeSignal(bool atOnce)
{
    private readonly SemaphoreSlim signal = new(atOnce ? 1 : 0, 1);

    public void Wake()
    {
        try
        {
            signal.Release();
        }
        catch (SemaphoreFullException)
        {
            // Already woken; the level is what counts.
        }
    }

    public Task WaitAsync(CancellationToken stop) => signal.WaitAsync(stop);
}
