using Capillary.Jinja.Run;

namespace Capillary.Jinja.Syntax;

/// <summary>One variable of one scope, while names are resolved.</summary>
internal sealed class Slot(int index)
{
    internal int Index => index;

    /// <summary>The variable of the same name further out, whose value this one starts with.</summary>
    internal (Slot Slot, int Hops)? Alias { get; set; }

    internal bool IsRead { get; set; }

    /// <summary>May be read before it is assigned, so it must be reset when its scope is entered again.</summary>
    internal bool NeedsReset { get; set; }
}

/// <summary>Variables that have a value for sure. A scope or branch adds to a set of its own over the one around it.</summary>
internal sealed class Assigned(Assigned? outer)
{
    private readonly HashSet<Slot> _own = [];

    private Assigned? Outer => outer;

    internal void Add(Slot slot) => _own.Add(slot);

    internal void AddAll(Assigned branch) => _own.UnionWith(branch._own);

    internal void KeepOnly(Assigned branch) => _own.IntersectWith(branch._own);

    internal bool Contains(Slot slot)
    {
        for (var set = this; set is not null; set = set.Outer)
        {
            if (set._own.Contains(slot)) return true;
        }
        return false;
    }
}

/// <summary>The part of a template that has its own frame: the root, or a macro.</summary>
internal sealed class Function
{
    internal int Slots { get; set; }
}

/// <summary>
/// Where names live. As in Jinja2, all names that a scope sets are known before its first statement is resolved: reading one before
/// it is set finds the outer variable's value, or the context's.
/// </summary>
internal sealed class Scope(Scope? outer, Function function)
{
    private readonly Dictionary<string, Slot> _slots = [];

    internal Scope? Outer => outer;

    internal Function Function => function;

    internal Slot this[string name] => _slots[name];

    internal IEnumerable<string> Names => _slots.Keys;

    internal void Declare(string name)
    {
        if (_slots.ContainsKey(name)) return;
        var slot = new Slot(function.Slots++);
        if (outer?.Find(name) is { } found) slot.Alias = (found.Slot, found.Hops + (outer.Function == function ? 0 : 1));
        _slots.Add(name, slot);
    }

    internal (Slot Slot, int Hops)? Find(string name)
    {
        var hops = 0;
        for (var scope = this; scope is not null; scope = scope.Outer)
        {
            if (scope._slots.TryGetValue(name, out var slot)) return (slot, hops);
            if (scope.Outer is not null && scope.Outer.Function != scope.Function) hops++;
        }
        return null;
    }

    /// <summary>All names from here outwards; those further in come first.</summary>
    internal IEnumerable<(string Name, Slot Slot, int Hops)> All()
    {
        var hops = 0;
        for (var scope = this; scope is not null; scope = scope.Outer)
        {
            foreach (var (name, slot) in scope._slots) yield return (name, slot, hops);
            if (scope.Outer is not null && scope.Outer.Function != scope.Function) hops++;
        }
    }

    internal ScopeEntry ToEntry()
    {
        var resets = new List<ScopeEntry.Reset>();
        foreach (var slot in _slots.Values)
        {
            if (!slot.NeedsReset) continue;
            resets.Add(new ScopeEntry.Reset(slot.Index, slot.Alias?.Slot.Index ?? -1, slot.Alias?.Hops ?? 0));
        }
        return resets.Count == 0 ? ScopeEntry.Nothing : new ScopeEntry([.. resets]);
    }
}
