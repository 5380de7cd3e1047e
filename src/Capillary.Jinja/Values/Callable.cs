using Capillary.Jinja.Builtins;
using Capillary.Jinja.Run;
using Capillary.Jinja.Tree;

namespace Capillary.Jinja.Values;

/// <summary>Something that a template can call.</summary>
internal abstract class Callable(Signature signature) : Boxed
{
    internal Signature Signature => signature;

    internal override JinjaKind Kind => JinjaKind.Object;

    internal override string TypeName => $"function {signature.Name}";

    /// <summary>Calls with arguments laid out by <see cref="Signature"/>.</summary>
    internal abstract JinjaValue Invoke(RenderState r, JinjaValue[] arguments);
}

/// <summary>A function of every template, such as <c>range</c>.</summary>
internal sealed class GlobalFunction(Builtin builtin) : Callable(builtin.Signature)
{
    internal override JinjaValue Invoke(RenderState r, JinjaValue[] arguments) => builtin.Body(r, JinjaValue.None, arguments);
}

/// <summary>A method together with the value it was read from.</summary>
internal sealed class BoundMethod(Builtin method, JinjaValue self) : Callable(method.Signature)
{
    internal string Name => method.Signature.Name;

    internal string Owner => ValueText.TypeName(self);

    internal override JinjaValue Invoke(RenderState r, JinjaValue[] arguments) => method.Body(r, self, arguments);
}

/// <summary>A macro and the variables of the place that defined it.</summary>
internal sealed class MacroValue(Macro macro, Frame outer) : Callable(macro.Signature)
{
    internal override string TypeName => $"Macro '{Signature.Name}'";

    internal override JinjaValue Invoke(RenderState r, JinjaValue[] arguments) => macro.Call(r, outer, arguments);
}
