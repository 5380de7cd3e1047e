using System.CommandLine;
using Capillary.Fleet.Templates;
using Capillary.Fleet.Templates.Merging;
using Capillary.HubNode.Git;

namespace Capillary.Cli;

/// <summary>
/// <c>capillary template upgrade --all</c>: every instance of a repository, as committed. Instances that change alike are one group.
/// Git is called a constant number of times; objects are written first, and refs when all of them are there.
/// </summary>
internal sealed class TemplateFleetUpgrade(TemplateUpgradeCommand.Wish wish, string? template, string? branch, bool perGroup,
    InvocationConfiguration io)
{
    private const int BatchSize = 64;
    private const int MaxNames = 100;
    private readonly TemplateLibrary library = new(io.Error);
    private readonly Dictionary<CommittedInstance, (TemplateRepository Repository, TemplateSource Before, TemplateSource After,
        TemplateOrigin To)> sources = [];
    private readonly Dictionary<string, TemplateOrigin?> targets = new(StringComparer.Ordinal);
    private int done;

    /// <summary>What became of one instance.</summary>
    private sealed record Outcome(CommittedInstance Instance, UpgradePlan Plan, string Key);

    private sealed class Work(CommittedInstance instance, TemplateUpgrade upgrade, IReadOnlyDictionary<string, MergeEntry> files)
    {
        public CommittedInstance Instance { get; } = instance;

        public TemplateUpgrade Upgrade { get; } = upgrade;

        public IReadOnlyDictionary<string, MergeEntry> Files { get; } = files;
    }

    public async Task<int> RunAsync(CancellationToken stop)
    {
        if (TemplateSettings.Read([], wish.Settings, io.Error) is not { } settings) return ExitCode.Failed;
        var start = new GitStore(wish.Folder);
        var name = branch ?? $"template/{wish.Version ?? "newest"}";
        var target = $"refs/heads/{name}";
        // What a run before has done stands on the branch, and is not done again.
        var revision = Directory.Exists(wish.Folder) && !perGroup && await start.ResolveAsync(target, stop) is not null ? target : "HEAD";
        if (await TemplateFleet.ReadAsync(wish.Folder, revision, io.Error, stop) is not var (fleet, broken)) return ExitCode.Failed;
        if (await RefusalAsync(fleet, name, target, stop) is { } refusal)
        {
            io.Error.WriteLine($"capillary: {refusal}");
            return ExitCode.Failed;
        }
        var (chosen, unreadable) = await ChooseAsync(fleet, settings, stop);
        var resolutions = await fleet.Store.PlaceAsync("--git-common-dir", stop) is { } own ? new ResolutionStore(own) : null;
        var outcomes = new List<Outcome>(chosen.Count);
        var failure = await fleet.Store.EachAsync(chosen.Chunk(BatchSize).Select(batch => Begin(fleet, batch, settings, stop)),
            batch => [.. batch.SelectMany(work => work.Upgrade.Wanted.Select(path => work.Files[path].Id)).Distinct()],
            (batch, blobs) => outcomes.AddRange(Finish(batch, blobs, resolutions, chosen.Count)), stop);
        if (failure is not null)
        {
            io.Error.WriteLine($"capillary: {failure}");
            return ExitCode.Failed;
        }
        var groups = FleetGroups.Of(outcomes.Select(item => (item.Instance.Name, item.Plan, item.Key)));
        foreach (var waiting in outcomes.Where(item => !wish.IsDry && item.Plan.Conflicts.Count > 0))
            resolutions?.Wait(waiting.Instance.Name, sources[waiting.Instance].To.Version, wish.Settings);
        var commits = wish.IsDry ? null : await CommitAsync(fleet, groups, outcomes, target, revision, stop);
        var untouched = fleet.Instances.Count - chosen.Count - unreadable;
        Show(groups, untouched, resolutions);
        // Beside JSON the groups say it all.
        if (commits is { } text && wish.Format != OutputFormat.Json) io.Output.Write(text);
        return broken + unreadable > 0 || groups.Any(group => group.Kind is GroupKind.Conflict or GroupKind.Failed)
            || (commits is null && !wish.IsDry)
            ? ExitCode.Failed : ExitCode.Done;
    }

    /// <summary>Why nothing is to be done at all; null: it is.</summary>
    private async Task<string?> RefusalAsync(TemplateFleet fleet, string name, string target, CancellationToken stop)
    {
        if (!wish.IsDry && !perGroup && await fleet.Store.HeadAsync(stop) == target
            && await fleet.Store.PlaceAsync("--show-toplevel", stop) is not null)
            return $"{name} is checked out; name another branch: --branch NAME";
        var repositories = fleet.Instances.Select(instance => instance.State.Origin.Repository).Distinct().ToList();
        return template is null || repositories.Contains(template) ? null
            : $"no instance names the template {template}; they name: {string.Join(", ", repositories)}";
    }

    private void Show(IReadOnlyList<FleetGroup> groups, int untouched, ResolutionStore? resolutions)
    {
        if (wish.Format == OutputFormat.Json)
            CommandOutput.WriteJson(io.Output, json => FleetGroups.WriteJson(json, groups, untouched, resolutions));
        else FleetGroups.Write(io.Output, groups, untouched, resolutions);
    }

    /// <summary>Instances that are not there yet, with their templates; and how many have none that can be read.</summary>
    private async Task<(List<CommittedInstance> Chosen, int Unreadable)> ChooseAsync(TemplateFleet fleet, TemplateValues settings,
        CancellationToken stop)
    {
        var chosen = new List<CommittedInstance>();
        var unreadable = 0;
        foreach (var instance in fleet.Instances)
        {
            var origin = instance.State.Origin;
            if (template is not null && origin.Repository != template) continue;
            if (await library.OpenAsync(origin.Repository, fleet.Top, stop) is not { } repository
                || await TargetAsync(origin.Repository, repository, stop) is not { } to)
            {
                unreadable++;
                continue;
            }
            if (to.Commit == origin.Commit && to.Version == origin.Version && ReferenceEquals(settings, TemplateValues.None)) continue;
            if (await repository.SourceAsync(origin, instance.StateFile, stop) is { } before
                && await repository.SourceAsync(to, instance.StateFile, stop) is { } after)
            {
                sources[instance] = (repository, before, after, to);
                chosen.Add(instance);
            }
            else unreadable++;
        }
        return (chosen, unreadable);
    }

    private async Task<TemplateOrigin?> TargetAsync(string name, TemplateRepository repository, CancellationToken stop)
    {
        if (targets.TryGetValue(name, out var known)) return known;
        return targets[name] = await repository.ResolveAsync(wish.Version, stop) is { } to ? to with { Repository = name } : null;
    }

    private Work[] Begin(TemplateFleet fleet, CommittedInstance[] batch, TemplateValues settings, CancellationToken stop)
    {
        var works = new Work[batch.Length];
        Parallel.For(0, batch.Length, i =>
        {
            var (_, before, after, to) = sources[batch[i]];
            var files = fleet.FilesOf(batch[i]);
            works[i] = new(batch[i], TemplateUpgrade.Begin(new UpgradeRequest(batch[i].State, before, after, to, settings), files, stop),
                files);
        });
        return works;
    }

    private Outcome[] Finish(Work[] batch, IReadOnlyDictionary<string, byte[]> blobs, ResolutionStore? resolutions, int all)
    {
        var outcomes = new Outcome[batch.Length];
        Parallel.For(0, batch.Length, i =>
        {
            var work = batch[i];
            var plan = work.Upgrade.Finish(path => blobs[work.Files[path].Id],
                conflict => TemplateUpgradeCommand.Decide(resolutions, conflict, work.Instance.Name, wish));
            outcomes[i] = new(work.Instance, plan, FleetGroups.KeyOf(plan));
        });
        done += batch.Length;
        if (!Console.IsErrorRedirected && ReferenceEquals(io.Error, Console.Error))
            io.Error.Write($"\rupgrade: {done:N0} of {all:N0}{(done == all ? "\n" : "")}");
        return outcomes;
    }

    /// <summary>A commit per group; null after saying what went wrong.</summary>
    private async Task<string?> CommitAsync(TemplateFleet fleet, IReadOnlyList<FleetGroup> groups, List<Outcome> outcomes, string target,
        string revision,
        CancellationToken stop)
    {
        var committer = await fleet.Store.CommitterAsync(stop);
        if (committer.Value is not { } who)
        {
            io.Error.WriteLine($"capillary: {committer.Error}");
            return null;
        }
        var byName = outcomes.ToDictionary(item => item.Instance.Name);
        var changes = new List<GitChange>();
        var text = new StringWriter { NewLine = "\n" };
        foreach (var group in groups.Where(group => group.Kind == GroupKind.Changed))
        {
            var to = perGroup ? $"{target}-{group.Label}" : target;
            if (perGroup && await fleet.Store.ResolveAsync(to, stop) is { } there)
            {
                var isDone = await fleet.Store.ResolveAsync($"{there}^", stop) == fleet.Commit;
                text.WriteLine(isDone ? $"{group.Label}: {to["refs/heads/".Length..]} is there already"
                    : $"{group.Label}: {to["refs/heads/".Length..]} stands on another commit; remove it first");
                continue;
            }
            var files = group.Sites.SelectMany(site => byName[site].Plan.Changes.Select(change =>
                (Path: byName[site].Instance.Path is { Length: > 0 } below
                ? $"{below}/{change.Key}" : change.Key, change.Value.After))).ToDictionary(item => item.Path, item => item.After);
            var isFirst = perGroup || changes.Count == 0;
            changes.Add(new GitChange(to, isFirst ? fleet.Commit : null, who, Message(group), files));
            text.WriteLine($"{group.Label}: {TemplateUpgradeCommand.Count(group.Sites.Count, "instance")} on {to["refs/heads/".Length..]}");
        }
        if (changes.Count == 0 || await fleet.Store.CommitAsync(changes, stop) is not { } failure) return text.ToString();
        io.Error.WriteLine($"capillary: {failure}");
        return null;
    }

    private string Message(FleetGroup group)
    {
        var names = string.Join('\n', group.Sites.Take(MaxNames));
        var more = group.Sites.Count > MaxNames ? $"\nand {group.Sites.Count - MaxNames} more" : "";
        var count = TemplateUpgradeCommand.Count(group.Sites.Count, "instance");
        return $"template: {count} to {wish.Version ?? "the newest release"} (group {group.Label})\n\n{names}{more}\n";
    }
}
