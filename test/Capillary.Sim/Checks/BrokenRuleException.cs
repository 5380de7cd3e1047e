namespace Capillary.Sim.Checks;

/// <summary>A rule did not hold; the run ends here.</summary>
internal sealed class BrokenRuleException(string rule, string text) : Exception($"{rule}: {text}");
