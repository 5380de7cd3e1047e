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
internal sealed class TemplateFleetUpgrade(TemplateUpgradeCommand.Wish wish, string? template, string? branch, bool perGroup, bool isStat,
    InvocationConfiguration io)
{
    private const int BatchSize = 64;
    private const int MaxNames = 100;
    private const int MaxSteps = 5;
    private const string Remedy = "; name another branch: --branch NAME";
    private readonly StringWriter said = new() { NewLine = "\n" };
    private readonly Dictionary<string, Target> targets = new(StringComparer.Ordinal);
    private readonly Dictionary<(TemplateRepository, string Commit), string> reasons = [];
    private readonly List<Outcome> outcomes = [];
    private readonly List<string> newer = [];
    private string name = "";
    private string? gitFolder;
    private bool isLeft;
    private int done;

    /// <summary>What a template's instances are brought to.</summary>
    /// <param name="Source">Null when it cannot be read.</param>
    /// <param name="Versions">Null when they cannot be read.</param>
    /// <param name="Origin">Null when there is no such version.</param>
    /// <param name="Reason">Why there is none.</param>
    /// <param name="Help">What to do about it.</param>
    private sealed record Target(TemplateRepository? Source, TemplateVersions? Versions, TemplateOrigin? Origin, string Reason,
        string? Help);

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

    private TemplateLibrary Library => field ??= new(said);

    private string Ref => GitBranch.Prefix + name;

    public async Task<int> RunAsync(CancellationToken stop)
    {
        if (TemplateSettings.Read([], wish.Settings, io.Error) is not { } settings) return ExitCode.Failed;
        var store = new GitStore(wish.Folder);
        if (!Directory.Exists(wish.Folder)) return TemplateRun.Fail(io, $"there is no folder {wish.Folder}");
        if ((await store.BranchesAsync(stop)).Value is not { } branches)
            return TemplateRun.Fail(io, $"{wish.Folder} is in no Git repository");
        gitFolder = await store.PlaceAsync("--git-common-dir", stop);
        if (await ReadAsync(branches, stop) is not { } fleet) return ExitCode.Failed;
        var chosen = await ChooseAsync(fleet, settings, stop);
        foreach (var unset in wish.Unset.Where(value => !chosen.Exists(item => item.Instance.State.Values.Has(value))))
            io.Error.WriteLine($"capillary: --unset {unset}: no instance gives such a value");
        var resolutions = gitFolder is null ? null : new ResolutionStore(gitFolder);
        var failure = await store.EachAsync(chosen.Chunk(BatchSize).Select(batch => Begin(fleet, batch, settings, stop)),
            batch => [.. batch.SelectMany(work => work.Upgrade.Wanted.Select(path => work.Files[path].Id)).Distinct()],
            (batch, blobs) => Finish(batch, blobs, resolutions, chosen.Count), stop);
        if (failure is not null) return TemplateRun.Fail(io, failure);
        var groups = FleetGroups.Of(outcomes.Select(item => (item.Name, item.Plan, item.Keys)));
        if (!wish.IsDry && resolutions is not null) Wait(resolutions);
        var commits = wish.IsDry ? "" : await CommitAsync(fleet, groups, branches, stop);
        Show(new(groups, fleet.Instances.Count + fleet.Broken.Count - outcomes.Count, newer, wish.Version, isStat), resolutions);
        // Beside JSON the groups say it all.
        if (wish.Format != OutputFormat.Json) io.Output.Write(commits + NextSteps(fleet));
        else if (isLeft) io.Error.Write(commits);
        return commits is null || isLeft || groups.Any(group => group.Kind is GroupKind.Conflict or GroupKind.Failed)
            ? ExitCode.Failed : ExitCode.Done;
    }

    /// <summary>The instances as HEAD has them, or the branch where a run before has done some; null after saying what is wrong.</summary>
    private async Task<TemplateFleet?> ReadAsync(IReadOnlyDictionary<string, GitBranch> branches, CancellationToken stop)
    {
        if (await TemplateFleet.ReadAsync(wish.Folder, "HEAD", io.Error, stop) is not { } fleet) return null;
        var repositories = fleet.Instances.Select(instance => instance.State.Origin.Repository).Distinct().ToList();
        if (template is not null && !repositories.Contains(template))
        {
            TemplateRun.Fail(io, $"no instance names the template {template}; they name: {string.Join(", ", repositories)}");
            return null;
        }
        name = branch ?? $"template/{wish.Version ?? await NewestAsync(template is null ? repositories : [template], fleet.Top, stop)}";
        if (BranchRefusal(branches) is not { } refusal)
            return !perGroup && branches.ContainsKey(Ref) ? await TemplateFleet.ReadAsync(wish.Folder, Ref, io.Error, stop) : fleet;
        TemplateRun.Fail(io, refusal);
        return null;
    }

    /// <summary>The newest release where all templates have the same one.</summary>
    private async Task<string> NewestAsync(IReadOnlyList<string> repositories, string top, CancellationToken stop)
    {
        var versions = new HashSet<string>(StringComparer.Ordinal);
        foreach (var repository in repositories)
        {
            if ((await TargetAsync(repository, top, stop)).Origin is { } to) versions.Add(to.Version);
        }
        return versions.Count == 1 ? versions.First() : "newest";
    }

    /// <summary>Why the branch cannot be written; null: it can. Asked before any work is done.</summary>
    private string? BranchRefusal(IReadOnlyDictionary<string, GitBranch> branches)
    {
        if (wish.IsDry && branch is null) return null;
        if (GitBranch.NameProblem(name) is { } problem) return $"no branch can be named '{name}': it {problem}{Remedy}";
        if (branches.Keys.FirstOrDefault(other => other.StartsWith(Ref + '/', StringComparison.Ordinal)
            || Ref.StartsWith(other + '/', StringComparison.Ordinal)) is { } clash)
            return $"there cannot be a branch '{name}' beside '{clash[GitBranch.Prefix.Length..]}'{Remedy}";
        return !wish.IsDry && !perGroup && branches.TryGetValue(Ref, out var there) && PlaceOf(there) is { } place
            ? $"{name} is checked out in {place}{Remedy}" : null;
    }

    /// <summary>The work tree that has a branch checked out; a bare repository is none.</summary>
    private string? PlaceOf(GitBranch there) => there.WorkTree == gitFolder ? null : there.WorkTree;

    private void Wait(ResolutionStore resolutions)
    {
        foreach (var waiting in outcomes.Where(item => item.Plan.Conflicts.Count > 0))
            resolutions.Wait(waiting.Name, new(waiting.Chosen!.To.Version, wish.Settings, wish.Unset));
    }

    private void Show(FleetReport report, ResolutionStore? resolutions)
    {
        if (wish.Format == OutputFormat.Json) CommandOutput.WriteJson(io.Output, json => FleetGroups.WriteJson(json, report, resolutions));
        else FleetGroups.Write(io.Output, report, resolutions);
    }

    /// <summary>How conflicts are decided; empty without any.</summary>
    private string NextSteps(TemplateFleet fleet)
    {
        var waiting = outcomes.Where(item => item.Plan.Conflicts.Count > 0).Select(item => item.Chosen!.Instance)
            .OrderBy(instance => instance.Name, StringComparer.Ordinal).ToList();
        if (waiting.Count == 0) return "";
        if (wish.IsDry) return "Without --dry-run, instances with conflicts stay as they are, and can be decided\n";
        var steps = waiting.Take(MaxSteps).Select(instance => "  capillary template resolve "
            + Path.GetRelativePath(Directory.GetCurrentDirectory(), Path.Combine(fleet.Top, instance.Path)) + "\n");
        return "Next: decide the conflicts, each with --ours, --theirs, --with FILE or --edit, then run this again:\n"
            + string.Concat(steps) + (waiting.Count > MaxSteps ? $"  and {waiting.Count - MaxSteps:N0} more\n" : "");
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
            var target = await TargetAsync(origin.Repository, fleet.Top, stop);
            if (target is not { Source: { } repository, Versions: { } versions, Origin: { } to })
                Failed(instance, target.Reason, target.Help);
            else if (to.Commit == origin.Commit && to.Version == origin.Version && !wish.ChangesValues) continue;
            else if (versions.IsNewer(origin, to)) newer.Add(instance.Name);
            else if (await SourceAsync(repository, origin, instance, stop) is { } before
                && await SourceAsync(repository, to, instance, stop) is { } after) chosen.Add(new(instance, before, after, to));
        }
        return chosen;
    }

    /// <summary>The template at a commit; null for an instance that has failed for want of it.</summary>
    private async Task<TemplateSource?> SourceAsync(TemplateRepository repository, TemplateOrigin origin, CommittedInstance instance,
        CancellationToken stop)
    {
        var (source, text) = await HearAsync(repository.SourceAsync(origin, instance.StateFile, stop));
        if (source is not null) return source;
        var place = Diagnostic.Error(DiagnosticCodes.VersionMissing, instance.StateFile, TextPosition.WholeFile, "").ToString();
        // It is said once, and holds for each instance.
        if (text.Length > 0)
            reasons[(repository, origin.Commit)] = text.StartsWith(place, StringComparison.Ordinal) ? text[place.Length..] : text;
        Failed(instance, reasons[(repository, origin.Commit)], null);
        return null;
    }

    private void Failed(CommittedInstance instance, string reason, string? help) => Failed(instance.Name,
        [Diagnostic.Error(DiagnosticCodes.VersionMissing, instance.StateFile, TextPosition.WholeFile, reason, help)]);

    private void Failed(string instance, IReadOnlyList<Diagnostic> problems)
    {
        var plan = UpgradePlan.Failed(problems);
        outcomes.Add(new(instance, plan, FleetGroups.KeysOf(plan), null));
    }

    private async Task<Target> TargetAsync(string repository, string top, CancellationToken stop)
    {
        if (targets.TryGetValue(repository, out var known)) return known;
        var (source, closed) = await HearAsync(Library.OpenAsync(repository, top, stop));
        if (source is null) return targets[repository] = new(null, null, null, closed, null);
        var (versions, unread) = await HearAsync(source.VersionsAsync(stop));
        if (versions is null) return targets[repository] = new(source, null, null, unread, null);
        var (to, problem) = await source.FindAsync(wish.Version, stop);
        return targets[repository] = new(source, versions, to is null ? null : to with { Repository = repository },
            $"the template {repository}: {problem?.Message}", problem?.Suggestion);
    }

    /// <summary>An answer, or what was said for want of one.</summary>
    private async Task<(T? Answer, string Reason)> HearAsync<T>(Task<T?> asked) where T : class
    {
        const string Program = "capillary: ";
        var answer = await asked;
        var text = said.ToString().TrimEnd();
        said.GetStringBuilder().Clear();
        if (answer is not null && text.Length > 0) io.Error.WriteLine(text);
        return (answer, text.StartsWith(Program, StringComparison.Ordinal) ? text[Program.Length..] : text);
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
                var isHere = there.Parents.Contains(fleet.Commit);
                // Of another version, or before a conflict was decided: its letter says nothing about what it holds.
                var isDone = isHere && Message(group, byName).StartsWith(there.Subject + "\n", StringComparison.Ordinal);
                isLeft |= !isDone;
                var holds = isHere ? "holds another upgrade" : "stands on another commit";
                text.WriteLine($"{group.Label}: {to} " + (isDone ? "is there already" : holds
                    + (PlaceOf(there) is { } place ? $" and is checked out in {place}{Remedy}"
                        : $"; remove it: git branch -D {to}, then run this again")));
                continue;
            }
            var files = group.Sites.SelectMany(site => Files(byName[site])).ToDictionary(item => item.Path, item => item.After);
            var isFirst = perGroup || changes.Count == 0;
            changes.Add(new GitChange(GitBranch.Prefix + to, isFirst ? fleet.Commit : null, who, Message(group, byName), files));
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

    private static string Message(FleetGroup group, Dictionary<string, Outcome> byName)
    {
        string To(string site) => byName[site].Chosen!.To.Version;
        var versions = group.Sites.Select(To).Distinct().ToList();
        var names = string.Join('\n', group.Sites.Take(MaxNames).Select(site => versions.Count == 1 ? site : $"{site}: {To(site)}"));
        var more = group.Sites.Count > MaxNames ? $"\nand {group.Sites.Count - MaxNames} more" : "";
        var count = TemplateUpgradeCommand.Count(group.Sites.Count, "instance");
        var to = versions.Count == 1 ? versions[0] : "their newest releases";
        return $"template: {count} to {to} (group {group.Label})\n\n{names}{more}\n";
    }
}
