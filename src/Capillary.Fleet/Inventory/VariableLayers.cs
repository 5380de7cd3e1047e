using Capillary.Fleet.Documents;
using Capillary.Fleet.Variables;

namespace Capillary.Fleet.Inventory;

/// <summary>The layers, lowest first; a later one wins.</summary>
public enum VariableLayer
{
    Default,
    Fleet,
    Region,
    Group,
    Site,
}

/// <summary>Where a value comes from.</summary>
/// <param name="Layer">Which layer.</param>
/// <param name="Source">The layer's own name: the app, fleet, region, group or site.</param>
/// <param name="File">Path in the repository.</param>
/// <param name="Line">From 1.</param>
/// <param name="Column">From 1.</param>
public sealed record Provenance(VariableLayer Layer, string Source, string File, int Line, int Column);

/// <summary>A value with its origin.</summary>
public sealed record ProvenValue(VariableValue Value, Provenance Provenance);

/// <summary>A property that the effective value leaves out, and the default that it gets.</summary>
/// <param name="Path">Such as <c>analysers[2].port</c>.</param>
/// <param name="Default">Its place is in the declaration.</param>
public sealed record ProvenProperty(string Path, ProvenValue Default);

/// <summary>All that is known of one app's variable at one site.</summary>
/// <param name="App">The app that declares it.</param>
/// <param name="Declaration">Its type and default.</param>
/// <param name="Values">Every layer that sets it, lowest first; the last one holds. Empty: not set, and not required.</param>
public sealed record VariableExplanation(string App, VariableDeclaration Declaration, IReadOnlyList<ProvenValue> Values)
{
    /// <summary>The value that the site gets, or null.</summary>
    public ProvenValue? Effective => Values.Count == 0 ? null : Values[^1];

    /// <summary>What <see cref="Effective"/> leaves out and gets from the defaults of its type; in the order of the value.</summary>
    public IReadOnlyList<ProvenProperty> Filled { get; init; } = [];
}

/// <summary>Lays the layers of variables over each other.</summary>
public static class VariableLayers
{
    /// <summary>Every variable of every app at this site with all its layers, by app in apply order, then by name.</summary>
    public static IReadOnlyList<VariableExplanation> Explain(FleetInventory inventory, FleetSite site)
    {
        var explanations = new List<VariableExplanation>();
        foreach (var app in site.Apps)
        {
            foreach (var declaration in app.Variables.Values)
            {
                var values = new List<ProvenValue>();
                if (declaration.Default is { } value) values.Add(Prove(VariableLayer.Default, app, value));
                foreach (var (layer, document, settings) in Layers(inventory.Fleet, site))
                {
                    foreach (var setting in settings.Where(setting => setting.Name == declaration.Name))
                        values.Add(Prove(layer, document, setting.Value));
                }
                explanations.Add(new VariableExplanation(app.Name, declaration, values) { Filled = Filled(app, declaration, values) });
            }
        }
        return explanations;
    }

    /// <summary>What the layers above the apps' defaults say in the end, by name.</summary>
    internal static Dictionary<string, VariableSetting> Merge(FleetDocument fleet, FleetSite site)
    {
        var merged = new Dictionary<string, VariableSetting>(StringComparer.Ordinal);
        foreach (var (_, _, settings) in Layers(fleet, site))
        {
            foreach (var setting in settings) merged[setting.Name] = setting;
        }
        return merged;
    }

    private static IEnumerable<(VariableLayer Layer, SourceDocument Document, IReadOnlyList<VariableSetting> Settings)> Layers(
        FleetDocument fleet, FleetSite site)
    {
        yield return (VariableLayer.Fleet, fleet, fleet.Variables);
        yield return (VariableLayer.Region, site.Region, site.Region.Variables);
        foreach (var group in site.Groups) yield return (VariableLayer.Group, group, group.Variables);
        yield return (VariableLayer.Site, site.Document, site.Document.Variables);
    }

    private static List<ProvenProperty> Filled(AppDocument app, VariableDeclaration declaration, List<ProvenValue> values)
    {
        if (values.Count == 0 || values[^1].Value.As(declaration.Type) is null) return [];
        return [.. values[^1].Value.Filled(declaration.Type, declaration.Name)
            .Select(filled => new ProvenProperty(filled.Path, Prove(VariableLayer.Default, app, filled.Default)))];
    }

    private static ProvenValue Prove(VariableLayer layer, SourceDocument document, VariableValue value) =>
        new(value, new Provenance(layer, document.Name, document.File, value.At.Line, value.At.Column));
}
