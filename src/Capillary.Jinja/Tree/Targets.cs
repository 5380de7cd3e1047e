using Capillary.Jinja.Run;
using Capillary.Jinja.Syntax;
using Capillary.Jinja.Values;

namespace Capillary.Jinja.Tree;

/// <summary>What <c>set</c>, <c>for</c> and <c>with</c> assign to.</summary>
internal abstract class Target(int position) : SyntaxNode(position)
{
    internal abstract void Declare(Scope scope);

    internal abstract void Assign(RenderState r, JinjaValue value);
}

internal sealed class NameTarget(int position, string name) : Target(position)
{
    private int _slot;
    private bool _isTop;

    internal string Name => name;

    /// <summary>An import of the template does not show it.</summary>
    internal bool IsHidden { get; set; }

    internal override void Declare(Scope scope) => scope.Declare(name);

    internal override void Bind(Binder binder)
    {
        _slot = binder.Assigned(name);
        _isTop = binder.IsTop;
    }

    internal override void Assign(RenderState r, JinjaValue value)
    {
        r.Frame.Slots[_slot] = value;
        if (!_isTop || r.Context.Variables is not { } shared) return;
        shared[name] = value;
        if (IsHidden) r.Context.Hide(name);
    }
}

/// <summary><c>a, b</c>: takes a sequence apart.</summary>
internal sealed class TupleTarget(int position, Target[] targets) : Target(position)
{
    internal override void Declare(Scope scope)
    {
        foreach (var target in targets) target.Declare(scope);
    }

    internal override void Bind(Binder binder)
    {
        foreach (var target in targets) binder.Visit(target);
    }

    internal override void Assign(RenderState r, JinjaValue value)
    {
        r.At = Position;
        var items = Sequences.Items(r, value);
        if (items.Length != targets.Length) throw r.Fail($"can not unpack {items.Length} value(s) into {targets.Length} name(s)");
        for (var i = 0; i < targets.Length; i++) targets[i].Assign(r, items[i]);
    }
}

/// <summary><c>ns.name</c>, where <c>ns</c> must be a namespace.</summary>
internal sealed class NamespaceTarget(int position, Name space, string name) : Target(position)
{
    internal override void Declare(Scope scope)
    {
    }

    internal override void Bind(Binder binder) => binder.Visit(space);

    internal override void Assign(RenderState r, JinjaValue value)
    {
        var holder = space.Evaluate(r);
        r.At = Position;
        if (holder.IsUndefined) throw r.FailUndefined(holder);
        if (holder.Ref is not NamespaceValue target) throw r.Fail("cannot assign attribute on non-namespace object");
        target.Set(r, name, value);
    }
}
