using Capillary.Jinja.Run;
using Capillary.Jinja.Values;

namespace Capillary.Jinja;

/// <summary>A filter or function of the host. It must not keep the call, nor wait for anything.</summary>
public delegate JinjaValue JinjaFunction(JinjaCall call);

/// <summary>A test of the host.</summary>
public delegate bool JinjaTest(JinjaCall call);

/// <summary>One call of a filter, test or function of the host. Valid until it returns.</summary>
public sealed class JinjaCall
{
    private readonly RenderState _render;

    internal JinjaCall(RenderState render, JinjaValue value, CallArguments arguments)
    {
        _render = render;
        Value = value;
        Arguments = arguments.Positional;
        Named = arguments.ToNamed();
    }

    /// <summary>What stands left of the filter or test; undefined for a function.</summary>
    public JinjaValue Value { get; }

    /// <summary>The positional arguments.</summary>
    public IReadOnlyList<JinjaValue> Arguments { get; }

    /// <summary>The named arguments.</summary>
    public IReadOnlyDictionary<string, JinjaValue> Named { get; }

    /// <summary>The argument at this place or of this name; undefined if it was not given.</summary>
    public JinjaValue Argument(int index, string name) =>
        index < Arguments.Count ? Arguments[index] : Named.GetValueOrDefault(name);

    /// <summary>The text that a template would print, within the render's limits.</summary>
    /// <exception cref="JinjaException">The value is undefined.</exception>
    public string Text(JinjaValue value) => _render.Text(value);

    /// <summary>Counts work that the template made necessary.</summary>
    /// <exception cref="JinjaException">The render has used up its steps.</exception>
    public void Charge(long steps) => _render.Charge(Math.Max(0, steps));

    /// <summary>An error at the place of the call; throw it.</summary>
    public JinjaException Fail(string reason) => _render.Fail(reason);
}
