using System.CommandLine;
using Capillary.Fleet.Documents;
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
    private readonly string name = branch ?? $"template/{wish.Version ?? "newest"}";
    private readonly TemplateLibrary library = new(io.Error);
    private readonly Dictionary<string, TemplateOrigin?> targets = new(StringComparer.Ordinal);
    private readonly List<Outcome> outcomes = [];
    private int done;

    /// <summary>An instance with both versions of its template.</summary>
    private sealed record Chosen(CommittedInstance Instance, TemplateSource Before, TemplateSource After, TemplateOrigin To);

    /// <summary>An instance whose upgrade has begun.</summary>
    private sealed record Work(Chosen Chosen, TemplateUpgrade Upgrade, IReadOnlyDictionary<string, MergeEntry> Files);

    /// <summary>What became of one instance.</summary>
    /// <param name="Name">The instance's.</param>
    /// <param name="Plan">What changes in it, or what is wrong.</param>
    /// <param name="Keys">See <see cref="FleetGroups.KeysOf"/>.</param>
    /// <param name="Chosen">Null for one whose state or template cannot be read.</param>
    private sealed record Outcome(string Name, UpgradePlan Plan, (string Lines, string ButForValues) Keys, Chosen? Chosen);

    private string Ref => GitBranch.Prefix + name;

    public async Task<int> RunAsync(CancellationToken stop)
    {
        if (TemplateSettings.Read([], wish.Settings, io.Error) is not { } settings) return ExitCode.Failed;
        var store = new GitStore(wish.Folder);
        if (!Directory.Exists(wish.Folder) || (await store.BranchesAsync(stop)).Value is not { } branches)
            return TemplateRun.Fail(io, $"{wish.Folder} is in no Git repository");
        if (await BranchRefusalAsync(store, branches, stop) is { } refusal) return TemplateRun.Fail(io, refusal);
        // What a run before has done stands on the branch, and is not done again.
        var revision = !perGroup && branches.ContainsKey(Ref) ? Ref : "HEAD";
        if (await TemplateFleet.ReadAsync(wish.Folder, revision, io.Error, stop) is not { } fleet) return ExitCode.Failed;
        var repositories = fleet.Instances.Select(instance => instance.State.Origin.Repository).Distinct().ToList();
        if (template is not null && !repositories.Contains(template))
            return TemplateRun.Fail(io, $"no instance names the template {template}; they name: {string.Join(", ", repositories)}");
        var chosen = await ChooseAsync(fleet, settings, stop);
        foreach (var unset in wish.Unset.Where(value => !chosen.Exists(item => item.Instance.State.Values.Has(value))))
            io.Error.WriteLine($"capillary: --unset {unset}: no instance gives such a value");
        var resolutions = await store.PlaceAsync("--git-common-dir", stop) is { } own ? new ResolutionStore(own) : null;
        var failure = await store.EachAsync(chosen.Chunk(BatchSize).Select(batch => Begin(fleet, batch, settings, stop)),
            batch => [.. batch.SelectMany(work => work.Upgrade.Wanted.Select(path => work.Files[path].Id)).Distinct()],
            (batch, blobs) => Finish(batch, blobs, resolutions, chosen.Count), stop);
        if (failure is not null) return TemplateRun.Fail(io, failure);
        var groups = FleetGroups.Of(outcomes.Select(item => (item.Name, item.Plan, item.Keys)));
        if (!wish.IsDry && resolutions is not null) Wait(resolutions);
        var commits = wish.IsDry ? "" : await CommitAsync(fleet, groups, branches, stop);
        Show(groups, fleet.Instances.Count + fleet.Broken.Count - outcomes.Count, resolutions);
        // Beside JSON the groups say it all.
        if (wish.Format != OutputFormat.Json) io.Output.Write(commits);
        return commits is null || groups.Any(group => group.Kind is GroupKind.Conflict or GroupKind.Failed)
            ? ExitCode.Failed : ExitCode.Done;
    }

    /// <summary>Why the branch cannot be written; null: it can. Asked before any work is done.</summary>
    private async Task<string?> BranchRefusalAsync(GitStore store, IReadOnlyDictionary<string, GitBranch> branches, CancellationToken stop)
    {
        const string Remedy = "; name another branch: --branch NAME";
        if (wish.IsDry && branch is null) return null;
        if (GitBranch.NameProblem(name) is { } problem) return $"no branch can be named '{name}': it {problem}{Remedy}";
        if (branches.Keys.FirstOrDefault(other => other.StartsWith(Ref + '/', StringComparison.Ordinal)
            || Ref.StartsWith(other + '/', StringComparison.Ordinal)) is { } clash)
            return $"there cannot be a branch '{name}' beside '{clash[GitBranch.Prefix.Length..]}'{Remedy}";
        return !wish.IsDry && !perGroup && await store.HeadAsync(stop) == Ref && await store.PlaceAsync("--show-toplevel", stop) is not null
            ? $"{name} is checked out{Remedy}" : null;
    }

    private void Wait(ResolutionStore resolutions)
    {
        foreach (var waiting in outcomes.Where(item => item.Plan.Conflicts.Count > 0))
            resolutions.Wait(waiting.Name, new(waiting.Chosen!.To.Version, wish.Settings, wish.Unset));
    }

    private void Show(IReadOnlyList<FleetGroup> groups, int untouched, ResolutionStore? resolutions)
    {
        if (wish.Format == OutputFormat.Json)
            CommandOutput.WriteJson(io.Output, json => FleetGroups.WriteJson(json, groups, untouched, resolutions));
        else FleetGroups.Write(io.Output, groups, untouched, resolutions);
    }

    /// <summary>Instances that are not there yet, with their templates. Those whose state or template cannot be read have failed.</summary>
    private async Task<List<Chosen>> ChooseAsync(TemplateFleet fleet, TemplateValues settings, CancellationToken stop)
    {
        foreach (var (broken, problems) in fleet.Broken) Failed(broken, problems);
        var chosen = new List<Chosen>();
        foreach (var instance in fleet.Instances)
        {
            var origin = instance.State.Origin;
            if (template is not null && origin.Repository != template) continue;
            if (await library.OpenAsync(origin.Repository, fleet.Top, stop) is not { } repository
                || await TargetAsync(origin.Repository, repository, stop) is not { } to)
                Failed(instance, $"the template {origin.Repository} cannot be read, or has no {wish.Version ?? "release"}");
            else if (to.Commit == origin.Commit && to.Version == origin.Version && !wish.ChangesValues) continue;
            else if (await repository.SourceAsync(origin, instance.StateFile, stop) is { } before
                && await repository.SourceAsync(to, instance.StateFile, stop) is { } after) chosen.Add(new(instance, before, after, to));
            else Failed(instance, $"the template {origin.Repository} cannot be read at {origin.Version} or at {to.Version}");
        }
        return chosen;
    }

    private void Failed(CommittedInstance instance, string reason) => Failed(instance.Name,
        [Diagnostic.Error(DiagnosticCodes.VersionMissing, instance.StateFile, TextPosition.WholeFile, reason)]);

    private void Failed(string instance, IReadOnlyList<Diagnostic> problems)
    {
        var plan = UpgradePlan.Failed(problems);
        outcomes.Add(new(instance, plan, FleetGroups.KeysOf(plan), null));
    }

    private async Task<TemplateOrigin?> TargetAsync(string repository, TemplateRepository source, CancellationToken stop)
    {
        if (targets.TryGetValue(repository, out var known)) return known;
        return targets[repository] = await source.ResolveAsync(wish.Version, stop) is { } to ? to with { Repository = repository } : null;
    }

    private Work[] Begin(TemplateFleet fleet, Chosen[] batch, TemplateValues settings, CancellationToken stop)
    {
        var works = new Work[batch.Length];
        Parallel.For(0, batch.Length, i =>
        {
            var (instance, before, after, to) = batch[i];
            var files = fleet.FilesOf(instance);
            var request = new UpgradeRequest(instance.State, before, after, to, settings) { Unset = wish.Unset };
            works[i] = new(batch[i], TemplateUpgrade.Begin(request, files, stop), files);
        });
        return works;
    }

    private void Finish(Work[] batch, IReadOnlyDictionary<string, byte[]> blobs, ResolutionStore? resolutions, int all)
    {
        var finished = new Outcome[batch.Length];
        Parallel.For(0, batch.Length, i =>
        {
            var work = batch[i];
            var instance = work.Chosen.Instance.Name;
            var plan = work.Upgrade.Finish(path => blobs[work.Files[path].Id],
                conflict => TemplateUpgradeCommand.Decide(resolutions, conflict, instance, wish));
            finished[i] = new(instance, plan, FleetGroups.KeysOf(plan), work.Chosen);
        });
        // Where nothing changes, it is as it shall be.
        outcomes.AddRange(finished.Where(item => !item.Plan.IsReady || item.Plan.Changes.Count > 0));
        done += batch.Length;
        if (!Console.IsErrorRedirected && ReferenceEquals(io.Error, Console.Error))
            io.Error.Write($"\rupgrade: {done:N0} of {all:N0}{(done == all ? "\n" : "")}");
    }

    /// <summary>A commit per group; null after saying what went wrong.</summary>
    private async Task<string?> CommitAsync(TemplateFleet fleet, IReadOnlyList<FleetGroup> groups,
        IReadOnlyDictionary<string, GitBranch> branches, CancellationToken stop)
    {
        var committer = await fleet.Store.CommitterAsync(stop);
        if (committer.Value is not { } who)
        {
            io.Error.WriteLine($"capillary: {committer.Error}");
            return null;
        }
        var byName = outcomes.ToDictionary(item => item.Name, StringComparer.Ordinal);
        var changes = new List<GitChange>();
        var text = new StringWriter { NewLine = "\n" };
        foreach (var group in groups.Where(group => group.Kind == GroupKind.Changed))
        {
            var to = perGroup ? $"{name}-{group.Label}" : name;
            if (perGroup && branches.TryGetValue(GitBranch.Prefix + to, out var there))
            {
                text.WriteLine(there.Parents.Contains(fleet.Commit) ? $"{group.Label}: {to} is there already"
                    : $"{group.Label}: {to} stands on another commit; remove it first");
                continue;
            }
            var files = group.Sites.SelectMany(site => Files(byName[site])).ToDictionary(item => item.Path, item => item.After);
            var isFirst = perGroup || changes.Count == 0;
            changes.Add(new GitChange(GitBranch.Prefix + to, isFirst ? fleet.Commit : null, who, Message(group), files));
            text.WriteLine($"{group.Label}: {TemplateUpgradeCommand.Count(group.Sites.Count, "instance")} on {to}");
        }
        if (changes.Count == 0 || await fleet.Store.CommitAsync(changes, stop) is not { } failure) return text.ToString();
        io.Error.WriteLine($"capillary: {failure}");
        return null;
    }

    private static IEnumerable<(string Path, MergeFile? After)> Files(Outcome outcome)
    {
        var folder = outcome.Chosen!.Instance.Path is { Length: > 0 } below ? below + "/" : "";
        return outcome.Plan.Changes.Select(change => (folder + change.Key, change.Value.After));
    }

    private string Message(FleetGroup group)
    {
        var names = string.Join('\n', group.Sites.Take(MaxNames));
        var more = group.Sites.Count > MaxNames ? $"\nand {group.Sites.Count - MaxNames} more" : "";
        var count = TemplateUpgradeCommand.Count(group.Sites.Count, "instance");
        return $"template: {count} to {wish.Version ?? "the newest release"} (group {group.Label})\n\n{names}{more}\n";
    }
}
