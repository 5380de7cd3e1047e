using System.Security.Cryptography;
using System.Text;
using Capillary.Fleet.Documents;
using Capillary.Fleet.Templates;
using Capillary.HubNode.Git;

namespace Capillary.Cli;

/// <summary>The template repositories that a command meets; each is fetched once and each version parsed once.</summary>
internal sealed class TemplateLibrary(TextWriter error)
{
    private readonly Dictionary<string, TemplateRepository?> repositories = new(StringComparer.Ordinal);

    /// <summary>A repository at a path or URL; null after saying why it cannot be read.</summary>
    /// <param name="repository">As an instance's state names it.</param>
    /// <param name="folder">What a relative path is relative to.</param>
    /// <param name="stop">Ends git.</param>
    public async Task<TemplateRepository?> OpenAsync(string repository, string folder, CancellationToken stop)
    {
        var place = IsRemote(repository) ? repository : Path.GetFullPath(repository, folder);
        if (repositories.TryGetValue(place, out var known)) return known;
        return repositories[place] = IsRemote(repository) ? await FetchAsync(repository, stop) : await LocalAsync(repository, place, stop);
    }

    /// <summary>True for what is no path on this machine.</summary>
    public static bool IsRemote(string repository) => repository.Contains("://", StringComparison.Ordinal)
        || (repository.IndexOf(':') is var colon and > 0 && repository.IndexOf('@') is var at and > 0 && at < colon
            && !repository[..colon].Contains('/'));

    private async Task<TemplateRepository?> LocalAsync(string repository, string place, CancellationToken stop)
    {
        var store = new GitStore(place);
        if (Directory.Exists(place) && await store.PlaceAsync("--git-common-dir", stop) is not null)
            return new TemplateRepository(repository, store, error);
        error.WriteLine($"capillary: the template repository {repository} is no Git repository");
        return null;
    }

    private async Task<TemplateRepository?> FetchAsync(string url, CancellationToken stop)
    {
        var cache = Environment.GetEnvironmentVariable("XDG_CACHE_HOME") is { Length: > 0 } home
            ? home : Path.Combine(Environment.GetFolderPath(Environment.SpecialFolder.UserProfile), ".cache");
        var folder = Path.Combine(cache, "capillary", "templates",
            Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(url)))[..32]);
        Directory.CreateDirectory(folder);
        var store = new GitStore(folder);
        if (await store.FetchAsync(url, stop) is not { } failure) return new TemplateRepository(url, store, error);
        // What was fetched before is enough for versions that it holds.
        error.WriteLine($"capillary: {url} cannot be fetched: {failure}");
        return (await store.TagsAsync(stop)).Value is { Count: > 0 } ? new TemplateRepository(url, store, error) : null;
    }
}

/// <summary>One template repository, on this machine.</summary>
internal sealed class TemplateRepository(string name, GitStore store, TextWriter error)
{
    private readonly Dictionary<string, TemplateSource?> sources = new(StringComparer.Ordinal);
    private TemplateVersions? versions;

    /// <summary>Its releases; null after saying why they cannot be read.</summary>
    public async Task<TemplateVersions?> VersionsAsync(CancellationToken stop)
    {
        if (versions is not null) return versions;
        var tags = await store.TagsAsync(stop);
        if (tags.Value is { } all) return versions = new TemplateVersions(all);
        error.WriteLine($"capillary: {name}: {tags.Error}");
        return null;
    }

    /// <summary>A tag, branch or commit; null: the newest release. Null after saying that there is none.</summary>
    public async Task<TemplateOrigin?> ResolveAsync(string? version, CancellationToken stop)
    {
        var (origin, problem) = await FindAsync(version, stop);
        if (problem is not null) error.WriteLine(problem.ToString());
        return origin;
    }

    /// <summary>As <see cref="ResolveAsync"/>, but what is wrong is given and not said.</summary>
    public async Task<(TemplateOrigin? Origin, Diagnostic? Problem)> FindAsync(string? version, CancellationToken stop)
    {
        if (version is null)
        {
            if (await VersionsAsync(stop) is not { } all) return default;
            return all.Newest is { } newest ? (new TemplateOrigin(name, newest.Name, newest.Commit), null)
                : (null, Problem("there is no release (a tag such as 1.0)", "say which version: --to VERSION"));
        }
        // A tag first: a branch of the same name moves.
        if (await store.ResolveAsync($"refs/tags/{version}", stop) is { } tagged) return (new(name, version, tagged), null);
        if (await store.ResolveAsync(version, stop) is { } commit) return (new(name, version, commit), null);
        var meant = await store.ResolveAsync($"refs/tags/v{version}", stop) is null ? null : $"there is 'v{version}'";
        return (null, Problem($"there is no version '{version}'", meant));

        Diagnostic Problem(string message, string? help) =>
            Diagnostic.Error(DiagnosticCodes.VersionMissing, name, TextPosition.WholeFile, message, help);
    }

    /// <summary>Those of the commits that are not here any more; null after saying why that cannot be told.</summary>
    public async Task<IReadOnlySet<string>?> MissingAsync(IEnumerable<string> commits, CancellationToken stop)
    {
        var missing = await store.MissingAsync([.. commits.Distinct()], stop);
        if (missing.Value is null) error.WriteLine($"capillary: {name}: {missing.Error}");
        return missing.Value;
    }

    /// <summary>What a tag points at now; null when there is no such tag.</summary>
    public Task<string?> ResolveTagAsync(string tag, CancellationToken stop) => store.ResolveAsync($"refs/tags/{tag}", stop);

    /// <summary>The template at a commit; null after saying what is wrong, at the place that names it.</summary>
    public async Task<TemplateSource?> SourceAsync(TemplateOrigin origin, string place, CancellationToken stop)
    {
        if (sources.TryGetValue(origin.Commit, out var known)) return known;
        var read = await store.ReadAsync(origin.Commit, stop);
        if (read.Value is not { } files)
        {
            error.WriteLine(Diagnostic.Error(DiagnosticCodes.VersionMissing, place, TextPosition.WholeFile,
                $"version {origin.Version} (commit {origin.Commit}) is not in {name} any more: {read.Error}").ToString());
            return sources[origin.Commit] = null;
        }
        var parsed = TemplateSource.Read(files);
        foreach (var problem in parsed.Problems) error.WriteLine($"template {name} at {origin.Version}: {problem}");
        return sources[origin.Commit] = parsed.Source;
    }
}
