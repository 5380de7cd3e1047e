using System.Text;
using InstrumentGateway.Intake;

namespace InstrumentGateway.Web;

/// <summary>Prometheus text, version 0.0.4. Label values need no escapes: listener names are a-z, 0-9 and '-'.</summary>
internal static class Metrics
{
    public static string Text(HealthView health, IReadOnlyList<ListenerTally> tallies)
    {
        var text = new StringBuilder();
        Family(text, "instrument_gateway_messages_total", "counter", "Messages handled, by outcome.");
        foreach (var tally in tallies)
        {
            foreach (var outcome in Enum.GetValues<Outcome>())
            {
                var labels = $"listener=\"{tally.Listener}\",outcome=\"{outcome.ToString().ToLowerInvariant()}\"";
                text.Append($"instrument_gateway_messages_total{{{labels}}} {tally.Of(outcome)}\n");
            }
        }

        Family(text, "instrument_gateway_connections", "gauge", "Open MLLP connections.");
        foreach (var tally in tallies)
            text.Append($"instrument_gateway_connections{{listener=\"{tally.Listener}\"}} {tally.Connections}\n");
        Single(text, "instrument_gateway_store_bytes", "Bytes in the segments of the store.", health.Store.Bytes);
        Single(text, "instrument_gateway_store_writable", "1 if the last write of the store worked.", health.Store.Writable ? 1 : 0);
        Single(text, "instrument_gateway_store_damaged_ranges", "Damaged ranges found at start.", health.Store.Damaged);
        Single(text, "instrument_gateway_healthy", "1 if /healthz answers 200.", health.Reason is null ? 1 : 0);
        return text.ToString();
    }

    private static void Single(StringBuilder text, string name, string help, long value)
    {
        Family(text, name, "gauge", help);
        text.Append($"{name} {value}\n");
    }

    private static void Family(StringBuilder text, string name, string type, string help) =>
        text.Append($"# HELP {name} {help}\n# TYPE {name} {type}\n");
}
