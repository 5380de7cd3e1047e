using System.Runtime.CompilerServices;
using Capillary.Jinja.Run;
using Capillary.Jinja.Syntax;
using Capillary.Jinja.Values;

namespace Capillary.Jinja;

/// <summary>
/// A parsed template. Immutable: parse once, render from any number of threads. A render has no I/O, no clock, no randomness and no
/// reflection: the same context gives the same text, and nothing but the context can be reached.
/// </summary>
public sealed class JinjaTemplate
{
    private readonly Program _program;

    private JinjaTemplate(Program program) => _program = program;

    /// <summary>The name given to <see cref="Parse"/>; it stands in every error.</summary>
    public string Name => _program.Source.Name;

    /// <summary>
    /// Names that the template may read from the context, ordinal order. Variables that it surely sets itself, and the built-in
    /// functions (<c>range</c>, <c>dict</c>, <c>namespace</c>), are not among them; those functions hide context entries of their name.
    /// </summary>
    public IReadOnlyList<string> FreeVariables => _program.FreeVariables;

    /// <summary>
    /// Dotted paths that the template may read from the context, ordinal order, such as <c>vars.port</c>: each as long as the source
    /// alone tells. After a dynamic access (<c>vars[name]</c>, a loop over <c>vars</c>) it is the part before it, and covers all below it.
    /// </summary>
    public IReadOnlyList<string> ReadPaths => _program.ReadPaths;

    /// <summary>Parses a template.</summary>
    /// <param name="source">The template. Line ends become <c>\n</c>.</param>
    /// <param name="name">A name for errors, usually a path.</param>
    /// <param name="options">Null: <see cref="JinjaOptions.Default"/>.</param>
    /// <exception cref="JinjaException">The source is no valid template, or uses what is not supported yet.</exception>
    public static JinjaTemplate Parse(string source, string name, JinjaOptions? options = null)
    {
        ArgumentNullException.ThrowIfNull(source);
        ArgumentNullException.ThrowIfNull(name);
        options ??= JinjaOptions.Default;
        ArgumentOutOfRangeException.ThrowIfNotEqual(options.MaxDepth is >= 1 and <= 200, true, nameof(options));
        var text = new SourceText(name, source);
        return new JinjaTemplate(Binder.Bind(text, options, Parser.Parse(text, options)));
    }

    /// <summary>Renders the template.</summary>
    /// <param name="context">A map from names to values.</param>
    /// <param name="stop">Ends a long render with <see cref="OperationCanceledException"/>.</param>
    /// <exception cref="JinjaException">An undefined value is used, an operation does not fit its values, or a limit is met.</exception>
    public string Render(JinjaValue context, CancellationToken stop = default)
    {
        if (context.Ref is not MapValue map) throw new ArgumentException("the context must be a map", nameof(context));
        using var state = new RenderState(_program, map, stop);
        RuntimeHelpers.EnsureSufficientExecutionStack();
        _program.Body.Render(state);
        return state.Output.Written.ToString();
    }
}
