namespace Capillary.Jinja.Run;

/// <summary>What a template reads from outside of it.</summary>
/// <param name="FreeVariables">Names, ordinal order.</param>
/// <param name="Paths">Dotted paths, the widest only, ordinal order.</param>
/// <param name="Globals">Names of functions and globals, ordinal order.</param>
/// <param name="Templates">Names of templates that see the same context.</param>
/// <param name="Anything">It may read more than is listed.</param>
internal sealed record Reads(
    IReadOnlyList<string> FreeVariables,
    IReadOnlyList<string> Paths,
    IReadOnlyList<string> Globals,
    IReadOnlyList<string> Templates,
    bool Anything)
{
    // More templates than this in one are taken for a mistake.
    private const int MostTemplates = 1000;

    internal static Reads None { get; } = new([], [], [], [], false);

    /// <summary>Those of the template and of all that it surely or perhaps includes.</summary>
    internal static Reads Of(Program program)
    {
        if (program.Reads.Templates.Count == 0) return program.Reads;
        var seen = new HashSet<string>(StringComparer.Ordinal);
        var open = new Stack<Reads>([program.Reads]);
        var all = None;
        while (open.TryPop(out var next))
        {
            all = all.With(next);
            foreach (var name in next.Templates.Where(seen.Add))
            {
                if (seen.Count <= MostTemplates && Load(program.Environment, name) is { } included) open.Push(included);
                else all = all with { Anything = true };
            }
        }
        return all with { Paths = Widest(all.Paths), Templates = [.. seen] };
    }

    /// <summary>"vars" covers "vars.port".</summary>
    internal static IReadOnlyList<string> Widest(IEnumerable<string> paths)
    {
        var all = new SortedSet<string>(paths, StringComparer.Ordinal);
        return [.. all.Where(path => !IsCovered(all, path))];
    }

    private static Reads? Load(JinjaEnvironment environment, string name)
    {
        try
        {
            return environment.Load(name)?.Reads;
        }
        catch (JinjaException)
        {
            // It is an error of the render, if that comes by there.
            return null;
        }
    }

    private static bool IsCovered(SortedSet<string> all, string path)
    {
        for (var dot = path.IndexOf('.'); dot >= 0; dot = path.IndexOf('.', dot + 1))
        {
            if (all.Contains(path[..dot])) return true;
        }
        return false;
    }

    private Reads With(Reads other) => new(
        Merged(FreeVariables, other.FreeVariables), Merged(Paths, other.Paths), Merged(Globals, other.Globals), [],
        Anything || other.Anything);

    private static List<string> Merged(IReadOnlyList<string> a, IReadOnlyList<string> b) =>
        [.. new SortedSet<string>(a.Concat(b), StringComparer.Ordinal)];
}
