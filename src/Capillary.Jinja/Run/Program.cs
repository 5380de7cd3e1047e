using Capillary.Jinja.Syntax;
using Capillary.Jinja.Tree;

namespace Capillary.Jinja.Run;

/// <summary>A parsed and bound template: immutable, shared by all renders.</summary>
internal sealed record Program(SourceText Source, JinjaEnvironment Environment, Block Body, int Slots, Reads Reads)
{
    /// <summary>Stands in where a value is handled outside of any render.</summary>
    internal static Program Nothing { get; } =
        new(new SourceText("value", ""), JinjaEnvironment.Plain, new Block([]), 0, Reads.None);

    /// <summary>Names of its own variables, for suggestions.</summary>
    internal IReadOnlyList<string> Names { get; init; } = [];

    /// <summary>Its blocks, in the order of the source.</summary>
    internal IReadOnlyList<BlockTag> Blocks { get; init; } = [];

    /// <summary>Others can see its variables: it has blocks, or includes, imports or extends.</summary>
    internal bool SharesVariables { get; init; }

    internal JinjaOptions Options => Environment.Options;
}
