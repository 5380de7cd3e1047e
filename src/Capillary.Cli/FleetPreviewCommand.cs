using System.CommandLine;
using System.Text.Json;
using System.Text.Json.Serialization;
using Capillary.Core.Bundles;
using Capillary.Core.Reports;
using Capillary.Fleet.Compile;
using Capillary.Fleet.Rollouts;
using Capillary.HubNode.Git;
using Capillary.HubNode.Publish;
using Capillary.HubNode.Rollout;

namespace Capillary.Cli;

/// <summary>How a preview is shown.</summary>
internal enum PreviewFormat
{
    Table,
    Json,
    Markdown,
}

/// <summary><c>capillary fleet preview [DIR]</c>: what a commit would change and how it would be rolled out, before it is merged.</summary>
internal sealed class FleetPreviewCommand
{
    private static readonly JsonSerializerOptions Answers = new(JsonSerializerDefaults.Web)
    {
        Converters = { new JsonStringEnumConverter(JsonNamingPolicy.CamelCase) },
    };

    private readonly Argument<string> folder = FleetFolder.FolderArgument();
    private readonly Option<string?> against = new("--against")
    {
        Description = "The commit to compare with: a branch, tag, id or HEAD~1 (default: the one of the hub's newest release).",
        HelpName = "REV",
    };

    private readonly Option<string?> commit = new("--commit")
    {
        Description = "Preview this commit, branch or tag (default: the folder as it is).",
        HelpName = "REV",
    };

    private readonly Option<bool> strict = new("--exit-code") { Description = "End with exit code 3 when any site changes." };
    private readonly Option<PreviewFormat> format = CommandOutput.FormatOption<PreviewFormat>();
    private readonly HubConnection connection = new();

    private FleetPreviewCommand() { }

    public static Command Create()
    {
        var one = new FleetPreviewCommand();
        // The word that people of pull requests know.
        one.format.Aliases.Add("--format");
        var command = new Command("preview", "Show which sites a commit would change, and how: the diff, the waves, what is moved, which "
            + "sites are at risk. With a hub (--hub, --socket or $CAPILLARY_SOCKET) from what its sites hold now, else as if all were at "
            + "the commit that it is compared with.") { one.folder, one.against, one.commit, one.strict, one.format };
        one.connection.AddTo(command);
        command.SetAction(one.RunAsync);
        return command;
    }

    private async Task<int> RunAsync(ParseResult parsed, CancellationToken stop)
    {
        var error = parsed.InvocationConfiguration.Error;
        try
        {
            using var hub = connection.IsNamed(parsed) ? connection.Open(parsed) : null;
            return await RunAsync(parsed, hub, stop);
        }
        catch (CommandException e)
        {
            await error.WriteLineAsync($"capillary: {e.Message}");
            return e.Code;
        }
    }

    private async Task<int> RunAsync(ParseResult parsed, HubClient? hub, CancellationToken stop)
    {
        var (path, io) = (parsed.GetValue(folder)!, parsed.InvocationConfiguration);
        var revision = parsed.GetValue(against) ?? (hub is null
            ? throw new CommandException("--against REV says what to compare with; only a hub knows that by itself: --hub or --socket",
                ExitCode.Usage)
            : (await hub.GetAsync("api/v1/status", stop)).Text("commit") is { Length: > 0 } released ? released
            : throw new CommandException("the hub has released no commit yet: say what to compare with, --against REV"));
        if (await CompileAsync(path, revision, null, io.Error, stop) is not { Sites: { } before } baseline) return ExitCode.Failed;
        var compiled = parsed.GetValue(commit) is { } of ? await CompileAsync(path, of, baseline, io.Error, stop)
            : new FleetFolder(path, io.Error).CompileWithoutErrors(baseline, stop);
        if (compiled is not { Sites: { } after }) return ExitCode.Failed;
        var preview = FleetPreview.Compare(before, after);
        var rollout = hub is null ? Alone(baseline, compiled) : await AskAsync(hub, compiled, stop);
        var shown = new PreviewText(preview, rollout, hub is not null);
        switch (parsed.GetValue(format))
        {
            case PreviewFormat.Json: CommandOutput.WriteJson(io.Output, json => shown.Json(json, Answers)); break;
            case PreviewFormat.Markdown: shown.Markdown(io.Output); break;
            default: shown.Table(io.Output); break;
        }
        return parsed.GetValue(strict) && preview.Changes.Count > 0 ? ExitCode.Changes : ExitCode.Done;
    }

    /// <summary>A commit's compile; null after saying why there is none.</summary>
    public static async Task<FleetCompilation?> CompileAsync(string folder, string revision, FleetCompilation? previous, TextWriter error,
        CancellationToken stop)
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
        var compilation = CompileLoop.Compile(done.Tree, previous, stop);
        if (!compilation.Diagnostics.HasErrors) return compilation;
        error.WriteLine($"capillary: '{revision}' does not compile:");
        new FleetFolder(".", error).Show(compilation.Diagnostics, error);
        return null;
    }

    /// <summary>The hub's own planner on what its sites hold. It has most bundles; the others' manifests follow when it asks.</summary>
    private static async Task<RolloutPreview> AskAsync(HubClient hub, FleetCompilation compiled, CancellationToken stop)
    {
        var target = TargetRelease.Of(1, compiled);
        var wish = new PreviewWish(target.Policies, target.Sites.ToDictionary(site => site.Key.Value, site => site.Value), []);
        var answer = await hub.PostAsync("api/v1/rollout/preview", wish, stop);
        var missing = answer.GetProperty("missing").Deserialize<HashSet<Digest>>(Answers)!;
        if (missing.Count > 0)
        {
            var manifests = compiled.Sites!.Where(site => missing.Remove(site.Bundle))
                .Select(site => System.Text.Encoding.UTF8.GetString(site.Manifest.Content.Span));
            answer = await hub.PostAsync("api/v1/rollout/preview", wish with { Manifests = [.. manifests] }, stop);
        }
        return answer.GetProperty("preview").Deserialize<RolloutPreview>(Answers)
            ?? throw new CommandException("the hub gave no preview; is it older than this command?");
    }

    /// <summary>The same planner on a fleet that is, in good health, at the other commit.</summary>
    private static RolloutPreview Alone(FleetCompilation before, FleetCompilation after)
    {
        var now = TimeProvider.System.GetUtcNow();
        var (held, target) = (TargetRelease.Of(1, before), TargetRelease.Of(2, after));
        var bytes = before.Sites!.Concat(after.Sites!).DistinctBy(site => site.Bundle).ToDictionary(site => site.Bundle,
            site => site.Manifest.Content.ToArray());
        var manifests = new ManifestReader(bytes.GetValueOrDefault);
        var lines = held.Sites.ToDictionary(site => site.Key, site => new CurrentLine(1, site.Value.Bundle));
        var healthy = target.Sites.Keys.ToDictionary(site => site, site =>
            new SiteEvidence(null, now, lines.GetValueOrDefault(site)?.Bundle, Revoked: false));
        var inputs = new PlannerInputs(target, null, 0, lines, healthy, Freshness.Default, now)
        {
            ChangedApps = manifests.Between,
        };
        return RolloutPreview.Of(inputs, [], manifests.BlobsOf, null, now);
    }
}
