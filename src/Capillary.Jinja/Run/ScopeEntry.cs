namespace Capillary.Jinja.Run;

/// <summary>What to do each time a scope is entered: variables start absent, or with the value of the outer one.</summary>
internal sealed class ScopeEntry(ScopeEntry.Reset[] resets)
{
    internal static readonly ScopeEntry Nothing = new([]);

    internal void Enter(RenderState r)
    {
        if (resets.Length == 0) return;
        r.Charge(resets.Length);
        foreach (var reset in resets)
        {
            r.Frame.Slots[reset.Slot] = reset.OuterSlot < 0 ? default : r.Frame.At(reset.Hops, reset.OuterSlot);
        }
    }

    internal readonly record struct Reset(int Slot, int OuterSlot, int Hops);
}
