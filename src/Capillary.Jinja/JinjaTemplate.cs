using System.Runtime.CompilerServices;
using Capillary.Jinja.Run;
using Capillary.Jinja.Values;

namespace Capillary.Jinja;

/// <summary>
/// A parsed template. Immutable: parse once, render from any number of threads. A render has no I/O, no clock, no randomness and no
/// reflection: the same context gives the same text, and nothing but the context can be reached.
/// </summary>
public sealed class JinjaTemplate
{
    private readonly Program _program;
    private Reads? _reads;

    internal JinjaTemplate(Program program) => _program = program;

    /// <summary>The name given to <see cref="Parse"/>; it stands in every error.</summary>
    public string Name => _program.Source.Name;

    /// <summary>
    /// Names that the template, and those it includes, may read from the context, ordinal order. Not among them: variables that it
    /// surely sets itself, and <see cref="Globals"/>.
    /// </summary>
    public IReadOnlyList<string> FreeVariables => All.FreeVariables;

    /// <summary>
    /// Dotted paths that the template, and those it includes, may read from the context, ordinal order, such as <c>vars.port</c>: each
    /// as long as the source alone tells. After a dynamic access (<c>vars[name]</c>, a loop over <c>vars</c>) it is the part before it,
    /// and covers all below it.
    /// </summary>
    public IReadOnlyList<string> ReadPaths => All.Paths;

    /// <summary>Names of built-in functions and of the environment's globals that it uses; a context entry of such a name wins.</summary>
    public IReadOnlyList<string> Globals => All.Globals;

    /// <summary>
    /// It includes or extends a template whose name only a render tells, or that is not there now: it may read anything, and
    /// <see cref="ReadPaths"/> is not all.
    /// </summary>
    public bool ReadsAnything => All.Anything;

    private Reads All => _reads ??= Reads.Of(_program);

    /// <summary>Parses a template that stands alone; see <see cref="JinjaEnvironment"/> for those that include others.</summary>
    /// <param name="source">The template. Line ends become <see cref="JinjaOptions.NewlineSequence"/>.</param>
    /// <param name="name">A name for errors, usually a path.</param>
    /// <param name="options">Null: <see cref="JinjaOptions.Default"/>.</param>
    /// <exception cref="JinjaException">The source is no valid template.</exception>
    public static JinjaTemplate Parse(string source, string name, JinjaOptions? options = null)
    {
        var environment = options is null ? JinjaEnvironment.Plain : new JinjaEnvironment { Options = options };
        return environment.Parse(source, name);
    }

    /// <summary>Renders the template.</summary>
    /// <param name="context">A map from names to values.</param>
    /// <param name="stop">Ends a long render with <see cref="OperationCanceledException"/>.</param>
    /// <exception cref="JinjaException">An undefined value is used, an operation does not fit its values, or a limit is met.</exception>
    /// <exception cref="InsufficientExecutionStackException">The calling thread has less than 128 KiB of stack left.</exception>
    public string Render(JinjaValue context, CancellationToken stop = default)
    {
        if (context.Ref is not MapValue map) throw new ArgumentException("the context must be a map", nameof(context));
        RuntimeHelpers.EnsureSufficientExecutionStack();
        using var state = new RenderState(_program, map, stop);
        state.RunRoot();
        return state.Output.Written.ToString();
    }
}
