using Capillary.Jinja.Tree;

namespace Capillary.Jinja.Syntax;

/// <summary>What the parser found.</summary>
/// <param name="Body">The tree.</param>
/// <param name="Blocks">All blocks in it, in the order of the source.</param>
/// <param name="Extends">It has an <c>extends</c>.</param>
/// <param name="SharesVariables">It has blocks, or includes, imports or extends others.</param>
/// <param name="ReadsSelf">It may call its blocks by <c>self</c>, in any order.</param>
internal sealed record ParsedTemplate(Block Body, List<BlockTag> Blocks, bool Extends, bool SharesVariables, bool ReadsSelf);
