using System.Globalization;
using System.Text;
using Capillary.Fleet.Rollouts;

namespace Capillary.HubNode.Api;

/// <summary>The hub's figures in Prometheus' text format.</summary>
internal static class Metrics
{
    public static string Write(Hub hub, DateTimeOffset now)
    {
        var status = StatusReader.Read(hub, now);
        var text = new StringBuilder();
        Head(text, "capillary_sites", "Sites by state.");
        foreach (var (state, count) in status.States) text.Append(CultureInfo.InvariantCulture,
            $"capillary_sites{{state=\"{state}\"}} {count}\n");
        Gauge(text, "capillary_sites_orphaned", "Sites that hold a line and are no longer declared.", status.Orphaned);
        Gauge(text, "capillary_sites_unacknowledged", "Sites heard of that have not accepted their line in time.", status.Unacknowledged);
        Gauge(text, "capillary_sites_events_missing", "Sites heard of whose events did not come in time.", status.EventsMissing);
        Gauge(text, "capillary_nodes_key_copied", "Sites and regions of which a sign stands that their key was copied.",
            hub.Copies.Nodes().Count);
        Gauge(text, "capillary_generation", "The newest generation.", status.Generation);
        Gauge(text, "capillary_release", "The newest release.", status.Release);
        Gauge(text, "capillary_rollout_halted", "1 while a site of an open wave has failed.",
            hub.Rollout.Status.Phase == RolloutPhase.Halted ? 1 : 0);
        Gauge(text, "capillary_links", "Live links of children.", status.Links);
        Gauge(text, "capillary_regions_not_linked", "Enrolled regions without a live link to this hub.", status.RegionsNotLinked.Count);
        Gauge(text, "capillary_nodes_waiting", "Nodes that wait for an operator's approval.", status.Waiting);
        Head(text, "capillary_hub_condition", "1 for each problem of the hub itself that stands.");
        foreach (var condition in status.Conditions) text.Append(CultureInfo.InvariantCulture,
            $"capillary_hub_condition{{code=\"{condition.Code}\"}} 1\n");
        return text.ToString();
    }

    private static void Head(StringBuilder text, string name, string help) => text.Append($"# HELP {name} {help}\n# TYPE {name} gauge\n");

    private static void Gauge(StringBuilder text, string name, string help, long value)
    {
        Head(text, name, help);
        text.Append(CultureInfo.InvariantCulture, $"{name} {value}\n");
    }
}
