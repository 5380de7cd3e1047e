using Capillary.Benchmarks.Hubs;
using Capillary.Benchmarks.Links;

namespace Capillary.Benchmarks;

/// <summary>One figure.</summary>
/// <param name="Name">What was measured.</param>
/// <param name="Value">The median of its runs, unless the name says otherwise.</param>
/// <param name="Unit">Of the value.</param>
/// <param name="Budget">What DESIGN or the issue allows; null when there is no budget.</param>
/// <param name="Better">lower or higher.</param>
internal sealed record Row(string Name, double Value, string Unit, double? Budget, string Better = "lower")
{
    public bool? Holds => Budget is not { } budget ? null : Better == "lower" ? Value <= budget : Value >= budget;
}

/// <summary>One thing to measure.</summary>
internal sealed record Benchmark(string Name, string About, Func<IAsyncEnumerable<Row>> Run)
{
    public static IReadOnlyList<Benchmark> All { get; } =
    [
        new("verify", "checkpoint and proof of one of 10,000 sites", VerifyBench.Run),
        new("compile", "10,000 sites x 5 apps from a real Git commit to a durable checkpoint", CompileBench.Run),
        new("preview", "10,000 sites x 5 apps: what a commit would change, asked of a hub", PreviewBench.Run),
        new("planner", "looks at a rollout of 10,000 sites in three waves", PlannerBench.Run),
        new("rollout", "1,000 sites of ten regions in three waves", RolloutBench.Run),
        new("jinja", "a 40-line ConfigMap, rendered and parsed, with Python's Jinja2 beside it", JinjaBench.Run),
        new("template-upgrade", "instances of a template of 100 files, one and 1,000, beside git merge-file", TemplateUpgradeBench.Run),
        new("cli", "cold start of the command line", CliBench.Run),
        new("demo", "a Git commit until six sites are healthy on it, hub, regions and sites as processes", DemoBench.Run),
        new("agent", "the agent as it ships: its file and its idle memory", AgentBench.Run),
        new("parent-memory", "what an idle child costs its parent, with real TLS between processes", ParentMemoryBench.Run),
        new("storm", "2,000 children come back to a parent that was killed", StormBench.Run),
        new("hub-restart", "a hub with 100,000 assignments is killed and started again", HubRestartBench.Run),
        new("flip", "3,000 sites in 10 regions flip 135,000 conditions", FlipBench.Run),
        new("cable", "children whose cable is pulled and put back", CableBench.Run),
        new("cluster", "1,000 ConfigMaps on the Kubernetes double, or on the cluster of CAPILLARY_KUBECONFIG", ClusterBench.Run),
        new("idle-traffic", "the bytes of an idle link, on the socket", IdleTrafficBench.Run),
    ];

    /// <summary>The middle of some figures.</summary>
    public static double Median(IEnumerable<double> values)
    {
        var sorted = values.Order().ToList();
        return sorted[sorted.Count / 2];
    }
}
