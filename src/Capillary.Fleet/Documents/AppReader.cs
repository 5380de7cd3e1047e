using Capillary.Core.Apply;
using Capillary.Core.Identity;
using Capillary.Fleet.Variables;

namespace Capillary.Fleet.Documents;

/// <summary>Reads the spec of <c>app.yaml</c>.</summary>
internal static class AppReader
{
    public static AppDocument Read(DocumentHead head, FieldReader spec)
    {
        var placement = spec.Child("placement", required: true);
        var selector = placement is null ? Selector.Everything : Selector.Read(placement);
        var platforms = placement?.List("platforms").Select(node => Platform(placement, node)).OfType<SitePlatform>().Distinct().ToList();
        placement?.RejectUnknown();
        var health = spec.Child("health");
        var deadline = health?.Integer("deadlineSeconds", 1, 86_400, 60) ?? 60;
        health?.RejectUnknown();
        return new AppDocument(head, selector, platforms ?? [], VariableReader.Declarations(spec), Artifacts(head, spec),
            spec.Names("after"), deadline)
        {
            Kubernetes = KubernetesPolicyReader.Read(spec),
            RolloutPolicy = spec.Name("rolloutPolicy"),
        };
    }

    private static SitePlatform? Platform(FieldReader fields, YamlNode node)
    {
        if (fields.AsText(node, fields.PathOf("platforms")) is not { } text) return null;
        switch (text.Value)
        {
            case "host": return SitePlatform.Host;
            case "kubernetes": return SitePlatform.Kubernetes;
        }
        fields.Bag.Error(DiagnosticCodes.NotAllowed, text.At,
            $"{fields.PathOf("platforms")}: '{text.Value}' is not one of host, kubernetes",
            NearestName.Suggest(text.Value, ["host", "kubernetes"]));
        return null;
    }

    private static SortedDictionary<string, ArtifactDeclaration> Artifacts(DocumentHead head, FieldReader spec)
    {
        var artifacts = new SortedDictionary<string, ArtifactDeclaration>(StringComparer.Ordinal);
        var folder = head.File[..(head.File.LastIndexOf('/') + 1)];
        foreach (var (key, node) in spec.Map("artifacts"))
        {
            if (!DnsLabel.IsValid(key.Text))
                spec.Bag.Error(DiagnosticCodes.BadName, key.At,
                    $"'{key.Text}' is not the name of an artifact: lower-case letters, digits and '-'");
            if (FieldReader.Of(node, $"{spec.PathOf("artifacts")}.{key.Text}", spec.Bag) is not { } fields) continue;
            var path = fields.Text("path", required: true);
            var executable = fields.Flag("executable");
            fields.RejectUnknown();
            if (path is not { } found || !IsUsable(found, fields)) continue;
            artifacts[key.Text] = new ArtifactDeclaration(key.Text, folder + found.Value, executable, found.At);
        }
        return artifacts;
    }

    private static bool IsUsable(Located<string> path, FieldReader fields)
    {
        var problem = HostObjectReader.PathProblem(path.Value);
        if (path.Value.StartsWith('/')) problem = "a path here is relative to the app's folder";
        if (path.Value.StartsWith("templates/", StringComparison.Ordinal)) problem = "a template is not an artifact";
        if (path.Value == "app.yaml") problem = "the app's own document is not an artifact";
        if (problem is null) return true;
        fields.Bag.Error(DiagnosticCodes.BadPath, path.At, $"{fields.PathOf("path")}: '{path.Value}': {problem}",
            "artifacts are files below the app's folder, such as artifacts/NAME");
        return false;
    }
}
