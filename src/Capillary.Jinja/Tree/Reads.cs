using Capillary.Jinja.Builtins;
using Capillary.Jinja.Run;
using Capillary.Jinja.Syntax;
using Capillary.Jinja.Values;

namespace Capillary.Jinja.Tree;

/// <summary>A variable: of the template if it has a slot and was assigned, else a global, else from the context.</summary>
internal sealed class Name(int position, string identifier) : Expr(position)
{
    private int _slot = -1;
    private int _hops;
    private JinjaValue _global;
    private bool _isSelf;

    internal string Identifier => identifier;

    internal override string? Path => identifier;

    internal void ResolveTo(int slot, int hops) => (_slot, _hops) = (slot, hops);

    internal void ResolveTo(JinjaValue global) => _global = global;

    internal void ResolveToSelf() => _isSelf = true;

    internal override void Bind(Binder binder) => binder.Read(this, identifier);

    internal override JinjaValue Evaluate(RenderState r)
    {
        if (_slot >= 0)
        {
            var value = _hops == 0 ? r.Frame.Slots[_slot] : r.Frame.At(_hops, _slot);
            if (!value.IsAbsent) return value;
        }
        if (_isSelf) return new JinjaValue(new SelfValue(r.Context));
        if (r.Context.TryGet(identifier, out var entry)) return entry;
        return _global.IsAbsent ? UndefinedValue.MissingName(r, Position, identifier) : _global;
    }
}

/// <summary><c>target.name</c></summary>
internal sealed class Member(int position, Expr target, string name) : Expr(position)
{
    private readonly bool _isMapMethod = Methods.OfMap(name) is not null;

    internal Expr Target => target;

    internal string Name => name;

    // A method is no path, and neither is what follows one.
    internal override string? Path => !_isMapMethod && target.Path is { } path ? $"{path}.{name}" : null;

    internal override void Bind(Binder binder) => binder.VisitChain(this);

    internal override JinjaValue Evaluate(RenderState r)
    {
        var holder = target.Evaluate(r);
        if (holder.Ref is MapValue map && !_isMapMethod && map.TryGet(name, out var value)) return value;
        r.At = Position;
        return Members.Attribute(r, holder, name, target.Path, Position);
    }
}

/// <summary><c>target[key]</c></summary>
internal sealed class Subscript(int position, Expr target, Expr key) : Expr(position)
{
    internal Expr Target => target;

    internal Expr Key => key;

    internal override string? Path => target.Path is { } path && key is Literal { Value.Ref: string name } && !name.Contains('.')
        ? $"{path}.{name}"
        : null;

    internal override void Bind(Binder binder) => binder.VisitChain(this);

    internal override JinjaValue Evaluate(RenderState r)
    {
        var holder = target.Evaluate(r);
        var index = key.Evaluate(r);
        r.At = Position;
        return Members.Item(r, holder, index, target.Path, Position);
    }
}

/// <summary><c>target[start:stop:step]</c></summary>
internal sealed class Slice(int position, Expr target, Expr? start, Expr? stop, Expr? step) : Expr(position)
{
    internal override void Bind(Binder binder)
    {
        binder.Visit(target);
        if (start is not null) binder.Visit(start);
        if (stop is not null) binder.Visit(stop);
        if (step is not null) binder.Visit(step);
    }

    internal override JinjaValue Evaluate(RenderState r)
    {
        var value = target.Evaluate(r);
        var (from, to, by) = (start?.Evaluate(r) ?? default, stop?.Evaluate(r) ?? default, step?.Evaluate(r) ?? default);
        r.At = Position;
        r.Charge();
        return Sequences.Slice(r, value, from, to, by);
    }
}
