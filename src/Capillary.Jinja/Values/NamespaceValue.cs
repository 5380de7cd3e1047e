using Capillary.Jinja.Run;

namespace Capillary.Jinja.Values;

/// <summary>Carries values out of loops.</summary>
internal sealed class NamespaceValue(MapValue entries) : Boxed
{
    internal MapValue Entries => entries;

    internal override JinjaKind Kind => JinjaKind.Object;

    internal override string TypeName => "Namespace";

    internal void Set(RenderState r, string name, JinjaValue value)
    {
        r.Charge();
        entries.Set(new JinjaValue(name), value);
    }
}

/// <summary>What <c>cycler()</c> gives.</summary>
internal sealed class CyclerValue(JinjaValue[] items) : Boxed
{
    internal override JinjaKind Kind => JinjaKind.Object;

    internal override string TypeName => "Cycler";

    internal int Position { get; set; }

    internal JinjaValue Current => items[Position];

    internal JinjaValue Next()
    {
        var current = Current;
        Position = (Position + 1) % items.Length;
        return current;
    }
}

/// <summary>What <c>joiner()</c> gives: called, nothing at first, then the separator.</summary>
internal sealed class JoinerValue(JinjaValue separator) : Callable("joiner")
{
    private bool _used;

    internal override string TypeName => "Joiner";

    internal override JinjaValue Invoke(RenderState r, CallArguments arguments)
    {
        if (arguments.Positional.Length + arguments.Names.Length > 0) throw r.Fail("a joiner takes no arguments");
        if (_used) return separator;
        _used = true;
        return "";
    }
}
