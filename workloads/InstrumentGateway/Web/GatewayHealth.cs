using System.Collections.Concurrent;
using InstrumentGateway.Configuration;
using InstrumentGateway.Intake;
using InstrumentGateway.Storage;

namespace InstrumentGateway.Web;

/// <summary>Says how the gateway is, for /healthz, the page and the metrics: one truth for all three.</summary>
internal sealed class GatewayHealth(GatewayConfig config, IReadOnlyList<ListenerTally> tallies, MessageLog store, string version)
{
    private readonly ConcurrentDictionary<string, string> bound = [];

    /// <summary>Called once a listener's port is open, with the real endpoint (port 0 takes a free one).</summary>
    public void Bound(string listener, string endpoint) => bound[listener] = endpoint;

    public HealthView View()
    {
        var state = store.State;
        ListenerView[] listeners =
        [
            .. tallies.Zip(config.Listeners, (tally, l) => new ListenerView(
                l.Name, bound.GetValueOrDefault(l.Name, $"{l.Address}:{l.Port}"), bound.ContainsKey(l.Name), tally.Connections)),
        ];
        var reason = listeners.FirstOrDefault(l => !l.Bound) is { } missing ? $"listener '{missing.Name}' is not bound"
            : state.Problem is { } problem ? $"store can't write: {problem}"
            : store.Completion.IsCompleted ? "store has stopped"
            : null;
        return new(reason is null ? "ok" : "failing", reason, config.Facility.Name, version, listeners,
            new(state.Problem is null, state.Bytes, state.Segment, state.Torn, state.Damaged));
    }
}
