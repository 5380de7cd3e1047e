namespace Capillary.Fleet.Compile;

/// <summary>An app rendered for one set of values: either the app, or what is wrong.</summary>
internal sealed record AppResult(CompiledApp? App, IReadOnlyList<SiteProblem> Problems);
