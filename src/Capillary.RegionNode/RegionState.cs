using Capillary.Core.Protocol;
using Capillary.Node.Parent;

namespace Capillary.RegionNode;

/// <summary>What a region holds, and beside it what of that it offers its children (<see cref="Offer"/>).</summary>
internal sealed class RegionState(DesiredState held)
{
    private readonly Lock gate = new();
    private volatile DesiredState held = held;

    /// <summary>Everything that is held here.</summary>
    public DesiredState Held => held;

    /// <summary>What sessions offer.</summary>
    public DesiredStateCell Cell { get; } = new(Offer.First(held));

    public void Update(Func<DesiredState, DesiredState> change)
    {
        lock (gate)
        {
            held = change(held);
            Cell.Update(offered => Offer.Next(offered, held));
        }
    }
}
