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
            if (await EditsAsync(parsed.GetValue(folder)!, io, stop) is not var (_, edits)) return ExitCode.Failed;
            foreach (var (path, (here, made)) in edits) io.Output.Write(UnifiedDiff.Of(path, made, here));
            return edits.Count > 0 && parsed.GetValue(strict) ? ExitCode.Failed : ExitCode.Done;
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
        command.SetAction((parsed, stop) => TemplateRun.GuardAsync(parsed.InvocationConfiguration, async () =>
        {
            var (io, names) = (parsed.InvocationConfiguration, parsed.GetValue(files) ?? []);
            if (await EditsAsync(parsed.GetValue(folder)!, io, stop) is not var (instance, edits)) return ExitCode.Failed;
            if (names.FirstOrDefault(name => !edits.ContainsKey(name)) is { } unknown)
            {
                io.Error.WriteLine($"capillary: {unknown}: no file of the template that was edited");
                return ExitCode.Failed;
            }
            var chosen = edits.Where(item => names.Length == 0 || names.Contains(item.Key)).ToList();
            foreach (var (path, (here, made)) in chosen) io.Output.Write(UnifiedDiff.Of(path, here, made));
            if (parsed.GetValue(dry)) return ExitCode.Done;
            var changes = chosen.ToDictionary(item => item.Key, item => (MergeFile?)item.Value.Made);
            if (instance.Files.Write(changes) is not { } failure) return ExitCode.Done;
            io.Error.WriteLine($"capillary: {failure}");
            return ExitCode.Failed;
        }));
        return command;
    }

    /// <summary>The template's files that are not as it rendered them; null after saying what is wrong.</summary>
    private static async Task<(TemplateInstance Instance, SortedDictionary<string,
        (MergeFile? Here, MergeFile Made)> Edits)?> EditsAsync(string folder,
        InvocationConfiguration io, CancellationToken stop)
    {
        if (await TemplateInstance.OpenAsync(folder, io.Error, stop) is not { } instance) return null;
        if (await instance.Repository.SourceAsync(instance.State.Origin, instance.StateFile, stop) is not { } source) return null;
        var made = NewInstance.Of(source, instance.State, stop);
        foreach (var problem in made.Problems) io.Error.WriteLine(problem.ToString());
        if (made.Problems.Count > 0) return null;
        var here = instance.Files.List(stop);
        var edits = new SortedDictionary<string, (MergeFile?, MergeFile)>(StringComparer.Ordinal);
        foreach (var (path, file) in made.Files)
        {
            if (InstanceFiles.IsState(path)) continue;
            var entry = here.GetValueOrDefault(path);
            if (entry is null) edits[path] = (null, file);
            else if (!entry.IsSame(file)) edits[path] = (new MergeFile(entry.Kind, instance.Files.Read(path)), file);
        }
        return (instance, edits);
    }
}
