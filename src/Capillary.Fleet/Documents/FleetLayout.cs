using Capillary.Fleet.Templates;

namespace Capillary.Fleet.Documents;

/// <summary>The kinds of document.</summary>
public enum DocumentKind
{
    Fleet,
    Region,
    Site,
    Group,
    App,
    RolloutPolicy,
    HealthRules,
}

/// <summary>What the path of a document promises.</summary>
/// <param name="Kind">What <c>kind</c> must say.</param>
/// <param name="Name">What <c>metadata.name</c> must say; null for fleet.yaml, which names itself.</param>
/// <param name="Region">The folder of a site.</param>
internal sealed record DocumentPlace(DocumentKind Kind, string? Name, string? Region = null);

/// <summary>Which file stands where (README of the fleet language: DESIGN section 5).</summary>
public static class FleetLayout
{
    /// <summary>The root document.</summary>
    public const string FleetFile = "fleet.yaml";

    private const string AppFile = "app.yaml";
    private const string Templates = "templates";
    private static readonly string[] Folders = ["regions", "sites", "groups", "apps", "rollouts", "health"];

    /// <summary>How a reader treats this path.</summary>
    public static TreeReading Reading(string path)
    {
        if (path == FleetFile || path is "fleet.yml") return TreeReading.Hold;
        var parts = path.Split('/');
        // An app may be an instance of a template.
        if (Array.Exists(parts, InstanceFiles.IsReserved)) return TreeReading.Skip;
        if (parts.Length < 2 || !Folders.Contains(parts[0], StringComparer.Ordinal)) return TreeReading.Skip;
        if (parts[0] != "apps") return IsYaml(path) ? TreeReading.Hold : TreeReading.Skip;
        if (parts.Length >= 4 && parts[2] == Templates) return TreeReading.Hold;
        return parts.Length <= 3 && IsYaml(path) ? TreeReading.Hold : TreeReading.Hash;
    }

    /// <summary>True for a path that is one of the language's folders or below one.</summary>
    internal static bool IsInFleetFolder(string path) => Folders.Contains(path.Split('/')[0], StringComparer.Ordinal);

    /// <summary>What document must stand at this path; null when the path is no document's.</summary>
    internal static DocumentPlace? Place(string path)
    {
        if (path == FleetFile) return new(DocumentKind.Fleet, null);
        if (!path.EndsWith(".yaml", StringComparison.Ordinal)) return null;
        return path[..^".yaml".Length].Split('/') switch
        {
            ["regions", var name] => new(DocumentKind.Region, name),
            ["groups", var name] => new(DocumentKind.Group, name),
            ["rollouts", var name] => new(DocumentKind.RolloutPolicy, name),
            ["health", var name] => new(DocumentKind.HealthRules, name),
            ["sites", var region, var name] => new(DocumentKind.Site, name, region),
            ["apps", var name, "app"] => new(DocumentKind.App, name),
            _ => null,
        };
    }

    /// <summary>Why a held file is read by nothing; null when it is in its place.</summary>
    internal static (string Message, string? Suggestion)? Misplaced(string path)
    {
        if (Place(path) is not null || TemplateOf(path) is not null) return null;
        if (path.EndsWith(".yml", StringComparison.Ordinal))
            return ("documents end in .yaml", $"rename it to {path[..^".yml".Length]}.yaml");
        return path.Split('/') switch
        {
            ["sites", _] => ("a site stands in the folder of its region", "move it to sites/REGION/SITE.yaml"),
            ["apps", var name] => ("an app is a folder", $"move it to apps/{name[..^".yaml".Length]}/{AppFile}"),
            ["apps", var app, var name] => ($"the only document of an app is {AppFile}",
                NearestName.Suggest(name, [AppFile]) ?? $"move it to apps/{app}/{Templates}/"),
            ["sites", ..] => ("sites stand exactly one folder deep", "move it to sites/REGION/SITE.yaml"),
            [var folder, ..] => ($"{folder} has no sub-folders", $"move it to {folder}/"),
            _ => ("nothing reads this file", null),
        };
    }

    /// <summary>App and path below its templates folder, when the path is a template's.</summary>
    internal static string PathOf(string app, string template) => $"apps/{app}/{Templates}/{template}";

    internal static (string App, string Path)? TemplateOf(string path) =>
        path.StartsWith("apps/", StringComparison.Ordinal) && path.Split('/', 4) is [_, var app, Templates, var rest] ? (app, rest) : null;

    private static bool IsYaml(string path) =>
        path.EndsWith(".yaml", StringComparison.Ordinal) || path.EndsWith(".yml", StringComparison.Ordinal);
}
