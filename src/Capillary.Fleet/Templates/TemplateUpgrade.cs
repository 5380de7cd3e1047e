using Capillary.Fleet.Documents;
using Capillary.Fleet.Templates.Merging;

namespace Capillary.Fleet.Templates;

/// <summary>What is to be done with an instance.</summary>
/// <param name="State">What it was made from.</param>
/// <param name="Before">The template at the commit of its state.</param>
/// <param name="After">The template that it shall have.</param>
/// <param name="To">Where <paramref name="After"/> comes from.</param>
/// <param name="Settings">Values that change, over those of its state.</param>
public sealed record UpgradeRequest(InstanceState State, TemplateSource Before, TemplateSource After, TemplateOrigin To,
    TemplateValues Settings)
{
    /// <summary>Values of its state that go before <see cref="Settings"/> come, so that defaults count again.</summary>
    public IReadOnlyList<string> Unset { get; init; } = [];
}

/// <summary>One file that changes.</summary>
/// <param name="Template">The path of its template, which is the same in every instance; of a state file its own.</param>
/// <param name="Before">Null: it was not there.</param>
/// <param name="After">Null: it goes.</param>
public sealed record PlannedChange(string Template, MergeFile? Before, MergeFile? After);

/// <summary>How planning ended.</summary>
/// <param name="Changes">By path below the instance; the state file is one of them.</param>
/// <param name="Conflicts">What is to be decided first; while there is one, nothing is to be written.</param>
/// <param name="Decided">Conflicts that a resolution decided.</param>
/// <param name="Problems">Why nothing can be planned; then all else is empty.</param>
/// <param name="Warnings">What was passed over.</param>
public sealed record UpgradePlan(IReadOnlyDictionary<string, PlannedChange> Changes, IReadOnlyList<TreeConflict> Conflicts,
    IReadOnlyList<TreeConflict> Decided, IReadOnlyList<Diagnostic> Problems, IReadOnlyList<Diagnostic> Warnings)
{
    /// <summary>The instance's values before and after.</summary>
    public OwnValues Own { get; init; } = OwnValues.None;

    /// <summary>Everything is decided.</summary>
    public bool IsReady => Problems.Count == 0 && Conflicts.Count == 0;

    /// <summary>An upgrade that cannot be planned.</summary>
    /// <param name="problems">Why.</param>
    public static UpgradePlan Failed(IReadOnlyList<Diagnostic> problems) =>
        new(new Dictionary<string, PlannedChange>(), [], [], problems, []);
}

/// <summary>
/// One instance's upgrade, in two steps, so that its caller can read the files of a thousand instances at once: begin, read what is
/// <see cref="Wanted"/>, finish. Base is the old version with the old values, theirs the new one with the new values, ours what is there.
/// </summary>
public sealed class TemplateUpgrade
{
    private readonly UpgradeRequest request;
    private readonly IReadOnlyDictionary<string, MergeEntry> ours;
    private readonly RenderedTemplate before;
    private readonly RenderedTemplate after;
    private readonly InstanceState next;
    private readonly List<Diagnostic> problems;

    private TemplateUpgrade(UpgradeRequest request, IReadOnlyDictionary<string, MergeEntry> ours, RenderedTemplate before,
        RenderedTemplate after, InstanceState next, List<Diagnostic> problems)
    {
        (this.request, this.ours, this.before, this.after, this.next, this.problems) = (request, ours, before, after, next, problems);
        Wanted = problems.Count > 0 ? [] : [.. TreeMerge.Wanted(Trees(_ => default)).Append(request.State.File).Append(next.File)
            .Distinct().Where(ours.ContainsKey)];
    }

    /// <summary>Paths of ours whose bytes <see cref="Finish"/> reads.</summary>
    public IReadOnlyList<string> Wanted { get; }

    /// <summary>Renders both versions.</summary>
    /// <param name="request">What is to be done.</param>
    /// <param name="ours">What stands in the instance's folder, by path below it.</param>
    /// <param name="stop">Ends a long render.</param>
    public static TemplateUpgrade Begin(UpgradeRequest request, IReadOnlyDictionary<string, MergeEntry> ours, CancellationToken stop)
    {
        var problems = new List<Diagnostic>();
        var before = request.Before.Render(request.State.Values, request.State.Origin, stop);
        problems.AddRange(before.Problems.Select(problem => At(problem, request.State.Origin)));
        var values = request.State.Values;
        if (before.Given.Context is { } context) values = VariableMigrations.Apply(request.After.Manifest, values, context, problems);
        values = values.Without(request.Unset).With(request.Settings);
        var after = request.After.Render(values, request.To, stop);
        problems.AddRange(after.Problems.Select(problem => At(problem, request.To)));
        var form = request.After.Form == TemplateForm.Capillary ? TemplateForm.Capillary : request.State.Form;
        return new TemplateUpgrade(request, ours, before, after, new InstanceState(form, request.To, values), problems);
    }

    /// <summary>Merges.</summary>
    /// <param name="read">Gives the bytes of one of <see cref="Wanted"/>.</param>
    /// <param name="decide">What was decided about a conflict; null when nothing was.</param>
    public UpgradePlan Finish(Func<string, ReadOnlyMemory<byte>> read, Func<TreeConflict, Resolution?> decide)
    {
        if (problems.Count > 0) return UpgradePlan.Failed(problems);
        var labels = new MergeLabels("here", $"template {request.State.Origin.Version}", $"template {request.To.Version}");
        var merged = TreeMerge.Merge(Trees(read), labels, decide);
        var changes = new SortedDictionary<string, PlannedChange>(StringComparer.Ordinal);
        var templates = Templates();
        foreach (var (path, file) in merged.Changes) changes[path] = new(templates.GetValueOrDefault(path, path), Here(path, read), file);
        // Only what it says counts: a state file that a person or foxops wrote in another way stays as it is.
        if (next.File != request.State.File || !IsSame(next, request.State))
            changes[next.File] = new(next.File, Here(next.File, read), MergeFile.Plain(next.ToBytes(after.Given.Context!.Value)));
        if (next.File != request.State.File) changes[request.State.File] = new(request.State.File, Here(request.State.File, read), null);
        return new UpgradePlan(changes, merged.Conflicts, merged.Decided, [], after.Given.Warnings)
        {
            Own = new OwnValues([request.State.Values, next.Values]),
        };
    }

    private Dictionary<string, string> Templates()
    {
        var templates = new Dictionary<string, string>(StringComparer.Ordinal);
        foreach (var (template, path) in before.Names.Concat(after.Names)) templates[path] = template;
        return templates;
    }

    private MergeFile? Here(string path, Func<string, ReadOnlyMemory<byte>> read)
    {
        if (!ours.TryGetValue(path, out var entry)) return null;
        return before.Files.TryGetValue(path, out var known) && entry.Id == known.Id
            ? new MergeFile(entry.Kind, known.Bytes) : new MergeFile(entry.Kind, read(path));
    }

    private MergeTrees Trees(Func<string, ReadOnlyMemory<byte>> read)
    {
        var renames = new Dictionary<string, string>(StringComparer.Ordinal);
        foreach (var (template, path) in before.Names)
        {
            // A template whose name reads a value that changed goes along with it.
            if (after.Names.TryGetValue(request.After.Manifest.Renames.GetValueOrDefault(template, template), out var now) && now != path)
                renames[path] = now;
        }
        return new MergeTrees(before.Files, after.Files, ours, read) { Renames = renames };
    }

    private static bool IsSame(InstanceState left, InstanceState right) =>
        left.Origin == right.Origin && left.Values.Key == right.Values.Key;

    private static Diagnostic At(Diagnostic problem, TemplateOrigin origin) =>
        problem with { Message = $"{problem.Message} [template {origin.Version}]" };
}
