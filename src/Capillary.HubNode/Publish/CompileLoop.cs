using Capillary.Fleet.Compile;
using Capillary.Fleet.Documents;

namespace Capillary.HubNode.Publish;

/// <summary>The parallel loop around the pure compiler.</summary>
public static class CompileLoop
{
    private const int MinParallel = 64;

    /// <summary>Compiles on all cores. Never throws for what stands in the tree.</summary>
    /// <param name="tree">The commit's files.</param>
    /// <param name="previous">An earlier compilation, failed or not; its unchanged sites are taken over by reference. Null: from
    /// scratch.</param>
    /// <param name="stop">Cancels with <see cref="OperationCanceledException"/>.</param>
    public static FleetCompilation Compile(FleetTree tree, FleetCompilation? previous, CancellationToken stop)
    {
        var options = new ParallelOptions { CancellationToken = stop };
        return FleetCompiler.Compile(tree, previous, ForEach, stop);

        void ForEach(int count, Action<int> body)
        {
            if (count < MinParallel) FleetCompiler.Sequential(count, body);
            else Parallel.For(0, count, options, body);
        }
    }
}
