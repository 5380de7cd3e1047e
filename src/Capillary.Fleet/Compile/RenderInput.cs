using Capillary.Fleet.Documents;
using Capillary.Fleet.Variables;

namespace Capillary.Fleet.Compile;

/// <summary>What of a site one app's templates can see.</summary>
/// <param name="FleetName">The fleet.</param>
/// <param name="Site">The site's document.</param>
/// <param name="Variables">The app's variables that have a value here, by name.</param>
internal sealed record RenderInput(string FleetName, SiteDocument Site, IReadOnlyDictionary<string, VariableValue> Variables);
