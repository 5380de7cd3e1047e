using Capillary.Fleet.Documents;
using Capillary.Fleet.Inventory;

namespace Capillary.Fleet.Compile;

/// <summary>What a commit compiled to. Give it to the next compile, failed or not: what did not change is taken over by
/// reference.</summary>
public sealed class FleetCompilation
{
    internal FleetCompilation(DiagnosticList diagnostics, FleetInventory? inventory, IReadOnlyList<SiteResult> results,
        IReadOnlyDictionary<string, ParsedFile> files, IReadOnlyDictionary<string, AppProgram> programs)
    {
        (Diagnostics, Inventory, Results, Files, Programs) = (diagnostics, inventory, results, files, programs);
        Sites = diagnostics.HasErrors ? null : [.. results.Select(result => result.Site!)];
    }

    /// <summary>Everything there is to say about the commit, errors and warnings.</summary>
    public DiagnosticList Diagnostics { get; }

    /// <summary>The linked documents; null without a usable fleet.yaml. With errors it is for showing, not for use.</summary>
    public FleetInventory? Inventory { get; }

    /// <summary>Every site in ordinal order of name; null when there is any error: such a commit changes nothing anywhere.</summary>
    public IReadOnlyList<CompiledSite>? Sites { get; }

    /// <summary>Per site, in ordinal order, also those that failed.</summary>
    internal IReadOnlyList<SiteResult> Results { get; }

    internal IReadOnlyDictionary<string, ParsedFile> Files { get; }

    internal IReadOnlyDictionary<string, AppProgram> Programs { get; }

    /// <summary>One site even if others have errors; null when it is unknown or has errors itself.</summary>
    public CompiledSite? FindSite(string name) => Results.FirstOrDefault(result => result.Source.Name == name)?.Site;
}
