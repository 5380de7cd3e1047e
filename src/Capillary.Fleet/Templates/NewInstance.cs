using Capillary.Fleet.Documents;
using Capillary.Fleet.Templates.Merging;

namespace Capillary.Fleet.Templates;

/// <summary>What a template makes where nothing was, or what an instance would be had nobody edited it.</summary>
/// <param name="Files">By path below the instance, its state file among them; empty when there is a problem.</param>
/// <param name="Problems">What is wrong.</param>
/// <param name="Warnings">What was passed over.</param>
public sealed record NewInstance(IReadOnlyDictionary<string, MergeFile> Files, IReadOnlyList<Diagnostic> Problems,
    IReadOnlyList<Diagnostic> Warnings)
{
    /// <summary>Renders an instance.</summary>
    /// <param name="source">The template.</param>
    /// <param name="state">What it is made from.</param>
    /// <param name="stop">Ends a long render.</param>
    public static NewInstance Of(TemplateSource source, InstanceState state, CancellationToken stop)
    {
        var rendered = source.Render(state.Values, state.Origin, stop);
        if (rendered.Problems.Count > 0) return new(new Dictionary<string, MergeFile>(), rendered.Problems, rendered.Given.Warnings);
        var files = new SortedDictionary<string, MergeFile>(StringComparer.Ordinal)
        {
            [state.File] = MergeFile.Plain(state.ToBytes(rendered.Given.Context!.Value)),
        };
        foreach (var (path, file) in rendered.Files) files[path] = file;
        return new(files, Folders(files.Keys), rendered.Given.Warnings);
    }

    private static List<Diagnostic> Folders(ICollection<string> paths)
    {
        var files = paths.ToHashSet(StringComparer.Ordinal);
        return [.. paths.SelectMany(path => path.Select((c, at) => c == '/' ? path[..at] : "").Where(files.Contains)
            .Select(folder => Diagnostic.Error(
            DiagnosticCodes.NameTakenTwice, TemplateManifest.Folder + path, TextPosition.WholeFile,
                $"'{folder}' is a file of the template too")))];
    }
}
