using System.CommandLine;
using System.Text.Json;
using Capillary.Fleet.Compile;
using Capillary.HubNode.Git;
using Capillary.HubNode.Publish;

namespace Capillary.Cli;

/// <summary><c>capillary fleet preview [DIR] --against REV</c>.</summary>
internal static class FleetPreviewCommand
{
    private const int MaxNames = 5;

    /// <summary>Sites that change in the same way.</summary>
    private sealed record ChangeGroup(SiteChangeKind Kind, string Diff, IReadOnlyList<string> Sites);

    public static Command Create()
    {
        var folder = FleetFolder.FolderArgument();
        var against = new Option<string>("--against")
        {
            Description = "The commit to compare with: a branch, tag, id or HEAD~1.",
            Required = true,
        };
        var strict = new Option<bool>("--exit-code") { Description = "End with exit code 1 when any site changes." };
        var format = CommandOutput.FormatOption();
        var command = new Command("preview", "Show which sites the folder would change, and how, compared with a commit.")
        {
            folder, against, strict, format,
        };
        command.SetAction((parsed, stop) => RunAsync(parsed.GetValue(folder)!, parsed.GetValue(against)!, parsed.GetValue(strict),
            parsed.GetValue(format), parsed.InvocationConfiguration, stop));
        return command;
    }

    private static async Task<int> RunAsync(string folder, string revision, bool strict, OutputFormat format, InvocationConfiguration io,
        CancellationToken stop)
    {
        if (await BaselineAsync(folder, revision, io.Error, stop) is not { Sites: { } before } baseline) return ExitCode.Failed;
        if (new FleetFolder(folder, io.Error).CompileWithoutErrors(baseline, stop) is not { Sites: { } after }) return ExitCode.Failed;
        var preview = FleetPreview.Compare(before, after);
        var groups = Group(preview);
        if (format == OutputFormat.Json) CommandOutput.WriteJson(io.Output, json => Json(json, preview, groups));
        else Text(preview, groups, io.Output);
        return strict && preview.Changes.Count > 0 ? ExitCode.Failed : ExitCode.Done;
    }

    /// <summary>The commit's compile; null after saying why there is none.</summary>
    public static async Task<FleetCompilation?> BaselineAsync(string folder, string revision, TextWriter error, CancellationToken stop)
    {
        if (!Directory.Exists(folder))
        {
            error.WriteLine($"capillary: there is no folder {folder}");
            return null;
        }
        var reader = new GitTreeReader(folder);
        if (await reader.PrefixAsync(stop) is not { } prefix)
        {
            error.WriteLine($"capillary: {folder} is not in a Git repository");
            return null;
        }
        var (commit, problem) = await reader.ResolveAsync(revision, stop);
        var read = commit is null ? new TreeRead.Failed(problem!) : await reader.ReadAsync(commit.Id, prefix, null, stop);
        if (read is not TreeRead.Done done)
        {
            error.WriteLine($"capillary: '{revision}' cannot be read: {((TreeRead.Failed)read).Error}");
            return null;
        }
        var compilation = CompileLoop.Compile(done.Tree, null, stop);
        if (!compilation.Diagnostics.HasErrors) return compilation;
        error.WriteLine($"capillary: '{revision}' itself does not compile, so there is nothing to compare with:");
        new FleetFolder(".", error).Show(compilation.Diagnostics, error);
        return null;
    }

    private static List<ChangeGroup> Group(FleetPreview preview)
    {
        var diffs = preview.Changes.Select(change => (change.Site.Value, change.Kind,
            Diff: change is { Before: { } before, After: { } after } ? SiteDiff.Of(before, after) : new SiteDiff("", "")));
        return [.. diffs.GroupBy(item => (item.Kind, item.Diff.ChangedLines))
            .Select(group => new ChangeGroup(group.Key.Kind, group.First().Diff.Text, [.. group.Select(item => item.Value)]))];
    }

    private static void Text(FleetPreview preview, List<ChangeGroup> groups, TextWriter output)
    {
        foreach (var group in groups)
        {
            output.Write($"{Verb(group.Kind)} {Sites(group.Sites)}\n");
            if (group.Diff.Length > 0) output.Write($"{group.Diff}\n");
        }
        int Count(SiteChangeKind kind) => preview.Changes.Count(change => change.Kind == kind);
        output.Write($"{Count(SiteChangeKind.Changed):N0} changed, {Count(SiteChangeKind.Added):N0} new, "
            + $"{Count(SiteChangeKind.Removed):N0} removed, {preview.Unchanged:N0} unchanged\n");
    }

    private static string Sites(IReadOnlyList<string> names) =>
        $"{names.Count:N0} site{(names.Count == 1 ? "" : "s")}: {string.Join(", ", names.Take(MaxNames))}"
        + (names.Count > MaxNames ? $" and {names.Count - MaxNames:N0} more" : "");

    private static string Verb(SiteChangeKind kind) => kind switch
    {
        SiteChangeKind.Added => "new",
        SiteChangeKind.Removed => "removed (keeps its bundle until it is retired)",
        _ => "changed",
    };

    private static void Json(Utf8JsonWriter json, FleetPreview preview, List<ChangeGroup> groups)
    {
        json.WriteStartObject();
        json.WriteNumber("unchanged", preview.Unchanged);
        json.WriteStartArray("changes");
        foreach (var group in groups)
        {
            json.WriteStartObject();
            json.WriteString("kind", group.Kind.ToString().ToLowerInvariant());
            json.WriteStartArray("sites");
            foreach (var site in group.Sites) json.WriteStringValue(site);
            json.WriteEndArray();
            if (group.Diff.Length > 0) json.WriteString("diff", group.Diff);
            json.WriteEndObject();
        }
        json.WriteEndArray();
        json.WriteEndObject();
    }
}
