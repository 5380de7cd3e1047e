using Capillary.Jinja.Builtins;
using Capillary.Jinja.Run;
using Capillary.Jinja.Tree;

namespace Capillary.Jinja.Syntax;

/// <summary>
/// Walks the tree once after parsing: gives every variable its slot, so that rendering looks nothing up by name but the context,
/// and collects what the template reads from the context. Also bounds the depth of the tree, and with it the renderer's stack.
/// </summary>
internal sealed class Binder
{
    private readonly SourceText _source;
    private readonly int _maxDepth;
    private readonly SortedSet<string> _free = new(StringComparer.Ordinal);
    private readonly SortedSet<string> _paths = new(StringComparer.Ordinal);
    private readonly SortedSet<string> _names = new(StringComparer.Ordinal);
    private HashSet<Slot> _assigned = [];
    private Scope _scope = new(null, new Function());
    private int _depth;

    private Binder(SourceText source, int maxDepth)
    {
        _source = source;
        _maxDepth = maxDepth;
    }

    internal static Program Bind(SourceText source, JinjaOptions options, Block body)
    {
        var binder = new Binder(source, options.MaxDepth);
        body.Declare(binder._scope);
        binder.Visit(body);
        binder._names.UnionWith(binder._scope.Names);
        return new Program(
            source, options, body, binder._scope.Function.Slots, [.. binder._names], [.. binder._free], binder.WidestPaths());
    }

    internal void Visit(SyntaxNode node)
    {
        Deepen(1, node.Position);
        node.Bind(this);
        _depth--;
    }

    /// <summary>Resolves a chain such as <c>site.labels['zone']</c>; the longest part known from here is what it reads.</summary>
    internal void VisitChain(Expr chain)
    {
        var links = 0;
        var path = chain.Path;
        while (true)
        {
            Deepen(1, chain.Position);
            links++;
            if (chain is Member member) chain = member.Target;
            else if (chain is Subscript subscript) chain = VisitKey(subscript);
            else break;
            path ??= chain.Path;
        }
        if (chain is Name name) Read(name, path ?? name.Identifier);
        else chain.Bind(this);
        _depth -= links;
    }

    internal void Read(Name name, string path)
    {
        var found = _scope.Find(name.Identifier);
        if (found is { } place) name.ResolveTo(place.Slot.Index, place.Hops);
        if (found is { } local && IsSurelyAssigned(local.Slot)) return;
        if (Globals.Find(name.Identifier) is { } function)
        {
            name.ResolveTo(function);
            return;
        }
        _free.Add(name.Identifier);
        _paths.Add(path);
    }

    internal int Assigned(string name)
    {
        var slot = _scope[name];
        _assigned.Add(slot);
        return slot.Index;
    }

    internal bool IsRead(string name) => _scope[name].IsRead;

    internal ScopeEntry InScope(Action<Scope> declare, Action bind) => Inside(new Scope(_scope, _scope.Function), declare, bind);

    internal (ScopeEntry Entry, int Slots) InFunction(Action<Scope> declare, Action bind)
    {
        var function = new Function();
        return (Inside(new Scope(_scope, function), declare, bind), function.Slots);
    }

    internal BranchFork Fork() => new(this);

    private ScopeEntry Inside(Scope scope, Action<Scope> declare, Action bind)
    {
        declare(scope);
        _names.UnionWith(scope.Names);
        var (outer, before) = (_scope, _assigned);
        (_scope, _assigned) = (scope, [.. before]);
        bind();
        (_scope, _assigned) = (outer, before);
        return scope.ToEntry();
    }

    private bool IsSurelyAssigned(Slot slot)
    {
        slot.IsRead = true;
        if (_assigned.Contains(slot)) return true;
        slot.NeedsReset = true;
        return slot.Alias is { } alias && IsSurelyAssigned(alias.Slot);
    }

    private Expr VisitKey(Subscript subscript)
    {
        Visit(subscript.Key);
        return subscript.Target;
    }

    private void Deepen(int levels, int position)
    {
        _depth += levels;
        if (_depth > _maxDepth) throw _source.Fail(position, $"the template nests deeper than {_maxDepth} levels");
    }

    // "vars" covers "vars.port".
    private List<string> WidestPaths()
    {
        var widest = new List<string>();
        foreach (var path in _paths)
        {
            if (!IsCovered(path)) widest.Add(path);
        }
        return widest;
    }

    private bool IsCovered(string path)
    {
        for (var dot = path.IndexOf('.'); dot >= 0; dot = path.IndexOf('.', dot + 1))
        {
            if (_paths.Contains(path[..dot])) return true;
        }
        return false;
    }

    /// <summary>Follows branches of which one runs: surely assigned after them is what all of them assign.</summary>
    internal sealed class BranchFork(Binder binder)
    {
        private readonly HashSet<Slot> _before = binder._assigned;
        private HashSet<Slot>? _after;

        internal void Branch(Action bind)
        {
            binder._assigned = [.. _before];
            bind();
            if (_after is null) _after = binder._assigned;
            else _after.IntersectWith(binder._assigned);
            binder._assigned = _before;
        }

        internal void Join() => binder._assigned = _after ?? _before;
    }
}
