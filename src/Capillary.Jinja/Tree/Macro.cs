using Capillary.Jinja.Run;
using Capillary.Jinja.Syntax;
using Capillary.Jinja.Values;

namespace Capillary.Jinja.Tree;

/// <summary><c>{% macro name(a, b=1) %} … {% endmacro %}</c></summary>
internal sealed class Macro(int position, string name, MacroCode code) : Stmt(position)
{
    private readonly NameTarget _self = new(position, name);

    internal override void Declare(Scope scope) => _self.Declare(scope);

    internal override void Bind(Binder binder)
    {
        binder.Visit(_self);
        code.Bind(binder);
    }

    internal override void Render(RenderState r) =>
        _self.Assign(r, new JinjaValue(new MacroValue(code, r.Unit, r.Frame, r.Autoescape)));
}

/// <summary><c>{% call(a) macro(b) %} … {% endcall %}</c>: calls with the block as the macro <c>caller</c>.</summary>
internal sealed class CallBlock(int position, Call call, MacroCode code) : Stmt(position)
{
    internal override void Bind(Binder binder)
    {
        binder.Visit(call);
        code.Bind(binder);
    }

    internal override void Render(RenderState r)
    {
        var caller = new JinjaValue(new MacroValue(code, r.Unit, r.Frame, r.Autoescape));
        var value = call.Evaluate(r, caller);
        r.At = Position;
        r.Output.Append(r.Text(value));
    }
}

/// <summary>Parameters and body of a macro or a call block; defaults are read at each call, inside.</summary>
internal sealed class MacroCode(string name, NameTarget[] parameters, Expr?[] defaults, Block body)
{
    private const string VarArgs = "varargs";
    private const string KwArgs = "kwargs";
    private const string Caller = "caller";

    private readonly string[] _names = Array.ConvertAll(parameters, p => p.Name);
    private ScopeEntry _entry = ScopeEntry.Nothing;
    private int _slots;
    private int _varArgs = -1;
    private int _kwArgs = -1;
    private int _caller = -1;

    internal string Name => name;

    internal bool IsCaller => name == Caller;

    private bool NamesCaller => _names.Contains(Caller);

    internal void Bind(Binder binder) =>
        binder.Capture(() => (_entry, _slots) = binder.InFunction(DeclareInside, () => BindInside(binder)));

    internal JinjaValue Get(string attribute) => attribute switch
    {
        "name" => name,
        "arguments" => ListValue.TupleOf(Array.ConvertAll(_names, JinjaValue.From)),
        "catch_varargs" => _varArgs >= 0,
        "catch_kwargs" => _kwArgs >= 0,
        "caller" => _caller >= 0 || NamesCaller,
        _ => default,
    };

    internal JinjaValue Call(RenderState r, Unit unit, Frame outer, bool autoescape, CallArguments given)
    {
        var at = r.At;
        r.EnterCall();
        var frame = r.NewFrame(_slots, outer);
        var values = Lay(r, given, frame.Slots);
        var before = r.SwitchTo(unit, frame, autoescape);
        _entry.Enter(r);
        for (var i = 0; i < parameters.Length; i++) parameters[i].Assign(r, Argument(r, i, values[i], at));
        var text = body.Capture(r);
        r.SwitchBack(before);
        r.LeaveCall();
        return r.Captured(text);
    }

    // The values of the parameters; what the macro takes beside them goes to its own slots.
    private JinjaValue[] Lay(RenderState r, CallArguments given, JinjaValue[] slots)
    {
        r.Charge(parameters.Length + given.Names.Length * (long)(1 + parameters.Length / 16));
        var values = new JinjaValue[parameters.Length];
        var count = Math.Min(given.Positional.Length, values.Length);
        Array.Copy(given.Positional, values, count);
        if (_varArgs >= 0) slots[_varArgs] = ListValue.TupleOf(given.Positional[count..]);
        else if (given.Positional.Length > count) throw r.Fail($"macro '{name}' takes not more than {values.Length} argument(s)");
        var rest = new MapValue();
        var caller = default(JinjaValue);
        for (var i = 0; i < given.Names.Length; i++)
        {
            var index = Array.IndexOf(_names, given.Names[i]);
            // As Jinja2: a second value for a parameter counts as one that has none.
            if (index >= count) values[index] = given.Named[i];
            else if (given.Names[i] == Caller && _caller >= 0) caller = given.Named[i];
            else if (_kwArgs >= 0) rest.Set(given.Names[i], given.Named[i]);
            else throw r.Fail($"macro '{name}' takes no keyword argument '{given.Names[i]}'");
        }
        if (_kwArgs >= 0) slots[_kwArgs] = new JinjaValue(rest);
        if (_caller >= 0) slots[_caller] = caller.Or(UndefinedValue.Because(r, r.At, "no caller is defined"));
        return values;
    }

    private JinjaValue Argument(RenderState r, int index, JinjaValue given, int at)
    {
        if (!given.IsAbsent) return given;
        return defaults[index]?.Evaluate(r)
            ?? UndefinedValue.Because(r, at, $"parameter '{parameters[index].Name}' was not provided");
    }

    private void DeclareInside(Scope scope)
    {
        foreach (var extra in (string[])[VarArgs, KwArgs, Caller]) scope.Declare(extra);
        foreach (var parameter in parameters) parameter.Declare(scope);
        body.Declare(scope);
    }

    private void BindInside(Binder binder)
    {
        var (varArgs, kwArgs, caller) = (binder.Assigned(VarArgs), binder.Assigned(KwArgs), binder.Assigned(Caller));
        for (var i = 0; i < parameters.Length; i++)
        {
            if (defaults[i] is { } value) binder.Visit(value);
            binder.Visit(parameters[i]);
        }
        binder.Visit(body);
        // Only a macro that reads them takes what has no parameter.
        foreach (var extra in (string[])[VarArgs, KwArgs, Caller])
        {
            if (binder.IsRead(extra)) binder.MarkReadOutside(extra);
        }
        if (binder.IsRead(VarArgs) && !_names.Contains(VarArgs)) _varArgs = varArgs;
        if (binder.IsRead(KwArgs) && !_names.Contains(KwArgs)) _kwArgs = kwArgs;
        if (binder.IsRead(Caller) && !NamesCaller) _caller = caller;
    }
}
