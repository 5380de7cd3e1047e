using System.Collections.Concurrent;
using Capillary.Jinja.Builtins;
using Capillary.Jinja.Run;
using Capillary.Jinja.Syntax;
using Capillary.Jinja.Values;

namespace Capillary.Jinja;

/// <summary>Gives the source of a template, or null if there is none of that name. Called from any thread that renders.</summary>
public delegate string? JinjaLoader(string name);

/// <summary>
/// What several templates share: options, where they come from, and filters, tests and globals beside the built-in ones. Immutable,
/// safe from any number of threads. Templates that the loader gave are parsed once and kept for the environment's life.
/// </summary>
public sealed class JinjaEnvironment
{
    private readonly ConcurrentDictionary<string, Program> _loaded = new(StringComparer.Ordinal);

    /// <summary>Default: <see cref="JinjaOptions.Default"/>.</summary>
    public JinjaOptions Options { get; init; } = JinjaOptions.Default;

    /// <summary>Where <c>include</c>, <c>import</c> and <c>extends</c> look. Default: null, and these tags are errors of parsing.</summary>
    public JinjaLoader? Loader { get; init; }

    /// <summary>Filters by name; they win over built-in ones.</summary>
    public IReadOnlyDictionary<string, JinjaFunction> Filters { get; init; } = new Dictionary<string, JinjaFunction>();

    /// <summary>Tests by name; they win over built-in ones.</summary>
    public IReadOnlyDictionary<string, JinjaTest> Tests { get; init; } = new Dictionary<string, JinjaTest>();

    /// <summary>Variables that every template has, imported ones too; the context of a render wins over them.</summary>
    public IReadOnlyDictionary<string, JinjaValue> Globals { get; init; } = new Dictionary<string, JinjaValue>();

    internal static JinjaEnvironment Plain { get; } = new();

    /// <summary>Parses a source that did not come from the loader.</summary>
    /// <param name="source">The template.</param>
    /// <param name="name">A name for errors, usually a path.</param>
    /// <exception cref="JinjaException">The source is no valid template.</exception>
    public JinjaTemplate Parse(string source, string name)
    {
        ArgumentNullException.ThrowIfNull(source);
        ArgumentNullException.ThrowIfNull(name);
        Options.Check();
        return new JinjaTemplate(Compile(source, name));
    }

    /// <summary>The template that the loader has under <paramref name="name"/>, or null.</summary>
    /// <exception cref="JinjaException">Its source is no valid template.</exception>
    public JinjaTemplate? Find(string name)
    {
        ArgumentNullException.ThrowIfNull(name);
        Options.Check();
        return Load(name) is { } program ? new JinjaTemplate(program) : null;
    }

    internal Program? Load(string name)
    {
        if (_loaded.TryGetValue(name, out var known)) return known;
        if (Loader?.Invoke(name) is not { } source) return null;
        return _loaded.GetOrAdd(name, Compile(source, name));
    }

    internal Builtin? FindFilter(string name) =>
        Filters.Count > 0 && Filters.TryGetValue(name, out var own) ? HostFunction.AsFilter(name, own) : Builtins.Filters.Find(name);

    internal BuiltinTest? FindTest(string name) =>
        Tests.Count > 0 && Tests.TryGetValue(name, out var own) ? HostFunction.AsTest(name, own) : Builtins.Tests.Find(name);

    internal JinjaValue FindGlobal(string name) =>
        Globals.Count > 0 && Globals.TryGetValue(name, out var own) ? own : Builtins.Globals.Find(name);

    private Program Compile(string source, string name)
    {
        var text = new SourceText(name, source);
        return Binder.Bind(text, this, Parser.Parse(text, this));
    }
}
