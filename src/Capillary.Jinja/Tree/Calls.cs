using Capillary.Jinja.Builtins;
using Capillary.Jinja.Run;
using Capillary.Jinja.Syntax;
using Capillary.Jinja.Values;

namespace Capillary.Jinja.Tree;

/// <summary>What stands between the parentheses of a call.</summary>
internal sealed class Arguments(Expr[] positional, string[] names, Expr[] named)
{
    internal static readonly Arguments None = new([], [], []);

    internal int Count => positional.Length;

    internal string[] Names => names;

    internal void Bind(Binder binder)
    {
        foreach (var argument in positional) binder.Visit(argument);
        foreach (var argument in named) binder.Visit(argument);
    }

    /// <summary>Reads the arguments and lays them out for a signature that is known not to object.</summary>
    internal JinjaValue[] Evaluate(RenderState r, Signature signature)
    {
        var size = Math.Max(signature.Head + signature.Parameters.Length, signature.Start + positional.Length);
        if (size == 0) return [];
        var laid = new JinjaValue[size];
        for (var i = 0; i < positional.Length; i++) laid[signature.Start + i] = positional[i].Evaluate(r);
        var extra = signature.AnyNamed ? new Dictionary<string, JinjaValue>() : null;
        for (var i = 0; i < named.Length; i++)
        {
            var index = Array.IndexOf(signature.Parameters, names[i]);
            if (index >= 0) laid[signature.Head + index] = named[i].Evaluate(r);
            else extra![names[i]] = named[i].Evaluate(r);
        }
        if (extra is not null) laid[0] = JinjaValue.FromMap(extra);
        return laid;
    }
}

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

    internal override JinjaValue Evaluate(RenderState r)
    {
        return callee is Member attribute ? CallMember(r, attribute) : Invoke(r, callee.Evaluate(r));
    }

    // Calls a method of a string, list or map without first making an object of it.
    private JinjaValue CallMember(RenderState r, Member attribute)
    {
        var self = attribute.Target.Evaluate(r);
        var method = self.Ref switch
        {
            string => Methods.OfString(attribute.Name),
            MapValue => Methods.OfMap(attribute.Name),
            ListValue => Methods.OfList(attribute.Name),
            _ => null,
        };
        r.At = attribute.Position;
        if (method is null)
        {
            var member = Members.Attribute(r, self, attribute.Name, attribute.Target.Path, attribute.Position);
            RejectMissing(r, member, self, attribute.Name);
            return Invoke(r, member);
        }
        var laid = Lay(r, method.Signature);
        r.At = attribute.Position;
        r.ChargeFor(self);
        return method.Body(r, self, laid);
    }

    private static void RejectMissing(RenderState r, JinjaValue member, JinjaValue self, string name)
    {
        if (member.IsUndefined && Methods.IsKnownButMissing(self, name))
            throw r.Fail($"the method '{name}' of '{ValueText.TypeName(self)}' is not supported yet");
    }

    private JinjaValue Invoke(RenderState r, JinjaValue value)
    {
        r.At = Position;
        if (value.IsUndefined) throw r.FailUndefined(value);
        if (value.Ref is not Callable callable) throw r.Fail($"'{ValueText.TypeName(value)}' object is not callable");
        var laid = Lay(r, callable.Signature);
        r.At = Position;
        return callable.Invoke(r, laid);
    }

    private JinjaValue[] Lay(RenderState r, Signature signature)
    {
        r.Charge();
        if (signature.Objection(arguments.Count, arguments.Names) is { } objection) throw r.Fail(objection, null, Position);
        return arguments.Evaluate(r, signature);
    }
}
