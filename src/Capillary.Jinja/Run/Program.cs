using Capillary.Jinja.Syntax;
using Capillary.Jinja.Tree;

namespace Capillary.Jinja.Run;

/// <summary>A parsed and bound template: immutable, shared by all renders.</summary>
internal sealed record Program(
    SourceText Source,
    JinjaOptions Options,
    Block Body,
    int Slots,
    IReadOnlyList<string> Names,
    IReadOnlyList<string> FreeVariables,
    IReadOnlyList<string> ReadPaths)
{
    /// <summary>Stands in where a value is handled outside of any render.</summary>
    internal static Program Nothing { get; } =
        new(new SourceText("value", ""), JinjaOptions.Default, new Block([]), 0, [], [], []);
}
