using Capillary.Jinja.Builtins;
using Capillary.Jinja.Run;
using Capillary.Jinja.Tree;

namespace Capillary.Jinja.Values;

/// <summary>Arguments of a call whose callee is only known when it happens.</summary>
internal sealed record CallArguments(JinjaValue[] Positional, string[] Names, JinjaValue[] Named)
{
    internal static CallArguments None { get; } = new([], [], []);

    /// <summary>Of a signature that takes any: all named ones stand first, as a map.</summary>
    internal static CallArguments OfOpen(JinjaValue[] laid)
    {
        var named = (MapValue)laid[0].Ref!;
        return new CallArguments(laid[1..], [.. named.TextKeys], named.Values());
    }

    internal Dictionary<string, JinjaValue> ToNamed()
    {
        var named = new Dictionary<string, JinjaValue>(Names.Length);
        for (var i = 0; i < Names.Length; i++) named[Names[i]] = Named[i];
        return named;
    }
}

/// <summary>Something that a template can call.</summary>
internal abstract class Callable(string name) : Boxed
{
    internal string Name => name;

    internal override JinjaKind Kind => JinjaKind.Object;

    internal override string TypeName => $"function {name}";

    internal abstract JinjaValue Invoke(RenderState r, CallArguments arguments);
}

/// <summary>A function of every template, such as <c>range</c>.</summary>
internal sealed class GlobalFunction(Builtin builtin) : Callable(builtin.Signature.Name)
{
    internal override JinjaValue Invoke(RenderState r, CallArguments arguments) =>
        builtin.Body(r, JinjaValue.None, builtin.Signature.Lay(r, arguments));
}

/// <summary>A function of the host.</summary>
internal sealed class HostFunction(string name, JinjaFunction body) : Callable(name)
{
    internal override JinjaValue Invoke(RenderState r, CallArguments arguments) => body(new JinjaCall(r, default, arguments));

    internal static Builtin AsFilter(string name, JinjaFunction body) =>
        new(Open(name), (r, self, laid) => body(new JinjaCall(r, self, CallArguments.OfOpen(laid))));

    internal static BuiltinTest AsTest(string name, JinjaTest body) =>
        new(Open(name), (r, self, laid) => body(new JinjaCall(r, self, CallArguments.OfOpen(laid))));

    private static Signature Open(string name) => new(name, [], rest: true, anyNamed: true);
}

/// <summary>A method together with the value it was read from.</summary>
internal sealed class BoundMethod(Builtin method, JinjaValue self) : Callable(method.Signature.Name)
{
    internal string Owner => ValueText.TypeName(self);

    internal override JinjaValue Invoke(RenderState r, CallArguments arguments) =>
        MarkupMethods.Call(r, method, self, method.Signature.Lay(r, arguments));
}

/// <summary>A macro, and where it was defined: the template that runs and its variables.</summary>
internal sealed class MacroValue(MacroCode code, Unit unit, Frame outer, bool autoescape) : Callable(code.Name)
{
    internal override string TypeName => code.IsCaller ? "Macro anonymous" : $"Macro '{Name}'";

    internal MacroCode Code => code;

    internal override JinjaValue Invoke(RenderState r, CallArguments arguments) => code.Call(r, unit, outer, autoescape, arguments);
}

/// <summary>A block that can be called: what <c>super()</c> and <c>self.name()</c> do.</summary>
internal sealed class BlockValue(List<BlockCode> codes, int index, TemplateContext context) : Callable(codes[index].Block.Name)
{
    internal BlockValue? Super => index + 1 < codes.Count ? new BlockValue(codes, index + 1, context) : null;

    internal override string TypeName => "BlockReference";

    internal override JinjaValue Invoke(RenderState r, CallArguments arguments)
    {
        if (arguments.Positional.Length + arguments.Names.Length > 0) throw r.Fail("a block takes no arguments");
        var mark = r.Output.Length;
        r.RunBlock(codes, index, context);
        return r.Captured(r.Output.TakeFrom(mark));
    }
}

/// <summary>The variable <c>self</c>: the blocks of the running template.</summary>
internal sealed class SelfValue(TemplateContext context) : Boxed
{
    internal override JinjaKind Kind => JinjaKind.Object;

    internal override string TypeName => "TemplateReference";

    internal JinjaValue Get(string name) =>
        context.BlocksNamed(name) is { } codes ? new JinjaValue(new BlockValue(codes, 0, context)) : default;
}

/// <summary>What <c>import</c> gives: the variables and macros of another template.</summary>
internal sealed class ModuleValue(string name, TemplateContext context, string text) : Boxed
{
    internal string Name => name;

    internal string Text => text;

    internal override JinjaKind Kind => JinjaKind.Object;

    internal override string TypeName => "TemplateModule";

    internal JinjaValue Get(string variable) =>
        context.Variables!.TryGetValue(variable, out var value) && context.Exports(variable) ? value : default;
}
