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
    public string Name => Path.Length == 0 ? "." : Path;
}

/// <summary>Every instance of a repository at one commit, read with two git commands whatever their number.</summary>
internal sealed class TemplateFleet
{
    private readonly string[] paths;
    private readonly IReadOnlyDictionary<string, MergeEntry> files;

    private TemplateFleet(GitStore store, string top, string commit, IReadOnlyDictionary<string, MergeEntry> files,
        List<CommittedInstance> instances)
    {
        (Store, Top, Commit, this.files, Instances) = (store, top, commit, files, instances);
        paths = [.. files.Keys.Order(StringComparer.Ordinal)];
    }

    public GitStore Store { get; }

    /// <summary>What relative paths of template repositories are relative to.</summary>
    public string Top { get; }

    public string Commit { get; }

    /// <summary>In order of path.</summary>
    public IReadOnlyList<CommittedInstance> Instances { get; }

    /// <summary>Null after saying why it cannot be read. An instance whose state cannot be used is told and left out, and
    /// counted.</summary>
    public static async Task<(TemplateFleet Fleet, int Broken)?> ReadAsync(string folder, string revision, TextWriter error,
        CancellationToken stop)
    {
        var store = new GitStore(folder);
        var top = Directory.Exists(folder) ? await store.PlaceAsync("--show-toplevel", stop) ?? await store.PlaceAsync("--git-common-dir",
            stop) : null;
        if (top is null || await store.ResolveAsync(revision, stop) is not { } commit)
        {
            error.WriteLine($"capillary: {folder} is in no Git repository with a commit '{revision}'");
            return null;
        }
        var prefix = await new GitTreeReader(folder).PrefixAsync(stop) is { Length: > 0 } below ? below + "/" : "";
        var listed = await store.ListAsync(commit, stop);
        if (listed.Value is not { } files)
        {
            error.WriteLine($"capillary: {listed.Error}");
            return null;
        }
        var states = files.Where(item => item.Key.StartsWith(prefix, StringComparison.Ordinal)
            && InstanceFiles.IsState(item.Key[(item.Key.LastIndexOf('/') + 1)..])).OrderBy(item => item.Key, StringComparer.Ordinal)
                .ToList();
        var read = await store.BlobsAsync([.. states.Select(item => item.Value.Id).Distinct()], stop);
        if (read.Value is not { } blobs)
        {
            error.WriteLine($"capillary: {read.Error}");
            return null;
        }
        var instances = new List<CommittedInstance>();
        var broken = 0;
        foreach (var (path, entry) in states)
        {
            var at = path.LastIndexOf('/');
            // An instance that was adopted by us may still have the state of foxops beside ours.
            if (path.EndsWith(InstanceFiles.FengineState, StringComparison.Ordinal) && files.ContainsKey(path[..(at + 1)]
                + InstanceFiles.State)) continue;
            var state = InstanceState.Read(path, blobs[entry.Id]);
            foreach (var problem in state.Problems) error.WriteLine(problem.ToString());
            if (state.State is { } found) instances.Add(new(at < 0 ? "" : path[..at], path, found));
            else broken++;
        }
        return (new TemplateFleet(store, top, commit, files, instances), broken);
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
