using Capillary.Jinja.Tree;
using Capillary.Jinja.Values;

namespace Capillary.Jinja.Run;

/// <summary>
/// The names that a template and those it extends see: what they set at their top level, then what the render was given. One that is
/// included or imported has a context of its own.
/// </summary>
internal sealed class TemplateContext(MapValue entries, Dictionary<string, JinjaValue>? variables)
{
    private Dictionary<string, List<BlockCode>>? _blocks;
    private HashSet<string>? _hidden;

    internal MapValue Entries => entries;

    /// <summary>Null where nobody else looks.</summary>
    internal Dictionary<string, JinjaValue>? Variables => variables;

    internal bool TryGet(string name, out JinjaValue value)
    {
        if (variables is not null && variables.TryGetValue(name, out value) && !value.IsAbsent) return true;
        return entries.TryGet(name, out value);
    }

    /// <summary>The block's code, from the innermost child to the root; null if no template has it.</summary>
    internal List<BlockCode>? BlocksNamed(string name) => _blocks?.GetValueOrDefault(name);

    internal void AddBlocks(Program program)
    {
        if (program.Blocks.Count == 0) return;
        _blocks ??= [];
        foreach (var block in program.Blocks)
        {
            if (!_blocks.TryGetValue(block.Name, out var codes)) _blocks.Add(block.Name, codes = []);
            codes.Add(new BlockCode(program, block));
        }
    }

    /// <summary>A variable that an import of this template does not show.</summary>
    internal void Hide(string name) => (_hidden ??= []).Add(name);

    internal bool Exports(string name) => !name.StartsWith('_') && _hidden?.Contains(name) != true;

    /// <summary>The same names and blocks, with variables of its own.</summary>
    internal TemplateContext Derive(Dictionary<string, JinjaValue> own) => new(entries, own) { _blocks = _blocks };
}

/// <summary>A block as one template of a chain of extending ones has it.</summary>
internal sealed record BlockCode(Program Program, BlockTag Block);

/// <summary>A template that runs: its code and the names it sees. <paramref name="Child"/> is the one that extends it.</summary>
internal sealed record Unit(Program Program, TemplateContext Context, Unit? Child = null)
{
    /// <summary>What this one extends, once that is known.</summary>
    internal Program? Parent { get; set; }
}

/// <summary>A place that led from one template into another.</summary>
internal sealed record ChainLink(ChainLink? Outer, Program Program, int At, string Role);
