namespace Capillary.Jinja.Run;

/// <summary>The variables of one run of the template's root or of one macro call; outer is where the macro was defined.</summary>
internal sealed class Frame(int slots, Frame? outer)
{
    internal JinjaValue[] Slots { get; } = slots == 0 ? [] : new JinjaValue[slots];

    internal Frame? Outer => outer;

    internal ref JinjaValue At(int hops, int slot)
    {
        var frame = this;
        while (hops-- > 0) frame = frame.Outer!;
        return ref frame.Slots[slot];
    }
}
