using System.CommandLine;
using System.Diagnostics;
using Capillary.Fleet.Templates.Merging;

namespace Capillary.Cli;

/// <summary><c>capillary template resolve [DIR] [CONFLICT…]</c>.</summary>
internal static class TemplateResolveCommand
{
    public static Command Create()
    {
        var folder = new Argument<string>("DIR") { Description = "The instance's folder." };
        var names = new Argument<string[]>("CONFLICT")
        {
            Description = "A file (all its conflicts) or file#number; none: every conflict.",
            Arity = ArgumentArity.ZeroOrMore,
        };
        var ours = new Option<bool>("--ours") { Description = "As it is here." };
        var theirs = new Option<bool>("--theirs") { Description = "As in the template." };
        var with = new Option<string?>("--with") { Description = "As in this file; of lines: only these lines.", HelpName = "file" };
        var edit = new Option<bool>("--edit") { Description = "As you write it, in $VISUAL or $EDITOR." };
        var command = new Command("resolve",
            "Decide the conflicts of an upgrade that waits; without a choice, show them. "
            + "A decision is offered where the same conflict stands elsewhere.")
        {
            folder, names, ours, theirs, with, edit,
        };
        command.Validators.Add(result =>
        {
            if (new Option[] { ours, theirs, with, edit }.Count(option => result.GetResult(option) is { Implicit: false }) > 1)
                result.AddError("choose one of --ours, --theirs, --with and --edit");
        });
        command.SetAction((parsed, stop) =>
        {
            Resolution? Choose(TreeConflict conflict) => parsed.GetValue(ours) ? new Resolution.Ours()
                : parsed.GetValue(theirs) ? new Resolution.Theirs()
                : parsed.GetValue(with) is { } file ? new Resolution.Written(WholeLines(conflict, TemplateRun.ReadFile(file)))
                : parsed.GetValue(edit) ? Edit(conflict) : null;

            var io = parsed.InvocationConfiguration;
            return TemplateRun.GuardAsync(io, () => RunAsync(parsed.GetValue(folder)!, parsed.GetValue(names) ?? [], Choose, io, stop));
        });
        return command;
    }

    private static async Task<int> RunAsync(string folder, string[] names, Func<TreeConflict, Resolution?> choose,
        InvocationConfiguration io, CancellationToken stop)
    {
        var wish = new TemplateUpgradeCommand.Wish(folder, null, [], [], IsDry: true, TakesKnown: false, OutputFormat.Table);
        if (await TemplateUpgradeCommand.BeginAsync(wish, io.Error, stop) is not var (instance, upgrade, asked)) return ExitCode.Failed;
        if (instance.Resolutions is not { } store)
            return TemplateRun.Fail(io, $"{folder} is not in a Git repository, where decisions are kept");
        var plan = upgrade.Finish(instance.Files.Read, _ => null);
        foreach (var problem in plan.Problems) io.Error.WriteLine(problem.ToString());
        if (plan.Problems.Count > 0) return ExitCode.Failed;
        bool IsDecided(TreeConflict conflict) => store.Find(conflict)?.Instances.Contains(instance.Name) == true;
        bool IsMeant(TreeConflict conflict) => names.Length == 0 ? !IsDecided(conflict)
            : names.Any(name => ConflictText.IsNamed(conflict, name));
        if (names.FirstOrDefault(name => !plan.Conflicts.Any(conflict => ConflictText.IsNamed(conflict, name))) is { } unknown)
        {
            return TemplateRun.Fail(io, $"there is no conflict '{unknown}'; "
                + (plan.Conflicts.Count == 0 ? "there is none"
                    : $"there are: {string.Join(", ", plan.Conflicts.Select(ConflictText.Name))}"));
        }
        foreach (var conflict in plan.Conflicts.Where(IsMeant))
        {
            if (choose(conflict) is not { } resolution) continue;
            if (!conflict.HasChoice)
            {
                io.Error.WriteLine($"capillary: {ConflictText.Name(conflict)} cannot be decided; move one of the files away");
                continue;
            }
            store.Keep(conflict, resolution, instance.Name);
            // The upgrade goes on to the version for which this was decided.
            store.Wait(instance.Name, new(asked.Version!, asked.Settings, asked.Unset));
        }
        var open = plan.Conflicts.Where(conflict => !IsDecided(conflict)).ToList();
        ConflictText.Write(io.Output, open, store);
        io.Output.WriteLine(plan.Conflicts.Count == 0 ? $"there is no conflict on the way to {asked.Version}"
            : open.Count == 0 ? $"everything on the way to {asked.Version} is decided: capillary template upgrade {folder}"
            : $"{TemplateUpgradeCommand.Count(open.Count, "conflict")} on the way to {asked.Version} to decide");
        return open.Count == 0 ? ExitCode.Done : ExitCode.Failed;
    }

    /// <summary>Lines end: without an end the next line would stand behind the last one.</summary>
    private static byte[] WholeLines(TreeConflict conflict, byte[] written)
    {
        var isLines = conflict.Kind == ConflictKind.Lines && written.Length > 0 && written[^1] != '\n';
        var sides = new[] { conflict.Ours, conflict.Base, conflict.Theirs }.OfType<MergeFile>().Where(side => side.Bytes.Length > 0)
            .ToList();
        if (!isLines || !sides.Exists(side => side.Bytes.Span[^1] == '\n')) return written;
        var isWindows = sides.TrueForAll(side => side.Bytes.Span.EndsWith("\r\n"u8));
        return [.. written, .. isWindows ? "\r\n"u8 : "\n"u8];
    }

    private static Resolution.Written Edit(TreeConflict conflict)
    {
        var editor = new[] { "VISUAL", "EDITOR" }.Select(Environment.GetEnvironmentVariable)
                .FirstOrDefault(value => value is { Length: > 0 })
            ?? throw new IOException("--edit needs an editor: set $VISUAL or $EDITOR");
        var folder = Directory.CreateTempSubdirectory("capillary-edit-");
        try
        {
            var file = Path.Combine(folder.FullName, Path.GetFileName(conflict.Path));
            File.WriteAllBytes(file, conflict.Kind == ConflictKind.Lines ? ConflictText.Marked(conflict)
                : (conflict.Ours ?? conflict.Theirs)!.Bytes.ToArray());
            using var process = Process.Start(new ProcessStartInfo("/bin/sh") { ArgumentList = { "-c", $"{editor} \"$0\"", file } })!;
            process.WaitForExit();
            if (process.ExitCode != 0) throw new IOException($"the editor ended with {process.ExitCode}; nothing was decided");
            var written = File.ReadAllBytes(file);
            if (written.AsSpan().IndexOf("<<<<<<< "u8) >= 0 || written.AsSpan().IndexOf(">>>>>>> "u8) >= 0)
                throw new IOException($"{ConflictText.Name(conflict)} still has its markers; nothing was decided");
            return new Resolution.Written(WholeLines(conflict, written));
        }
        finally
        {
            folder.Delete(recursive: true);
        }
    }
}
