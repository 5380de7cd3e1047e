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
        var found = target.Ref switch
        {
            MapValue map => Methods.OfMap(name) is { } method ? Bind(method, target) : Entry(map, name),
            string => Bind(Methods.OfString(name), target),
            LoopValue loop => loop.Get(name, at),
            NamespaceValue space => space.TryGet(name, out var value) ? value : default,
            ListValue => Bind(Methods.OfList(name), target),
            null or UndefinedValue => throw r.FailUndefined(target),
            _ => default,
        };
        return found.IsAbsent ? UndefinedValue.Missing(at, path, name, Holder(target)) : found;
    }

    /// <summary><c>target[key]</c>: items first, then methods.</summary>
    internal static JinjaValue Item(RenderState r, JinjaValue target, JinjaValue key, string? path, int at)
    {
        if (key.IsUndefined) throw r.FailUndefined(key);
        switch (target.Ref)
        {
            case MapValue map when key.Ref is string name:
                return map.TryGet(name, out var entry) ? entry : Attribute(r, target, name, path, at);
            case ListValue list when key.IsIntegral:
                var index = key.Bits < 0 ? key.Bits + list.Items.Length : key.Bits;
                if (index >= 0 && index < list.Items.Length) return list.Items[index];
                break;
            case string text when key.IsIntegral:
                if (CodePoints.At(text, key.Bits) is { } character) return character;
                break;
            case null or UndefinedValue:
                throw r.FailUndefined(target);
        }
        return key.Ref is string attribute
            ? Attribute(r, target, attribute, path, at)
            : UndefinedValue.Because(at, $"'{path ?? ValueText.TypeName(target)}' has no item {r.Text(key)}");
    }

    private static MapValue? Holder(JinjaValue target) => target.Ref switch
    {
        MapValue map => map,
        NamespaceValue space => new MapValue(space.Entries),
        _ => null,
    };

    private static JinjaValue Entry(MapValue map, string name) => map.TryGet(name, out var value) ? value : default;

    private static JinjaValue Bind(Builtin? method, JinjaValue self) =>
        method is null ? default : new JinjaValue(new BoundMethod(method, self));
}
