using Capillary.Jinja.Run;
using Capillary.Jinja.Syntax;
using Capillary.Jinja.Values;

namespace Capillary.Jinja.Tree;

internal sealed class Literal(int position, JinjaValue value) : Expr(position)
{
    internal JinjaValue Value => value;

    internal override JinjaValue Evaluate(RenderState r) => value;
}

/// <summary><c>[a, b]</c> and <c>(a, b)</c></summary>
internal sealed class ListLiteral(int position, Expr[] items, bool isTuple) : Expr(position)
{
    internal Expr[] Items => items;

    internal bool IsTuple => isTuple;

    internal override void Bind(Binder binder)
    {
        foreach (var item in items) binder.Visit(item);
    }

    internal override JinjaValue Evaluate(RenderState r)
    {
        r.Charge(items.Length);
        var values = new JinjaValue[items.Length];
        for (var i = 0; i < values.Length; i++) values[i] = items[i].Evaluate(r);
        return new JinjaValue(new ListValue(values, isTuple));
    }
}

/// <summary><c>{'a': 1}</c></summary>
internal sealed class MapLiteral(int position, (Expr Key, Expr Value)[] entries) : Expr(position)
{
    internal override void Bind(Binder binder)
    {
        foreach (var (key, value) in entries)
        {
            binder.Visit(key);
            binder.Visit(value);
        }
    }

    internal override JinjaValue Evaluate(RenderState r)
    {
        r.Charge(entries.Length);
        var map = new MapValue();
        foreach (var (keyNode, valueNode) in entries)
        {
            var key = keyNode.Evaluate(r);
            r.At = keyNode.Position;
            Hashing.Check(r, key);
            map.Set(key, valueNode.Evaluate(r));
        }
        return new JinjaValue(map);
    }
}
