using Capillary.Core.Protocol;
using Capillary.Core.Trust;
using Capillary.Node.Parent;

namespace Capillary.RegionNode;

/// <summary>What a region holds, and beside it what of that it offers its children (<see cref="Offer"/>).</summary>
internal sealed class RegionState(DesiredState held)
{
    private Envelope? complete;
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
            Cell.Update(offered => Offer.Next(offered, held, complete));
        }
    }

    /// <summary>All lines up to this checkpoint came; the parent sends nothing before it any more.</summary>
    public void Complete(VerifiedCheckpoint newest)
    {
        lock (gate)
        {
            complete = newest.Envelope;
            held = held with { Generation = newest.Checkpoint.Generation };
            Cell.Update(offered => Offer.Next(offered, held, complete));
        }
    }
}
