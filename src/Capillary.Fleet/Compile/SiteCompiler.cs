using System.Text;
using Capillary.Core.Bundles;
using Capillary.Core.Identity;
using Capillary.Fleet.Documents;
using Capillary.Fleet.Inventory;
using Capillary.Fleet.Variables;

namespace Capillary.Fleet.Compile;

/// <summary>What one site compiled to: the site, or what is wrong with it.</summary>
/// <param name="Source">What it was compiled from; while that is the same instance, so is this.</param>
/// <param name="Site">Null when there are problems, here or in an app of the site.</param>
/// <param name="Problems">What is wrong here; a broken template is said once for its app, not here.</param>
internal sealed record SiteResult(FleetSite Source, CompiledSite? Site, IReadOnlyList<SiteProblem> Problems);

/// <summary>Compiles one site. Pure and without threads; the loop over sites is the caller's.</summary>
internal static class SiteCompiler
{
    public static SiteResult Compile(FleetDocument fleet, FleetSite site, IReadOnlyDictionary<string, AppProgram> programs,
        SiteResult? previous, CancellationToken stop)
    {
        var problems = new List<SiteProblem>();
        var apps = new List<CompiledApp>(site.Apps.Count);
        var complete = true;
        var settings = VariableLayers.Merge(fleet, site);
        var key = new StringBuilder();
        foreach (var document in site.Apps)
        {
            var program = programs[document.Name];
            var variables = Variables(document, site, settings, problems);
            if (variables is null || !program.CanRender)
            {
                complete = false;
                continue;
            }
            var input = new RenderInput(fleet.Name, site.Document, variables);
            var result = program.Remember(program.Reads.KeyOf(input, key), input, (app, values) => AppCompiler.Compile(app, values, stop));
            problems.AddRange(result.Problems);
            if (result.App is { } app) apps.Add(app);
        }
        CheckTargets(apps, problems);
        complete &= problems.Count == 0;
        return new SiteResult(site, complete ? Assemble(site.Document, apps, previous?.Site, problems) : null, problems);
    }

    /// <summary>The app's variables here; null when one has no value or a wrong one (the latter was said where the value stands).</summary>
    private static Dictionary<string, VariableValue>? Variables(AppDocument app, FleetSite site,
        Dictionary<string, VariableSetting> settings, List<SiteProblem> problems)
    {
        var values = new Dictionary<string, VariableValue>(app.Variables.Count, StringComparer.Ordinal);
        var complete = true;
        foreach (var declaration in app.Variables.Values)
        {
            if ((settings.GetValueOrDefault(declaration.Name)?.Value ?? declaration.Default) is { } given)
            {
                if (given.As(declaration.Type) is { } value) values[declaration.Name] = value;
                else complete = false;
            }
            else if (declaration.IsRequired)
            {
                complete = false;
                problems.Add(Missing(app, declaration, site));
            }
        }
        return complete ? values : null;
    }

    private static SiteProblem Missing(AppDocument app, VariableDeclaration declaration, FleetSite site) => new(
        $"{DiagnosticCodes.VariableMissing.Id}\0{app.Name}\0{declaration.Name}",
        Diagnostic.Error(DiagnosticCodes.VariableMissing, site.Document.File, site.Document.Head.NameAt,
            $"app '{app.Name}' needs the variable '{declaration.Name}' ({declaration.Type.Name})",
            $"set spec.variables.{declaration.Name} here, or in {site.Region.File}, a group or {FleetLayout.FleetFile}"));

    private static void CheckTargets(List<CompiledApp> apps, List<SiteProblem> problems)
    {
        var taken = new Dictionary<string, Target>(StringComparer.Ordinal);
        foreach (var target in apps.SelectMany(app => app.Targets))
        {
            if (taken.TryAdd(target.Key, target)) continue;
            var first = $"{taken[target.Key].File}:{taken[target.Key].At.Line}";
            var (code, message) = target.Subject is { } subject
                ? (DiagnosticCodes.ObjectTakenTwice, $"{subject} is already an object of another app, in {first}")
                : (DiagnosticCodes.PathTakenTwice, $"the path '{target.Key}' is written already by {first}");
            problems.Add(SiteProblem.Of(Diagnostic.Error(code, target.File, target.At, message), target.Key));
        }
    }

    private static CompiledSite? Assemble(SiteDocument site, List<CompiledApp> apps, CompiledSite? previous, List<SiteProblem> problems)
    {
        var artifacts = apps.SelectMany(app => app.Artifacts).OrderBy(artifact => artifact.Descriptor.Digest)
            .ThenBy(artifact => artifact.Descriptor.Title, StringComparer.Ordinal).DistinctBy(artifact => artifact.Descriptor.Digest)
                .ToList();
        var manifest = new BundleManifest([.. apps.Select(app => app.Descriptor)], [.. artifacts.Select(artifact => artifact.Descriptor)]);
        if (apps.Count + artifacts.Count > BundleManifest.MaxLayers)
        {
            problems.Add(SiteProblem.Of(Diagnostic.Error(DiagnosticCodes.BundleLimit, site.File, TextPosition.WholeFile,
                $"{apps.Count} apps and {artifacts.Count} artifacts; a bundle has at most {BundleManifest.MaxLayers} layers"), ""));
            return null;
        }
        var blob = Blob.Of(manifest.ToBytes());
        var region = new RegionId(site.Region);
        var isSame = previous is not null && previous.Bundle == blob.Digest && previous.Region == region
            && previous.Platform == site.Platform
            && previous.Labels.SequenceEqual(site.AllLabels)
            && previous.Artifacts.SequenceEqual(artifacts);
        return isSame ? previous : new CompiledSite(new SiteId(site.Name), region, site.Platform, site.AllLabels, blob, apps, artifacts);
    }
}
