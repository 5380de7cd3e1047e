using Capillary.Jinja.Builtins;
using Capillary.Jinja.Run;
using Capillary.Jinja.Syntax;
using Capillary.Jinja.Values;

namespace Capillary.Jinja.Tree;

/// <summary><c>value | filter(arguments)</c>; the parser has checked the arguments.</summary>
internal sealed class FilterCall(int position, Expr value, Builtin filter, Arguments arguments) : Expr(position)
{
    internal override void Bind(Binder binder)
    {
        binder.Visit(value);
        arguments.Bind(binder);
    }

    internal override JinjaValue Evaluate(RenderState r)
    {
        var operand = value.Evaluate(r);
        var laid = arguments.Evaluate(r, filter.Signature);
        r.At = Position;
        r.ChargeFor(operand);
        return filter.Body(r, operand, laid);
    }
}

/// <summary><c>value is test(arguments)</c>; the parser has checked the arguments.</summary>
internal sealed class TestCall(int position, Expr value, BuiltinTest test, Arguments arguments, bool negated) : Expr(position)
{
    internal override void Bind(Binder binder)
    {
        binder.Visit(value);
        arguments.Bind(binder);
    }

    internal override JinjaValue Evaluate(RenderState r)
    {
        var operand = value.Evaluate(r);
        var laid = arguments.Evaluate(r, test.Signature);
        r.At = Position;
        r.ChargeFor(operand);
        return test.Body(r, operand, laid) != negated;
    }
}

/// <summary><c>callee(arguments)</c></summary>
internal sealed class Call(int position, Expr callee, Arguments arguments) : Expr(position)
{
    internal override void Bind(Binder binder)
    {
        // The last segment of a called chain is a method more often than an entry; what is read is the value before it.
        if (callee is Member method) binder.Visit(method.Target);
        else binder.Visit(callee);
        arguments.Bind(binder);
    }

    internal override JinjaValue Evaluate(RenderState r) => Evaluate(r, default);

    /// <summary>Calls with one more named argument, <c>caller</c>, unless that is absent.</summary>
    internal JinjaValue Evaluate(RenderState r, JinjaValue caller) =>
        callee is Member attribute ? CallMember(r, attribute, caller) : Invoke(r, callee.Evaluate(r), caller);

    // Calls a method of a string, list or map without first making an object of it.
    private JinjaValue CallMember(RenderState r, Member attribute, JinjaValue caller)
    {
        var self = attribute.Target.Evaluate(r);
        var method = self.Ref switch
        {
            string => Methods.OfString(attribute.Name),
            MapValue => Methods.OfMap(attribute.Name),
            ListValue list => Methods.OfList(list, attribute.Name),
            _ => null,
        };
        r.At = attribute.Position;
        if (method is null || !caller.IsAbsent)
        {
            var member = Members.Attribute(r, self, attribute.Name, attribute.Target.Path, attribute.Position);
            return Invoke(r, member, caller);
        }
        r.Charge();
        var laid = arguments.IsOpen ? method.Signature.Lay(r, arguments.Evaluate(r)) : Lay(r, method.Signature);
        r.At = attribute.Position;
        return MarkupMethods.Call(r, method, self, laid);
    }

    private JinjaValue[] Lay(RenderState r, Signature signature)
    {
        if (signature.Objection(arguments.Count, arguments.Names) is { } objection) throw r.Fail(objection, null, Position);
        return arguments.Evaluate(r, signature);
    }

    private JinjaValue Invoke(RenderState r, JinjaValue value, JinjaValue caller)
    {
        r.At = Position;
        r.Charge();
        if (value.IsUndefined) throw r.FailUndefined(value);
        if (value.Ref is not Callable callable) throw r.Fail($"'{ValueText.TypeName(value)}' object is not callable");
        var given = arguments.Evaluate(r);
        if (!caller.IsAbsent) given = given with { Names = [.. given.Names, "caller"], Named = [.. given.Named, caller] };
        r.At = Position;
        return callable.Invoke(r, given);
    }
}
