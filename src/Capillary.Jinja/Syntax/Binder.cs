using Capillary.Jinja.Run;
using Capillary.Jinja.Tree;

namespace Capillary.Jinja.Syntax;

/// <summary>
/// Walks the tree once after parsing: gives every variable its slot, so that rendering looks nothing up by name but the context,
/// and collects what the template reads from the context. Also bounds the depth of the tree, and with it the renderer's stack.
/// </summary>
internal sealed class Binder
{
    // Variables times places that hand them on: each place keeps a list of its own.
    private const int MostVisible = 1_000_000;

    private readonly SourceText _source;
    private readonly JinjaEnvironment _environment;
    private readonly ParsedTemplate _parsed;
    private readonly SortedSet<string> _free = new(StringComparer.Ordinal);
    private readonly SortedSet<string> _paths = new(StringComparer.Ordinal);
    private readonly SortedSet<string> _names = new(StringComparer.Ordinal);
    private readonly SortedSet<string> _globals = new(StringComparer.Ordinal);
    private readonly SortedSet<string> _templates = new(StringComparer.Ordinal);
    private readonly Scope _root = new(null, new Function());
    private Assigned _assigned = new(null);
    private Scope _scope;
    private BlockSite? _site;
    private bool _anything;
    private int _captures;
    private int _depth;
    private int _visible;

    private Binder(SourceText source, JinjaEnvironment environment, ParsedTemplate parsed)
    {
        _source = source;
        _environment = environment;
        _parsed = parsed;
        _scope = _root;
    }

    /// <summary>What stands here is printed by this template only if it extends no other.</summary>
    internal bool IsOutsideBlocks => _parsed.Extends && _captures == 0;

    /// <summary>A variable set here can be seen by blocks and by other templates.</summary>
    internal bool IsTop => _scope == _root;

    internal static Program Bind(SourceText source, JinjaEnvironment environment, ParsedTemplate parsed)
    {
        var binder = new Binder(source, environment, parsed);
        parsed.Body.Declare(binder._root);
        binder.Visit(parsed.Body);
        binder._names.UnionWith(binder._root.Names);
        var reads = new Reads(
            [.. binder._free], Reads.Widest(binder._paths), [.. binder._globals], [.. binder._templates], binder._anything);
        return new Program(source, environment, parsed.Body, binder._root.Function.Slots, reads)
        {
            Names = [.. binder._names],
            Blocks = parsed.Blocks,
            SharesVariables = parsed.SharesVariables,
        };
    }

    internal void Visit(SyntaxNode node)
    {
        Deepen(node.Position);
        node.Bind(this);
        _depth--;
    }

    /// <summary>Resolves a chain such as <c>site.labels['zone']</c>; the longest part known from here is what it reads.</summary>
    internal void VisitChain(Expr chain)
    {
        var depth = _depth;
        var whole = chain;
        while (true)
        {
            Deepen(chain.Position);
            if (chain is Member member) chain = member.Target;
            else if (chain is Subscript subscript) chain = VisitKey(subscript);
            else break;
        }
        if (chain is Name name) Read(name, LongestPath(whole));
        else chain.Bind(this);
        _depth = depth;
    }

    internal void Read(Name name, string path)
    {
        var found = _scope.Find(name.Identifier);
        if (found is { } place) name.ResolveTo(place.Slot.Index, place.Hops);
        if (found is { } local && IsSurelyAssigned(local.Slot)) return;
        if (found is null && name.Identifier == "self")
        {
            name.ResolveToSelf();
            return;
        }
        if (_site?.Covers(this, name.Identifier) == true) return;
        var global = _environment.FindGlobal(name.Identifier);
        if (!global.IsAbsent)
        {
            name.ResolveTo(global);
            _globals.Add(name.Identifier);
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

    /// <summary>Binds what is not printed where it stands.</summary>
    internal void Capture(Action bind)
    {
        _captures++;
        bind();
        _captures--;
    }

    /// <summary>As Jinja2: a macro takes what a macro inside of it reads by the same name.</summary>
    internal void MarkReadOutside(string name)
    {
        if (_scope.Outer?.Find(name) is { } found) found.Slot.IsRead = true;
    }

    internal bool IsRead(string name) => _scope[name].IsRead;

    internal ScopeEntry InScope(Action<Scope> declare, Action bind) => Inside(new Scope(_scope, _scope.Function), declare, bind);

    internal (ScopeEntry Entry, int Slots) InFunction(Action<Scope> declare, Action bind)
    {
        var function = new Function();
        return (Inside(new Scope(_scope, function), declare, bind), function.Slots);
    }

    /// <summary>
    /// A block is bound by itself: which templates stand around it, only a render tells. What it does not set itself it finds by name.
    /// </summary>
    internal (ScopeEntry Entry, int Slots) InBlock(bool scoped, Action<Scope> declare, Action bind)
    {
        var function = new Function();
        var before = _site;
        _site = new BlockSite(scoped ? _scope : _root, scoped || !_parsed.ReadsSelf, before);
        var entry = ScopeEntry.Nothing;
        Capture(() => entry = Inside(new Scope(null, function), declare, bind));
        _site = before;
        return (entry, function.Slots);
    }

    /// <summary>All local variables that can be seen from here.</summary>
    internal VisibleNames Visible(int position)
    {
        var names = new Dictionary<string, (string, int, int)>();
        foreach (var (name, slot, hops) in _scope.All())
        {
            if (++_visible > MostVisible)
                throw _source.Fail(JinjaErrorKind.Limit, position, "too many variables are handed to other templates", null, []);
            // Reading these would change what the macro takes.
            if (name is "varargs" or "kwargs" or "caller" or "super" && !slot.IsRead) continue;
            if (!names.TryAdd(name, (name, slot.Index, hops))) continue;
            IsSurelyAssigned(slot);
        }
        return new VisibleNames([.. names.Values]);
    }

    /// <summary>The template of this name reads from the same context.</summary>
    internal void Sees(Expr template)
    {
        if (template is Literal { Value.Ref: string name }) _templates.Add(name);
        else if (template is ListLiteral list) Array.ForEach(list.Items, Sees);
        else _anything = true;
    }

    internal BranchFork Fork() => new(this);

    private ScopeEntry Inside(Scope scope, Action<Scope> declare, Action bind)
    {
        declare(scope);
        _names.UnionWith(scope.Names);
        var (outer, before) = (_scope, _assigned);
        (_scope, _assigned) = (scope, new Assigned(before));
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

    // What is known of it from here; a chain that ends in a name has a path at least there.
    private static string LongestPath(Expr chain)
    {
        while (chain.Path is null) chain = chain is Member member ? member.Target : ((Subscript)chain).Target;
        return chain.Path;
    }

    private void Deepen(int position) => _source.CheckDepth(++_depth, _environment.Options.MaxDepth, position);

    /// <summary>Follows branches of which one runs: surely assigned after them is what all of them assign.</summary>
    internal sealed class BranchFork(Binder binder)
    {
        private readonly Assigned _before = binder._assigned;
        private Assigned? _after;

        internal void Branch(Action bind)
        {
            binder._assigned = new Assigned(_before);
            bind();
            if (_after is null) _after = binder._assigned;
            else _after.KeepOnly(binder._assigned);
            binder._assigned = _before;
        }

        internal void Join() => _before.AddAll(_after!);
    }

    /// <summary>The place of the block that is being bound, and that of the block around it.</summary>
    private sealed record BlockSite(Scope Scope, bool IsInOrder, BlockSite? Outer)
    {
        /// <summary>The name is surely set where the block stands, so that reading it does not reach the context.</summary>
        internal bool Covers(Binder binder, string name)
        {
            if (!IsInOrder) return false;
            if (Scope.Find(name) is { } found && binder.IsSurelyAssigned(found.Slot)) return true;
            return Outer?.Covers(binder, name) == true;
        }
    }
}
