using Capillary.Core.Apply;
using Capillary.Core.Identity;
using Capillary.Fleet.Variables;

namespace Capillary.Fleet.Documents;

/// <summary>One document file after reading; never changes, so it is kept as long as its content id stays.</summary>
/// <param name="Path">In the repository.</param>
/// <param name="Id">The content's id.</param>
/// <param name="Document">Null when it is too broken to be used.</param>
/// <param name="Diagnostics">What is wrong with it on its own.</param>
internal sealed record ParsedFile(string Path, string Id, SourceDocument? Document, IReadOnlyList<Diagnostic> Diagnostics);

/// <summary>Bytes of one document file -> its record, or what is wrong with it. Pure.</summary>
internal static class DocumentParser
{
    private const string ReservedPrefix = "capillary.dev/";

    public static ParsedFile Parse(TreeFile file)
    {
        var bag = new DiagnosticBag(file.Path);
        SourceDocument? document = null;
        if (FleetLayout.Misplaced(file.Path) is { } misplaced)
            bag.Error(DiagnosticCodes.Misplaced, TextPosition.WholeFile, misplaced.Message, misplaced.Suggestion);
        else if (Decode(file, bag) is { } text && Root(text, bag) is { } root)
            document = Read(FleetLayout.Place(file.Path)!, new FieldReader(root, "", bag));
        return new ParsedFile(file.Path, file.Id, document, bag.Items);
    }

    /// <summary>The text of a file; null after reporting that it is not UTF-8.</summary>
    public static string? Decode(TreeFile file, DiagnosticBag bag)
    {
        if (Utf8Text.TryDecode(file.Content.Span, out var text, out var offset)) return text;
        bag.Error(DiagnosticCodes.NotUtf8, TextPosition.WholeFile, $"the byte at offset {offset} is not UTF-8", "save the file as UTF-8");
        return null;
    }

    private static YamlMapping? Root(string text, DiagnosticBag bag)
    {
        var roots = YamlLoader.Load(text, bag);
        if (!bag.IsEmpty && roots.Count == 0) return null;
        if (roots.Count != 1)
        {
            bag.Error(DiagnosticCodes.DocumentCount, roots.Count > 1 ? roots[1].At : TextPosition.WholeFile,
                roots.Count == 0 ? "the file holds no document" : $"the file holds {roots.Count} documents; put each in its own file");
        }
        if (roots.Count == 0) return null;
        if (roots[0] is YamlMapping mapping) return mapping;
        FieldReader.WrongType(bag, roots[0], "", "a mapping with apiVersion, kind, metadata and spec");
        return null;
    }

    private static SourceDocument? Read(DocumentPlace place, FieldReader root)
    {
        CheckVersionAndKind(place, root);
        var head = Head(place, root);
        var isOptional = place.Kind is DocumentKind.Region or DocumentKind.RolloutPolicy;
        var spec = root.Child("spec", required: !isOptional);
        root.RejectUnknown();
        if (isOptional) spec ??= new FieldReader(new YamlMapping([], root.At, 1), "spec", root.Bag);
        if (head is null || spec is null) return null;
        SourceDocument document = place.Kind switch
        {
            DocumentKind.Fleet => Fleet(head, spec),
            DocumentKind.Region => RegionReader.Read(head, spec),
            DocumentKind.Site => Site(head, place, spec),
            DocumentKind.Group =>
                new GroupDocument(head, Selector.Read(spec), spec.Integer("priority", -1000, 1000, 0), VariableReader.Settings(spec)),
            DocumentKind.App => AppReader.Read(head, spec),
            DocumentKind.HealthRules => HealthRulesReader.Read(head, spec),
            _ => RolloutPolicyReader.Read(head, spec),
        };
        spec.RejectUnknown();
        return document;
    }

    private static void CheckVersionAndKind(DocumentPlace place, FieldReader root)
    {
        if (root.Text("apiVersion", required: true) is { } version && version.Value != HostObjectReader.ApiVersion)
        {
            root.Bag.Error(DiagnosticCodes.WrongApiVersion, version.At, $"apiVersion '{version.Value}' is not known",
                $"write {HostObjectReader.ApiVersion}");
        }
        if (root.Text("kind", required: true) is { } kind && kind.Value != place.Kind.ToString())
        {
            root.Bag.Error(DiagnosticCodes.WrongKind, kind.At, $"a file at this place holds a {place.Kind}, found '{kind.Value}'",
                $"write kind: {place.Kind}, or move the file");
        }
    }

    private static DocumentHead? Head(DocumentPlace place, FieldReader root)
    {
        if (root.Child("metadata", required: true) is not { } metadata) return null;
        var name = metadata.Name("name", required: true);
        var labels = Labels(metadata);
        metadata.RejectUnknown();
        if (name is not { } found) return null;
        if (place.Name is not null && place.Name != found.Value)
        {
            root.Bag.Error(DiagnosticCodes.NameAndPath, found.At,
                $"metadata.name is '{found.Value}' but the file's path says '{place.Name}'",
                $"write name: {place.Name}, or rename the file");
            if (!DnsLabel.IsValid(place.Name)) return null;
            found = found with { Value = place.Name };
        }
        if (place.Region is null || DnsLabel.IsValid(place.Region)) return new DocumentHead(root.Bag.File, found.Value, found.At, labels);
        root.Bag.Error(DiagnosticCodes.BadName, TextPosition.WholeFile, $"the folder '{place.Region}' is not the name of a region");
        return null;
    }

    private static SortedDictionary<string, string> Labels(FieldReader metadata)
    {
        var labels = new SortedDictionary<string, string>(StringComparer.Ordinal);
        foreach (var (key, node) in metadata.Map("labels"))
        {
            var problem = LabelSyntax.KeyProblem(key.Text);
            if (key.Text.StartsWith(ReservedPrefix, StringComparison.Ordinal))
                problem = $"labels that begin with {ReservedPrefix} are set by Capillary";
            if (problem is not null) metadata.Bag.Error(DiagnosticCodes.BadLabel, key.At, problem);
            if (metadata.AsText(node, $"metadata.labels.{key.Text}") is not { } value) continue;
            if (LabelSyntax.ValueProblem(value.Value) is { } wrong) metadata.Bag.Error(DiagnosticCodes.BadLabel, value.At, wrong);
            labels[key.Text] = value.Value;
        }
        return labels;
    }

    private static FleetDocument Fleet(DocumentHead head, FieldReader spec)
    {
        var defaults = spec.Child("defaults");
        var policy = defaults?.Name("rolloutPolicy");
        defaults?.RejectUnknown();
        return new FleetDocument(head, spec.Names("regions", required: true), VariableReader.Settings(spec), policy)
        {
            Enrollment = RegionReader.Enrollment(spec),
        };
    }

    private static SiteDocument Site(DocumentHead head, DocumentPlace place, FieldReader spec)
    {
        var platform = spec.OneOf("platform", ["host", "kubernetes"], required: true)?.Value == "kubernetes"
            ? SitePlatform.Kubernetes : SitePlatform.Host;
        var distribution = spec.OneOf("distribution", Distributions.On(platform), required: true)?.Value ?? "other";
        var labels = new SortedDictionary<string, string>(StringComparer.Ordinal)
        {
            [ReservedPrefix + "region"] = place.Region!,
            [ReservedPrefix + "site"] = head.Name,
            [ReservedPrefix + "platform"] = Distributions.NameOf(platform),
            [ReservedPrefix + "distribution"] = distribution,
        };
        foreach (var (key, value) in head.Labels) labels[key] = value;
        return new SiteDocument(head, place.Region!, platform, distribution, VariableReader.Settings(spec), labels)
        {
            TimeZone = spec.TimeZone("timeZone"),
        };
    }
}
