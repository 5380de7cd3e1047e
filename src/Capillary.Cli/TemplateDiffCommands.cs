using System.CommandLine;
using Capillary.Fleet.Templates;
using Capillary.Fleet.Templates.Merging;

namespace Capillary.Cli;

/// <summary><c>capillary template diff [DIR]</c> and <c>capillary template reset DIR [FILE…]</c>: what was edited since.</summary>
internal static class TemplateDiffCommands
{
    public static Command Diff()
    {
        var folder = TemplateInstance.FolderArgument();
        var strict = new Option<bool>("--exit-code") { Description = "End with exit code 1 when anything was edited." };
        var command = new Command("diff", "Show what was edited in an instance since its template rendered it.") { folder, strict };
        command.SetAction((parsed, stop) => TemplateRun.GuardAsync(parsed.InvocationConfiguration, async () =>
        {
            var io = parsed.InvocationConfiguration;
            if (await ReadAsync(parsed.GetValue(folder)!, io, stop) is not var (_, places)) return ExitCode.Failed;
            var edited = places.Where(place => place.IsEdited).ToList();
            foreach (var place in edited) io.Output.Write(UnifiedDiff.Of(place.Path, place.Made, place.Here));
            return edited.Count > 0 && parsed.GetValue(strict) ? ExitCode.Failed : ExitCode.Done;
        }));
        return command;
    }

    public static Command Reset()
    {
        var folder = new Argument<string>("DIR") { Description = "The instance's folder." };
        var files = new Argument<string[]>("FILE")
        {
            Description = "Only these files, as named below DIR.",
            Arity = ArgumentArity.ZeroOrMore,
        };
        var dry = new Option<bool>("--dry-run") { Description = "Show what would change and write nothing." };
        var command = new Command("reset",
            "Undo edits: make the template's files as its version and values render them. Other files are left alone.")
        {
            folder, files, dry,
        };
        command.SetAction((parsed, stop) => TemplateRun.GuardAsync(parsed.InvocationConfiguration, () =>
            RunResetAsync(parsed.GetValue(folder)!, parsed.GetValue(files) ?? [], parsed.GetValue(dry), parsed.InvocationConfiguration,
                stop)));
        return command;
    }

    /// <summary>All of the files that are named, or none.</summary>
    private static async Task<int> RunResetAsync(string folder, string[] files, bool isDry, InvocationConfiguration io,
        CancellationToken stop)
    {
        if (await ReadAsync(folder, io, stop) is not var (instance, places)) return ExitCode.Failed;
        var names = files.Select(name => Path.GetRelativePath(folder, Path.GetFullPath(name, Path.GetFullPath(folder))).Replace('\\', '/'))
            .ToHashSet(StringComparer.Ordinal);
        var unknown = names.Except(places.Select(place => place.Path)).ToList();
        foreach (var name in unknown) io.Error.WriteLine($"capillary: {name}: no file of the template; nothing was reset");
        if (unknown.Count > 0) return ExitCode.Failed;
        var chosen = places.Where(place => place.IsEdited && (names.Count == 0 || names.Contains(place.Path))).ToList();
        foreach (var place in chosen) io.Output.Write(UnifiedDiff.Of(place.Path, place.Here, place.Made));
        if (isDry) return ExitCode.Done;
        var changes = chosen.ToDictionary(place => place.Path, place => (MergeFile?)place.Made);
        return instance.Files.Write(changes) is { } failure ? TemplateRun.Fail(io, failure) : ExitCode.Done;
    }

    /// <summary>The template's files in order of path; null after saying what is wrong.</summary>
    private static async Task<(TemplateInstance Instance, List<Place> Places)?> ReadAsync(string folder, InvocationConfiguration io,
        CancellationToken stop)
    {
        if (await TemplateInstance.OpenAsync(folder, io.Error, stop) is not { } instance) return null;
        if (await instance.Repository.SourceAsync(instance.State.Origin, instance.StateFile, stop) is not { } source) return null;
        var made = NewInstance.Of(source, instance.State, stop);
        foreach (var problem in made.Problems) io.Error.WriteLine(problem.ToString());
        if (made.Problems.Count > 0) return null;
        var here = instance.Files.List(stop);
        return (instance, [.. made.Files.Where(item => !InstanceFiles.IsState(item.Key)).Select(item => new Place(item.Key,
            here.GetValueOrDefault(item.Key) is not { } entry ? null
            : entry.IsSame(item.Value) ? item.Value : new MergeFile(entry.Kind, instance.Files.Read(item.Key)), item.Value))]);
    }

    /// <summary>A file of the template: as it is here, and as the template makes it.</summary>
    private sealed record Place(string Path, MergeFile? Here, MergeFile Made)
    {
        public bool IsEdited => !Made.IsSame(Here);
    }
}
