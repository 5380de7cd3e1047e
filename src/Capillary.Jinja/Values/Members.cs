using Capillary.Jinja.Builtins;
using Capillary.Jinja.Run;

namespace Capillary.Jinja.Values;

/// <summary>What <c>a.b</c> and <c>a[b]</c> find: never anything of .NET, only the entries and methods listed here.</summary>
internal static class Members
{
    /// <summary>
    /// <c>target.name</c>: methods first, as Python's getattr; then entries. <paramref name="path"/> names the target in errors.
    /// </summary>
    internal static JinjaValue Attribute(RenderState r, JinjaValue target, string name, string? path, int at)
    {
        if (target.IsUndefined) return OfUndefined(r, target);
        var found = OwnAttribute(r, target, name, at);
        if (found.IsAbsent && target.Ref is MapValue map && map.TryGet(name, out var entry)) return entry;
        return found.IsAbsent ? UndefinedValue.Missing(r, at, path, name, target, Holder(target)) : found;
    }

    /// <summary>Python's getattr alone: no entries of maps. Absent if there is none.</summary>
    internal static JinjaValue OwnAttribute(RenderState r, JinjaValue target, string name, int at) => target.Ref switch
    {
        MapValue => Bind(Methods.OfMap(name), target),
        string => Bind(Methods.OfString(name), target),
        LoopValue loop => loop.Get(r, name, at),
        NamespaceValue space => space.Entries.TryGet(name, out var value) ? value : default,
        ListValue list when Array.IndexOf(list.Names, name) is >= 0 and var index => list.Items[index],
        ListValue list => Bind(Methods.OfList(list, name), target),
        ModuleValue module => module.Get(name),
        MacroValue macro => macro.Code.Get(name),
        SelfValue self => self.Get(name),
        BlockValue block when name == "super" => block.Super is { } super ? new JinjaValue(super) : default,
        CyclerValue cycler => name == "current" ? cycler.Current : Bind(Methods.OfCycler(name), target),
        _ => Methods.OfNumber(target, name),
    };

    /// <summary><c>target[key]</c>: items first, then methods.</summary>
    internal static JinjaValue Item(RenderState r, JinjaValue target, JinjaValue key, string? path, int at)
    {
        if (target.IsUndefined) return OfUndefined(r, target);
        if (key.Ref is UndefinedValue { IsStrict: true } or null) throw r.FailUndefined(key);
        switch (target.Ref)
        {
            case MapValue map when key.Ref is string name:
                r.ChargeText(name.Length);
                return map.TryGet(name, out var entry) ? entry : Attribute(r, target, name, path, at);
            case MapValue map:
                if (Hashing.CanBeKey(r, key) && map.TryGet(key, out var other)) return other;
                break;
            case ListValue list when key.IsIntegral:
                var index = key.Bits < 0 ? key.Bits + list.Items.Length : key.Bits;
                if (index >= 0 && index < list.Items.Length) return list.Items[index];
                break;
            case string text when key.IsIntegral:
                r.ChargeText(text.Length);
                if (CodePoints.At(text, key.Bits) is { } character) return RenderState.AsSafeAs(target, character);
                break;
        }
        return key.Ref is string attribute
            ? Attribute(r, target, attribute, path, at)
            : UndefinedValue.MissingItem(r, at, path, key, target);
    }

    private static JinjaValue OfUndefined(RenderState r, JinjaValue target) =>
        target.Ref is UndefinedValue { Mode: JinjaUndefined.Chainable } ? target : throw r.FailUndefined(target);

    private static MapValue? Holder(JinjaValue target) => target.Ref switch
    {
        MapValue map => map,
        NamespaceValue space => space.Entries,
        _ => null,
    };

    private static JinjaValue Bind(Builtin? method, JinjaValue self) =>
        method is null ? default : new JinjaValue(new BoundMethod(method, self));
}
