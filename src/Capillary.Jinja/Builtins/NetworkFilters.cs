namespace Capillary.Jinja.Builtins;

/// <summary>Filters on addresses and networks.</summary>
internal static class NetworkFilters
{
    internal static readonly Builtin[] All = [];
}
