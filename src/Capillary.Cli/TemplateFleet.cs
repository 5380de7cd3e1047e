using Capillary.Fleet.Documents;
using Capillary.Fleet.Templates;
using Capillary.Fleet.Templates.Merging;
using Capillary.HubNode.Git;

namespace Capillary.Cli;

/// <summary>An instance as it stands in a commit.</summary>
/// <param name="Path">From the repository's root; empty for the root itself.</param>
/// <param name="StateFile">Its state file's path.</param>
/// <param name="State">What it was made from.</param>
internal sealed record CommittedInstance(string Path, string StateFile, InstanceState State)
{
    /// <summary>For people.</summary>
    public string Name => NameOf(Path);

    public static string NameOf(string path) => path.Length == 0 ? "." : path;
}

/// <summary>Every instance of a repository at one commit, read with two git commands whatever their number.</summary>
internal sealed class TemplateFleet
{
    private readonly string[] paths;
    private readonly IReadOnlyDictionary<string, MergeEntry> files;

    private TemplateFleet(GitStore store, string top, string commit, IReadOnlyDictionary<string, MergeEntry> files) =>
        (Store, Top, Commit, this.files, paths) = (store, top, commit, files, [.. files.Keys.Order(StringComparer.Ordinal)]);

    public GitStore Store { get; }

    /// <summary>What relative paths of template repositories are relative to.</summary>
    public string Top { get; }

    public string Commit { get; }

    /// <summary>In order of path.</summary>
    public IReadOnlyList<CommittedInstance> Instances { get; private set; } = [];

    /// <summary>Folders with a state that cannot be used, and what is wrong with it.</summary>
    public IReadOnlyList<(string Name, IReadOnlyList<Diagnostic> Problems)> Broken { get; private set; } = [];

    /// <summary>Null after saying why it cannot be read.</summary>
    public static async Task<TemplateFleet?> ReadAsync(string folder, string revision, TextWriter error, CancellationToken stop)
    {
        var store = new GitStore(folder);
        var top = Directory.Exists(folder) ? await store.PlaceAsync("--show-toplevel", stop)
            ?? await store.PlaceAsync("--git-common-dir", stop) : null;
        var commit = top is null ? null : await store.ResolveAsync(revision, stop);
        if (top is null || commit is null)
        {
            error.WriteLine("capillary: " + (!Directory.Exists(folder) ? $"there is no folder {folder}"
                : top is null ? $"{folder} is in no Git repository"
                : $"the Git repository of {folder} has no commit; commit first: this reads what is committed"));
            return null;
        }
        var prefix = await new GitTreeReader(folder).PrefixAsync(stop) is { Length: > 0 } below ? below + "/" : "";
        var listed = await store.ListAsync(commit, stop);
        if (listed.Value is not { } files)
        {
            error.WriteLine($"capillary: {listed.Error}");
            return null;
        }
        var fleet = new TemplateFleet(store, top, commit, files);
        var states = fleet.paths.Where(path => path.StartsWith(prefix, StringComparison.Ordinal) && fleet.IsState(path)).ToList();
        var read = await store.BlobsAsync([.. states.Select(path => files[path].Id).Distinct()], stop);
        if (read.Value is { } blobs)
        {
            fleet.Take(states, blobs, prefix);
            return fleet;
        }
        error.WriteLine($"capillary: {read.Error}");
        return null;
    }

    private bool IsState(string path) => InstanceFiles.IsState(path[(path.LastIndexOf('/') + 1)..])
        // An instance that was adopted by us may still have the state of foxops beside ours.
        && !(path.EndsWith(InstanceFiles.FengineState, StringComparison.Ordinal)
            && files.ContainsKey(path[..^InstanceFiles.FengineState.Length] + InstanceFiles.State));

    private void Take(List<string> states, IReadOnlyDictionary<string, byte[]> blobs, string prefix)
    {
        const string Plan = $"{TemplateJournal.Name}/{TemplateJournal.PlanName}";
        var halves = paths.Where(path => path.StartsWith(prefix, StringComparison.Ordinal)
            && (path == Plan || path.EndsWith("/" + Plan, StringComparison.Ordinal))).Select(path => path[..^Plan.Length]).ToHashSet();
        var instances = new List<CommittedInstance>();
        var broken = halves.Select(folder => (CommittedInstance.NameOf(folder.TrimEnd('/')),
            (IReadOnlyList<Diagnostic>)[Diagnostic.Error(DiagnosticCodes.BadInstanceState, folder + Plan, TextPosition.WholeFile,
                "the folder was committed in the middle of a change, which this says")])).ToList();
        foreach (var path in states)
        {
            var folder = path[..(path.LastIndexOf('/') + 1)];
            if (halves.Contains(folder)) continue;
            var read = InstanceState.Read(path, blobs[files[path].Id]);
            if (read.State is { } state) instances.Add(new(folder.TrimEnd('/'), path, state));
            else broken.Add((CommittedInstance.NameOf(folder.TrimEnd('/')), read.Problems));
        }
        (Instances, Broken) = (instances, broken);
    }

    /// <summary>The files of one instance, by path below it.</summary>
    public IReadOnlyDictionary<string, MergeEntry> FilesOf(CommittedInstance instance)
    {
        var prefix = instance.Path.Length == 0 ? "" : instance.Path + "/";
        var start = Array.BinarySearch(paths, prefix, StringComparer.Ordinal);
        var own = new Dictionary<string, MergeEntry>(StringComparer.Ordinal);
        for (var i = start < 0 ? ~start : start; i < paths.Length && paths[i].StartsWith(prefix, StringComparison.Ordinal); i++)
            own[paths[i][prefix.Length..]] = files[paths[i]];
        return own;
    }
}
