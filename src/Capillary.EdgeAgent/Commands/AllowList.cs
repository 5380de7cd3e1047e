using Capillary.EdgeAgent.Apply.Host;
using Capillary.Node.Hosting;

namespace Capillary.EdgeAgent.Commands;

/// <summary>What <c>--root</c>, <c>--user</c> and <c>--allow-root</c> make of the site's allow-list.</summary>
internal static class AllowList
{
    /// <summary>Why a <c>--user</c> could never be used here; null: nothing is wrong.</summary>
    public static string? Problem(EdgeOptions options)
    {
        // Somebody else than root cannot know what root's agent will be able to do.
        if (!Environment.IsPrivilegedProcess) return null;
        var accounts = new Accounts(new HostApplyOptions
        {
            Site = "", StateFolder = "/", Roots = ["/"], Users = options.Users, AllowRoot = options.AllowRoot,
        });
        foreach (var (name, account) in options.Users)
        {
            if (accounts.Problem(name) is not { } problem) continue;
            var advice = problem.Contains("exist", StringComparison.Ordinal)
                ? $"make it: useradd --system {account}" : "give --allow-root if it may";
            return $"--user {name}={account}: {problem}; {advice}";
        }
        return null;
    }

    /// <summary>Why the cluster that is named cannot be used; null: nothing is wrong, as far as one can tell without asking it.</summary>
    public static string? ClusterProblem(EdgeOptions options)
    {
        if (options is { InCluster: true, Kubeconfig: not null }) return "give --in-cluster or --kubeconfig, not both";
        try
        {
            _ = options.Cluster?.Connect("");
            return null;
        }
        catch (InvalidDataException e)
        {
            return e.Message;
        }
    }

    /// <summary>Makes the folders that bundles may write below.</summary>
    public static void OpenRoots(EdgeOptions options, string home)
    {
        // What is applied to a cluster puts no files here.
        if (options.Cluster is not null) return;
        var roots = Roots(options, home);
        foreach (var root in roots) Directory.CreateDirectory(root);
        // Services have accounts of their own and must be able to pass through to a root in this folder; all else in it stays closed.
        if (roots.Any(root => root.StartsWith(home + "/", StringComparison.Ordinal)))
            File.SetUnixFileMode(home, File.GetUnixFileMode(home) | UnixFileMode.GroupExecute | UnixFileMode.OtherExecute);
    }

    /// <summary>A site that joins gets a list of its own.</summary>
    public static void Write(EdgeOptions options, NodeHome home) => new EdgeSettings
    {
        Roots = options.Cluster is null ? Roots(options, home.Folder) : [], Users = options.Users, AllowRoot = options.AllowRoot,
        MaxRate = options.MaxRate, QuietHours = options.QuietHours, Kubernetes = options.Cluster,
    }.Save(home.FileOf("edge.json"));

    /// <summary>Adds to the list that stands; true when it changed.</summary>
    public static bool Add(EdgeOptions options)
    {
        if (!options.HasAllowList) return false;
        var path = Path.Combine(options.Data, "edge.json");
        var old = EdgeSettings.Load(path);
        var users = new Dictionary<string, string>(old.Users);
        foreach (var (name, account) in options.Users) users[name] = account;
        var roots = old.Roots.Union(options.Roots.Select(Path.GetFullPath)).ToList();
        if (roots.SequenceEqual(old.Roots) && users.Count == old.Users.Count && users.All(old.Users.Contains)
            && (old.AllowRoot || !options.AllowRoot) && (options.Cluster is null || options.Cluster.Kubeconfig == old.Kubernetes?.Kubeconfig
                && old.Kubernetes is not null)) return false;
        OpenRoots(options with { Roots = roots }, options.Data);
        var cluster = options.Cluster is { } given ? (old.Kubernetes ?? given) with { Kubeconfig = given.Kubeconfig } : old.Kubernetes;
        (old with { Roots = roots, Users = users, AllowRoot = old.AllowRoot || options.AllowRoot, Kubernetes = cluster }).Save(path);
        return true;
    }

    private static List<string> Roots(EdgeOptions options, string home) =>
        [.. options.Roots.Select(Path.GetFullPath).DefaultIfEmpty(Path.Combine(home, "root"))];
}
