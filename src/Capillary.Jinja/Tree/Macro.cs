using Capillary.Jinja.Builtins;
using Capillary.Jinja.Run;
using Capillary.Jinja.Syntax;
using Capillary.Jinja.Values;

namespace Capillary.Jinja.Tree;

/// <summary><c>{% macro name(a, b=1) %} … {% endmacro %}</c>; defaults are read at each call, inside.</summary>
internal sealed class Macro(int position, string name, NameTarget[] parameters, Expr?[] defaults, Block body) : Stmt(position)
{
    private readonly NameTarget _self = new(position, name);
    private ScopeEntry _entry = ScopeEntry.Nothing;
    private int _slots;

    internal Signature Signature { get; } = new(name, Array.ConvertAll(parameters, p => p.Name));

    internal override void Declare(Scope scope) => _self.Declare(scope);

    internal override void Bind(Binder binder)
    {
        binder.Visit(_self);
        (_entry, _slots) = binder.InFunction(DeclareInside, () => BindInside(binder));
    }

    internal override void Render(RenderState r)
    {
        r.Charge();
        _self.Assign(r, new JinjaValue(new MacroValue(this, r.Frame)));
    }

    internal JinjaValue Call(RenderState r, Frame outer, JinjaValue[] arguments)
    {
        var (caller, at) = (r.Frame, r.At);
        r.EnterCall();
        r.Frame = new Frame(_slots, outer);
        _entry.Enter(r);
        for (var i = 0; i < parameters.Length; i++) parameters[i].Assign(r, Argument(r, i, arguments[i], at));
        var text = body.Capture(r);
        r.Frame = caller;
        r.LeaveCall();
        return text;
    }

    private JinjaValue Argument(RenderState r, int index, JinjaValue given, int at)
    {
        if (!given.IsAbsent) return given;
        return defaults[index]?.Evaluate(r)
            ?? UndefinedValue.Because(at, $"parameter '{parameters[index].Name}' of '{name}' was not provided");
    }

    private void DeclareInside(Scope scope)
    {
        foreach (var parameter in parameters) parameter.Declare(scope);
        body.Declare(scope);
    }

    private void BindInside(Binder binder)
    {
        for (var i = 0; i < parameters.Length; i++)
        {
            if (defaults[i] is { } value) binder.Visit(value);
            binder.Visit(parameters[i]);
        }
        binder.Visit(body);
    }
}
