using System.Globalization;
using System.Text;
using Capillary.Fleet.Documents;
using Capillary.Fleet.Variables;

namespace Capillary.Fleet.Compile;

/// <summary>
/// The names that an app's templates read. Two sites that agree on all of them get the same layer, so it is rendered once.
/// </summary>
internal sealed class ReadPaths
{
    /// <summary>What a template can name.</summary>
    public static readonly string[] Roots = ["app", "artifacts", "fleet", "site", "vars"];

    private static readonly string[] SiteMembers = ["distribution", "labels", "name", "platform", "region"];
    private readonly string[] paths;

    /// <param name="paths">Dotted static paths, as the template reports them; shorter ones cover what is below them.</param>
    public ReadPaths(IEnumerable<string> paths)
    {
        this.paths = [.. paths.Distinct(StringComparer.Ordinal).Order(StringComparer.Ordinal)];
        const string Prefix = "artifacts.";
        if (this.paths.Contains("artifacts", StringComparer.Ordinal)) return;
        Artifacts = this.paths.Where(path => path.StartsWith(Prefix, StringComparison.Ordinal)).Select(path => path[Prefix.Length..])
            .ToHashSet();
    }

    /// <summary>Artifacts that templates read by name; null: any.</summary>
    public IReadOnlySet<string>? Artifacts { get; }

    /// <summary>The name that a path reads and that cannot exist, with what could; null when the path is fine.</summary>
    public static (string Name, IEnumerable<string> Known)? Unknown(string path, AppDocument app)
    {
        var parts = path.Split('.');
        if (!Roots.Contains(parts[0], StringComparer.Ordinal)) return (parts[0], Roots);
        if (parts.Length == 1) return null;
        if (parts[0] == "vars") return Unknown(parts.AsSpan(1), app.Variables);
        IEnumerable<string> known = parts[0] switch
        {
            "site" => SiteMembers,
            "artifacts" => app.Artifacts.Keys,
            _ => ["name"],
        };
        return known.Contains(parts[1], StringComparer.Ordinal) || (parts[0] == "artifacts" && parts.Length > 2) ? null : (parts[1], known);
    }

    /// <summary>Follows a path into objects whose members are all declared. A member with a dot in its name makes a path ambiguous, so
    /// then nothing is said.</summary>
    private static (string Name, IEnumerable<string> Known)? Unknown(ReadOnlySpan<string> parts,
        IReadOnlyDictionary<string, VariableDeclaration> declared)
    {
        if (declared.Keys.Any(name => name.Contains('.'))) return null;
        if (!declared.TryGetValue(parts[0], out var declaration)) return (parts[0], declared.Keys);
        if (parts.Length == 1) return null;
        return declaration.Type switch
        {
            ObjectType { Additional: null } type => Unknown(parts[1..], type.Properties),
            SecretType when parts[1] != SecretType.Member => (parts[1], [SecretType.Member]),
            _ => null,
        };
    }

    /// <summary>All values at these paths, unambiguously joined: the key of a rendered layer.</summary>
    public string KeyOf(RenderInput input, StringBuilder key)
    {
        key.Clear().Append(input.Site.Platform == SitePlatform.Host ? 'h' : 'k');
        foreach (var path in paths)
        {
            if (path.StartsWith("vars.", StringComparison.Ordinal)) Variable(key, input, path);
            else if (path == "vars") foreach (var name in input.Variables.Keys.Order(StringComparer.Ordinal)) Named(key, input, name);
            else if (path.StartsWith("site", StringComparison.Ordinal)) Site(key, input.Site, path);
            else if (path.StartsWith("fleet", StringComparison.Ordinal)) Add(key, input.FleetName);
        }
        return key.ToString();
    }

    private static void Named(StringBuilder key, RenderInput input, string name)
    {
        Add(key, name);
        Variable(key, input, "vars." + name);
    }

    private static void Variable(StringBuilder key, RenderInput input, string path)
    {
        var end = path.IndexOf('.', 5);
        var name = end < 0 ? path[5..] : path[5..end];
        if (!input.Variables.TryGetValue(name, out var value))
        {
            key.Append('-');
            return;
        }
        key.Append(value.Key);
    }

    private static void Site(StringBuilder key, SiteDocument site, string path)
    {
        switch (path)
        {
            case "site.name": Add(key, site.Name); return;
            case "site.region": Add(key, site.Region); return;
            case "site.platform": return;
            case "site.distribution": Add(key, site.Distribution); return;
        }
        if (path.StartsWith("site.labels.", StringComparison.Ordinal) && path["site.labels.".Length..] is var label && !label.Contains('.'))
        {
            // One label: sites that differ in others still share the layer. A key with dots is ambiguous here, so it counts as all labels.
            if (site.AllLabels.TryGetValue(label, out var only)) Add(key, only);
            else key.Append('-');
            return;
        }
        if (path == "site") Add(key.Append(site.Name).Append('/'), $"{site.Region}/{site.Distribution}");
        foreach (var (name, value) in site.AllLabels)
        {
            Add(key, name);
            Add(key, value);
        }
    }

    private static void Add(StringBuilder key, string text) =>
        key.Append(CultureInfo.InvariantCulture, $"{text.Length}:").Append(text);
}
