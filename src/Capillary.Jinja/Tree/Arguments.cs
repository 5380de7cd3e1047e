using Capillary.Jinja.Builtins;
using Capillary.Jinja.Run;
using Capillary.Jinja.Syntax;
using Capillary.Jinja.Values;

namespace Capillary.Jinja.Tree;

/// <summary>What stands between the parentheses of a call.</summary>
/// <param name="positional">In order.</param>
/// <param name="names">Names of the named ones.</param>
/// <param name="named">Their values.</param>
/// <param name="rest">More positional ones: <c>*rest</c>.</param>
/// <param name="restNamed">More named ones: <c>**rest</c>.</param>
internal sealed class Arguments(Expr[] positional, string[] names, Expr[] named, Expr? rest = null, Expr? restNamed = null)
{
    internal static readonly Arguments None = new([], [], []);

    internal int Count => positional.Length;

    internal string[] Names => names;

    /// <summary>How many there are, only a render tells.</summary>
    internal bool IsOpen => rest is not null || restNamed is not null;

    internal void Bind(Binder binder)
    {
        foreach (var argument in positional) binder.Visit(argument);
        foreach (var argument in named) binder.Visit(argument);
        if (rest is not null) binder.Visit(rest);
        if (restNamed is not null) binder.Visit(restNamed);
    }

    /// <summary>Reads the arguments and lays them out for a signature that does not object to their number and names.</summary>
    internal JinjaValue[] Evaluate(RenderState r, Signature signature)
    {
        if (IsOpen) return signature.Lay(r, Evaluate(r));
        var size = Math.Max(signature.Head + signature.Parameters.Length, signature.Start + positional.Length);
        if (size == 0) return [];
        r.Charge(positional.Length + named.Length);
        var laid = new JinjaValue[size];
        for (var i = 0; i < positional.Length; i++) laid[signature.Start + i] = Read(r, positional[i]);
        var extra = signature.AnyNamed ? new Dictionary<string, JinjaValue>() : null;
        for (var i = 0; i < named.Length; i++)
        {
            var index = Array.IndexOf(signature.Parameters, names[i]);
            if (index >= 0) laid[signature.Head + index] = Read(r, named[i]);
            else extra![names[i]] = Read(r, named[i]);
        }
        if (extra is not null) laid[0] = new JinjaValue(new MapValue(extra));
        return laid;
    }

    /// <summary>Reads the arguments for a callee that lays them out itself.</summary>
    internal CallArguments Evaluate(RenderState r)
    {
        if (!IsOpen && positional.Length + named.Length == 0) return CallArguments.None;
        r.Charge(positional.Length + named.Length);
        var values = Array.ConvertAll(positional, argument => Read(r, argument));
        var namedValues = Array.ConvertAll(named, argument => Read(r, argument));
        var given = new CallArguments(values, names, namedValues);
        if (rest is not null) given = given with { Positional = [.. values, .. Spread(r, rest)] };
        return restNamed is null ? given : WithNamed(r, given, restNamed);
    }

    private static JinjaValue Read(RenderState r, Expr argument)
    {
        var value = argument.Evaluate(r);
        // Absent means not given, so what is given and undefined must not be absent.
        return value.IsAbsent ? UndefinedValue.Because(r, argument.Position, "the value is undefined") : value;
    }

    private static JinjaValue[] Spread(RenderState r, Expr rest)
    {
        var items = Sequences.Items(r, rest.Evaluate(r));
        r.Charge(items.Length);
        return items;
    }

    private static CallArguments WithNamed(RenderState r, CallArguments given, Expr rest)
    {
        var value = rest.Evaluate(r);
        r.At = rest.Position;
        if (value.IsUndefined) throw r.FailUndefined(value);
        if (value.Ref is not MapValue map) throw r.Fail($"argument after ** must be a mapping, not {ValueText.TypeName(value)}");
        map.ChargeKeys(r);
        var keys = map.Keys();
        if (Array.Exists(keys, key => key.Ref is not string)) throw r.Fail("keywords must be strings");
        var names = Array.ConvertAll(keys, key => (string)key.Ref!);
        if (names.Intersect(given.Names).FirstOrDefault() is { } twice) throw r.Fail($"got multiple values for keyword argument '{twice}'");
        return given with { Names = [.. given.Names, .. names], Named = [.. given.Named, .. map.Values()] };
    }
}
