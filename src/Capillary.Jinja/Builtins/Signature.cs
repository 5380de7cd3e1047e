using Capillary.Jinja.Run;
using Capillary.Jinja.Values;

namespace Capillary.Jinja.Builtins;

internal delegate JinjaValue BuiltinBody(RenderState r, JinjaValue self, JinjaValue[] arguments);

internal delegate bool TestBody(RenderState r, JinjaValue self, JinjaValue[] arguments);

/// <summary>A filter, method or function.</summary>
internal sealed record Builtin(Signature Signature, BuiltinBody Body);

/// <summary>A test, the right side of <c>is</c>.</summary>
internal sealed record BuiltinTest(Signature Signature, TestBody Body);

/// <summary>
/// How arguments are laid out for the callee: [map of all named ones, if <see cref="AnyNamed"/>] [one per parameter, absent if not
/// given] [the rest, if there may be one]. With named parameters only, positional arguments all belong to the rest.
/// </summary>
internal sealed class Signature(
    string name, string[] parameters, int required = 0, bool rest = false, bool namedOnly = false, bool anyNamed = false)
{
    internal string Name => name;

    internal string[] Parameters => parameters;

    internal bool AnyNamed => anyNamed;

    /// <summary>Where parameters begin.</summary>
    internal int Head => anyNamed ? 1 : 0;

    /// <summary>Where positional arguments begin.</summary>
    internal int Start => namedOnly ? Head + parameters.Length : Head;

    /// <summary>Lays out arguments that were read at run time, such as those behind the filter's name in <c>map</c>.</summary>
    internal JinjaValue[] Lay(RenderState r, CallArguments given)
    {
        if (Objection(given.Positional.Length, given.Names) is { } objection) throw r.Fail(objection);
        var laid = new JinjaValue[Math.Max(Head + parameters.Length, Start + given.Positional.Length)];
        given.Positional.CopyTo(laid.AsSpan(Start));
        var extra = anyNamed ? new MapValue() : null;
        for (var i = 0; i < given.Names.Length; i++)
        {
            var index = Array.IndexOf(parameters, given.Names[i]);
            if (index >= 0) laid[Head + index] = given.Named[i];
            else extra!.Set(given.Names[i], given.Named[i]);
        }
        if (extra is not null) laid[0] = new JinjaValue(extra);
        return laid;
    }

    /// <summary>What is wrong with a call of this shape, or null.</summary>
    internal string? Objection(int positional, IReadOnlyList<string> named)
    {
        if (!rest && positional > parameters.Length) return $"{name} takes at most {parameters.Length} argument(s), {positional} given";
        foreach (var given in named)
        {
            var index = Array.IndexOf(parameters, given);
            if (index < 0 && !anyNamed) return $"{name} has no parameter '{given}'";
            if (index >= 0 && !namedOnly && index < positional) return $"{name} got more than one value for '{given}'";
        }
        for (var i = namedOnly ? 0 : positional; i < required; i++)
        {
            if (!named.Contains(parameters[i])) return $"{name} needs the argument '{parameters[i]}'";
        }
        return null;
    }
}
