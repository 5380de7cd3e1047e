using System.Collections.Frozen;
using Capillary.Jinja.Values;

namespace Capillary.Jinja.Builtins;

/// <summary>The methods that templates may call on values.</summary>
internal static class Methods
{
    private static readonly FrozenDictionary<string, Builtin> Maps = Index(MapMethods.All);

    private static readonly FrozenDictionary<string, Builtin> Lists = Index(ListMethods.All);

    private static readonly FrozenDictionary<string, Builtin> Sequences = Index(ListMethods.OfAnySequence);

    private static readonly FrozenDictionary<string, Builtin> OfStrings = Index([.. StringMethods.All, .. StringTests.All]);

    private static readonly FrozenDictionary<string, Builtin> Cyclers = Index(
    [
        new(new("next", []), static (_, self, _) => ((CyclerValue)self.Ref!).Next()),
        new(new("reset", []), static (_, self, _) =>
        {
            ((CyclerValue)self.Ref!).Position = 0;
            return JinjaValue.None;
        }),
    ]);

    private static readonly Builtin IsWhole = new(
        new("is_integer", []), static (_, self, _) => !self.IsFloat || (double.IsFinite(self.AsDouble) && Math.Floor(self.AsDouble) == self.AsDouble));

    private static readonly Builtin BitLength = new(
        new("bit_length", []), static (_, self, _) => System.Numerics.BigInteger.Abs(self.AsBig).GetBitLength());

    internal static Builtin? OfMap(string name) => Maps.GetValueOrDefault(name);

    internal static Builtin? OfList(ListValue list, string name) => list.Shape switch
    {
        ListShape.List => Lists.GetValueOrDefault(name),
        ListShape.Tuple or ListShape.Range => Sequences.GetValueOrDefault(name),
        _ => null,
    };

    internal static Builtin? OfString(string name) => OfStrings.GetValueOrDefault(name);

    internal static Builtin? OfCycler(string name) => Cyclers.GetValueOrDefault(name);

    internal static JinjaValue OfNumber(JinjaValue self, string name)
    {
        if (self.IsFloat && name == "is_integer") return new JinjaValue(new BoundMethod(IsWhole, self));
        return self.IsAnyInteger && name == "bit_length" ? new JinjaValue(new BoundMethod(BitLength, self)) : default;
    }

    private static FrozenDictionary<string, Builtin> Index(Builtin[] methods) => methods.ToFrozenDictionary(m => m.Signature.Name);
}
