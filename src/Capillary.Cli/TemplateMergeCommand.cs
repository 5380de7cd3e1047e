using System.CommandLine;
using Capillary.Fleet.Templates.Merging;

namespace Capillary.Cli;

/// <summary><c>capillary template merge OURS BASE THEIRS</c>.</summary>
internal static class TemplateMergeCommand
{
    private const int MostConflicts = 127;

    /// <summary>As <c>git merge-file</c> ends when it cannot merge at all, so that no number of conflicts is taken for it.</summary>
    private const int CannotMerge = 255;

    public static Command Create()
    {
        var ours = new Argument<string>("OURS") { Description = "The file with your changes." };
        var ancestor = new Argument<string>("BASE") { Description = "The file that both began with." };
        var theirs = new Argument<string>("THEIRS") { Description = "The file with the other changes." };
        var labels = new Option<string[]>("--label", "-L")
        {
            Description = "What stands behind the markers in place of the file names: up to three times, for OURS, BASE, THEIRS.",
            HelpName = "text",
        };
        labels.Validators.Add(result =>
        {
            if (result.Tokens.Count > 3) result.AddError("--label stands at most three times");
        });
        var withBase = new Option<bool>("--diff3") { Description = "Show the base of each conflict too." };
        var command = new Command("merge", "Merge two changes of one file. Prints the result, with conflicts between markers; "
            + $"ends with the number of conflicts (at most {MostConflicts}), or {CannotMerge} if it cannot merge.")
        {
            ours, ancestor, theirs, labels, withBase,
        };
        command.SetAction((parsed, stop) => Task.FromResult(Run([parsed.GetValue(ours)!, parsed.GetValue(ancestor)!,
            parsed.GetValue(theirs)!], parsed.GetValue(labels) ?? [], parsed.GetValue(withBase), parsed.InvocationConfiguration)));
        return command;
    }

    private static int Run(string[] files, string[] labels, bool withBase, InvocationConfiguration io)
    {
        var texts = new byte[files.Length][];
        for (var i = 0; i < files.Length; i++)
        {
            try
            {
                texts[i] = TemplateRun.ReadFile(files[i]);
            }
            catch (Exception e) when (e is IOException or UnauthorizedAccessException)
            {
                io.Error.WriteLine($"capillary: {e.Message}");
                return CannotMerge;
            }
            if (!TextMerge.IsBinary(texts[i])) continue;
            io.Error.WriteLine($"capillary: {files[i]} is binary; lines of it cannot be merged");
            return CannotMerge;
        }
        string Label(int index) => index < labels.Length ? labels[index] : files[index];
        var merged = TextMerge.Merge(texts[0], texts[1], texts[2], keepWholeConflicts: withBase);
        CommandOutput.WriteBytes(io.Output, merged.ToBytes(new MergeLabels(Label(0), Label(1), Label(2)), withBase));
        return Math.Min(merged.Conflicts.Count(), MostConflicts);
    }
}
