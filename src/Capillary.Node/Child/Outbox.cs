using System.Collections.Concurrent;
using Capillary.Core.Bundles;
using Capillary.Core.Identity;
using Capillary.Core.Trust;
using Capillary.Node.Hosting;

namespace Capillary.Node.Child;

/// <summary>
/// Reports that wait for a session. Reports are state, so it holds one per site, the newest; it cannot grow beyond the sites below.
/// A report leaves only when the parent said that it keeps it; a new session sends again what was not acknowledged.
/// </summary>
public sealed class Outbox
{
    private readonly ConcurrentDictionary<SiteId, Envelope> waiting = new();
    private readonly WakeSignal changed = new(atOnce: false);

    /// <summary>Reports that wait now.</summary>
    public int Count => waiting.Count;

    /// <summary>The newest report of a site replaces the one that waits.</summary>
    public void Put(SiteId site, Envelope report)
    {
        waiting[site] = report;
        changed.Wake();
    }

    /// <summary>Everything that waits; call at the start of a session.</summary>
    public IReadOnlyList<(SiteId Site, Envelope Report)> All => [.. waiting.Select(item => (item.Key, item.Value))];

    /// <summary>The parent keeps this report (or refused it for good).</summary>
    public void Acknowledge(Digest report)
    {
        foreach (var (site, envelope) in waiting)
        {
            if (envelope.Digest == report) waiting.TryRemove(new(site, envelope));
        }
    }

    /// <summary>Returns after a report was put in.</summary>
    public Task WaitForChangeAsync(CancellationToken stop) => changed.WaitAsync(stop);
}
