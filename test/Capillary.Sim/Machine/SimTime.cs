namespace Capillary.Sim.Machine;

/// <summary>Virtual time for the product's classes that ask a <see cref="TimeProvider"/>.</summary>
internal sealed class SimTime(Schedule schedule) : TimeProvider
{
    public override DateTimeOffset GetUtcNow() => schedule.Now;
}
