using System.Collections.Frozen;

namespace Capillary.Core.Apply;

/// <summary>What a site's own people allow a bundle to do there. It is local: no commit and no hub can widen it.</summary>
/// <param name="Roots">Absolute folders below which files may be; the first is the root of relative paths.</param>
/// <param name="Reserved">Absolute folders below a root that are the agent's own.</param>
/// <param name="Users">Every fleet user name that may be used, with null, or why it may not.</param>
/// <param name="Ports">Ports below 1024 that a service may listen on.</param>
public sealed record SiteAllowList(
    IReadOnlyList<string> Roots, IReadOnlyList<string> Reserved, FrozenDictionary<string, string?> Users, FrozenSet<int> Ports)
{
    /// <summary>The folder in each root that holds staged content; the name of no bundle's file.</summary>
    public const string StageFolder = ".capillary";

    /// <summary>What a foreign file is called while ours stands in its place.</summary>
    public const string OriginalSuffix = ".capillary-orig";

    /// <summary>The first thing that this site does not allow, or null.</summary>
    public Refusal? Check(DesiredObjects objects)
    {
        foreach (var app in objects.Apps)
        {
            if (app.Objects.FirstOrDefault() is { } foreign)
                return new(ConditionCodes.BundleInvalid, $"{foreign.Manifest.Ref.Subject}: a host runs no Kubernetes objects");
            foreach (var file in app.Files)
            {
                var problem = CheckPath(file.Path) ?? (file.Owner is null ? null : CheckUser(file.Owner));
                if (problem is not null) return problem with { Text = $"File {file.App}/{file.Name}: {problem.Text}" };
            }
            foreach (var service in app.Services)
            {
                if (Check(service.Object) is { } problem) return problem with { Text = $"Service {service.Key}: {problem.Text}" };
            }
        }
        return null;
    }

    /// <summary>The root that an absolute path lies below, or null.</summary>
    public string? RootOf(string path)
    {
        string? best = null;
        foreach (var root in Roots)
        {
            if (Below(root, path) && (best is null || root.Length > best.Length)) best = root;
        }
        return best;
    }

    /// <summary>Why a file may not be at this absolute path, or null.</summary>
    public Refusal? CheckPath(string path)
    {
        if (HostObjectReader.PathProblem(path) is { } problem) return new(ConditionCodes.PathNotAllowed, $"'{path}': {problem}");
        if (RootOf(path) is null) return new(ConditionCodes.PathNotAllowed, $"'{path}' is not below a folder that this site allows");
        foreach (var reserved in Reserved)
        {
            if (path == reserved || Below(reserved, path)) return new(ConditionCodes.PathNotAllowed, $"'{path}' is the agent's own");
        }
        var own = path.EndsWith(OriginalSuffix, StringComparison.Ordinal) || path.Split('/').Contains(StageFolder);
        return own ? new(ConditionCodes.PathNotAllowed, $"'{path}' has a name that the agent keeps for itself") : null;
    }

    private Refusal? Check(ServiceObject service)
    {
        if (CheckUser(service.User) is { } user) return user;
        var folder = service.WorkingDirectory is { } given ? BundleContent.Absolute(Roots[0], given) : Roots[0];
        if (RootOf(folder) is null && !Roots.Contains(folder))
            return new(ConditionCodes.PathNotAllowed, $"working directory '{folder}' is not below a folder that this site allows");
        if (service.Command[0].Contains('=')) return new(ConditionCodes.BundleInvalid, "a program's name holds no '='");
        var port = PortOf(service);
        return port is > 0 and < 1024 && !Ports.Contains(port)
            ? new(ConditionCodes.PortNotAllowed, $"port {port} is privileged and not on this site's list")
            : null;
    }

    /// <summary>The port that a service's health names, or 0: what the site lets it listen on is known from there.</summary>
    public static int PortOf(ServiceObject service) => service.Health switch
    {
        HealthProbe.Http http => http.Port,
        HealthProbe.Tcp tcp => tcp.Port,
        _ => 0,
    };

    private Refusal? CheckUser(string user) => Users.TryGetValue(user, out var reason)
        ? reason is null ? null : new(ConditionCodes.UserNotAllowed, $"user '{user}': {reason}")
        : new(ConditionCodes.UserNotAllowed, $"user '{user}' is not on this site's list");

    private static bool Below(string root, string path) =>
        root == "/" ? path.Length > 1
        : path.Length > root.Length + 1 && path[root.Length] == '/' && path.StartsWith(root, StringComparison.Ordinal);
}

/// <summary>Something a site does not allow.</summary>
/// <param name="Code">One of <see cref="ConditionCodes"/>.</param>
/// <param name="Text">What and why.</param>
public sealed record Refusal(string Code, string Text);
