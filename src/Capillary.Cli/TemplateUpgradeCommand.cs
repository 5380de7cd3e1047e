using System.CommandLine;
using Capillary.Fleet.Templates;
using Capillary.Fleet.Templates.Merging;

namespace Capillary.Cli;

/// <summary><c>capillary template upgrade [DIR]</c>.</summary>
internal static class TemplateUpgradeCommand
{
    /// <summary>What a person asked for.</summary>
    public sealed record Wish(string Folder, string? Version, IReadOnlyList<string> Settings, IReadOnlyList<string> Unset, bool IsDry,
        bool TakesKnown, OutputFormat Format)
    {
        public bool ChangesValues => Settings.Count + Unset.Count > 0;
    }

    public static Command Create()
    {
        var folder = TemplateInstance.FolderArgument();
        var version = VersionOption();
        var settings = TemplateSettings.Option();
        var unset = TemplateSettings.UnsetOption();
        var dry = new Option<bool>("--dry-run") { Description = "Show what would change and write nothing." };
        var known = new Option<bool>("--use-known") { Description = "Take over what was decided about the same conflicts elsewhere." };
        var all = new Option<bool>("--all")
        {
            Description = "Every instance at or below DIR, as committed: a commit on a branch for each group that changes alike.",
        };
        var template = new Option<string?>("--template")
        {
            Description = "With --all: only instances of this template repository.",
            HelpName = "repository",
        };
        var branch = new Option<string?>("--branch")
        {
            Description = "With --all: the branch (default: template/VERSION; template/newest without --to when templates differ).",
            HelpName = "name",
        };
        var perGroup = new Option<bool>("--branch-per-group")
        {
            Description = "With --all: a branch for each group, BRANCH-A, BRANCH-B and so on.",
        };
        var stat = new Option<bool>("--stat") { Description = "With --all: how many files and lines each group changes, not the text." };
        var format = CommandOutput.FormatOption();
        var command = new Command("upgrade",
            "Bring an instance to another version of its template, or change its values; what was edited stays. "
            + "Without --to: to the newest release. Ends with 1 when there are conflicts, and then writes nothing.")
        {
            folder, version, settings, unset, dry, known, all, template, branch, perGroup, stat, format,
        };
        command.Validators.Add(result =>
        {
            if (result.GetValue(all)) return;
            foreach (var option in new Option[] { template, branch, perGroup, stat })
            {
                if (result.GetResult(option) is { Implicit: false }) result.AddError($"{option.Name} goes with --all");
            }
        });
        command.SetAction((parsed, stop) =>
        {
            var wish = new Wish(parsed.GetValue(folder)!, parsed.GetValue(version), parsed.GetValue(settings) ?? [],
                parsed.GetValue(unset) ?? [], parsed.GetValue(dry), parsed.GetValue(known), parsed.GetValue(format));
            var io = parsed.InvocationConfiguration;
            var fleet = new TemplateFleetUpgrade(wish, parsed.GetValue(template), parsed.GetValue(branch), parsed.GetValue(perGroup),
                parsed.GetValue(stat), io);
            return TemplateRun.GuardAsync(io, () => parsed.GetValue(all) ? fleet.RunAsync(stop) : RunAsync(wish, io, stop));
        });
        return command;
    }

    public static Option<string?> VersionOption() => new("--to") { Description = "A tag, branch or commit of the template repository.",
        HelpName = "version" };

    /// <summary>An upgrade as far as it can be planned, of one folder.</summary>
    public static async Task<(TemplateInstance Instance, TemplateUpgrade Upgrade, Wish Wish)?> BeginAsync(Wish wish, TextWriter error,
        CancellationToken stop)
    {
        if (await TemplateInstance.OpenAsync(wish.Folder, error, stop) is not { } instance) return null;
        // What waits for decisions is gone on with.
        if (wish.Version is null && !wish.ChangesValues && instance.Resolutions?.Pending(instance.Name) is { } pending)
            wish = wish with { Version = pending.Version, Settings = pending.Settings, Unset = pending.Unset };
        if (TemplateSettings.Read([], wish.Settings, error) is not { } settings) return null;
        if (await instance.Repository.ResolveAsync(wish.Version, stop) is not { } to) return null;
        return await instance.BeginAsync(to, settings, wish.Unset, error, stop) is { } upgrade
            ? (instance, upgrade, wish with { Version = to.Version }) : null;
    }

    /// <summary>What was decided for this instance, or if the wish says so for any.</summary>
    public static Resolution? Decide(ResolutionStore? store, TreeConflict conflict, string instance, Wish wish)
    {
        if (store?.Find(conflict) is not { } known) return null;
        if (known.Instances.Contains(instance)) return known.Resolution;
        if (!wish.TakesKnown) return null;
        if (!wish.IsDry) store.Keep(conflict, known.Resolution, instance);
        return known.Resolution;
    }

    private static async Task<int> RunAsync(Wish wish, InvocationConfiguration io, CancellationToken stop)
    {
        if (!wish.IsDry && !new TemplateFolder(wish.Folder).Finish(io.Error)) return ExitCode.Failed;
        if (await BeginAsync(wish, io.Error, stop) is not var (instance, upgrade, asked)) return ExitCode.Failed;
        var plan = upgrade.Finish(instance.Files.Read, conflict => Decide(instance.Resolutions, conflict, instance.Name, asked));
        foreach (var problem in plan.Problems.Concat(plan.Warnings)) io.Error.WriteLine(problem.ToString());
        if (plan.Problems.Count > 0) return ExitCode.Failed;
        if (asked.Format == OutputFormat.Json) Json(io.Output, instance, plan);
        else Text(io.Output, instance, plan, asked);
        if (plan.Conflicts.Count > 0)
        {
            if (!asked.IsDry) instance.Resolutions?.Wait(instance.Name, new(asked.Version!, asked.Settings, asked.Unset));
            return ExitCode.Failed;
        }
        if (asked.IsDry) return ExitCode.Done;
        if (instance.Files.Write(plan.Changes.ToDictionary(item => item.Key, item => item.Value.After)) is { } failure)
            return TemplateRun.Fail(io, failure);
        instance.Resolutions?.Forget(instance.Name);
        return ExitCode.Done;
    }

    private static void Text(TextWriter output, TemplateInstance instance, UpgradePlan plan, Wish wish)
    {
        if (wish.IsDry)
        {
            foreach (var (path, change) in plan.Changes.Where(item => item.Value.After is null || plan.Conflicts.All(conflict =>
                conflict.Path != item.Key)))
                output.Write(UnifiedDiff.Of(path, change.Before, change.After));
        }
        ConflictText.Write(output, plan.Conflicts, instance.Resolutions);
        foreach (var conflict in plan.Decided) output.Write($"{ConflictText.Name(conflict)}: decided before\n");
        output.Write(plan.Conflicts.Count > 0
            ? $"{instance.Name}: {Count(plan.Conflicts.Count, "conflict")} on the way to {wish.Version}; nothing was written. "
                + (wish.IsDry ? "Decide after an upgrade without --dry-run, which writes nothing while there is a conflict\n"
                    : $"Decide with: capillary template resolve {wish.Folder} [CONFLICT] and one of --ours, --theirs, --edit, --with FILE; "
                    + "then upgrade again\n")
            : plan.Changes.Count == 0 ? $"{instance.Name}: nothing changes\n"
            : $"{instance.Name}: {Count(plan.Changes.Count, "file")} {(wish.IsDry ? "would change" : "changed")}, to {wish.Version}\n");
    }

    private static void Json(TextWriter output, TemplateInstance instance, UpgradePlan plan) => CommandOutput.WriteJson(output, json =>
    {
        json.WriteStartObject();
        json.WriteString("instance", instance.Name);
        json.WriteStartArray("changes");
        foreach (var (path, change) in plan.Changes)
        {
            json.WriteStartObject();
            json.WriteString("path", path);
            json.WriteString("change", change.Before is null ? "added" : change.After is null ? "removed" : "changed");
            json.WriteEndObject();
        }
        json.WriteEndArray();
        ConflictText.WriteJson(json, plan.Conflicts, instance.Resolutions);
        json.WriteEndObject();
    });

    public static string Count(int number, string noun) => $"{number:N0} {noun}{(number == 1 ? "" : "s")}";
}
