using Capillary.Jinja.Run;
using Capillary.Jinja.Syntax;
using Capillary.Jinja.Values;

namespace Capillary.Jinja.Tree;

/// <summary><c>{% block name scoped required %} … {% endblock %}</c></summary>
internal sealed class BlockTag(int position, string name, Block body, bool scoped, bool required) : Stmt(position)
{
    private const string SuperName = "super";

    private VisibleNames _visible = VisibleNames.None;
    private ScopeEntry _entry = ScopeEntry.Nothing;
    private int _slots;
    private int _superSlot = -1;
    private bool _isOutside;

    internal string Name => name;

    internal override void Bind(Binder binder)
    {
        _isOutside = binder.IsOutsideBlocks && binder.IsTop;
        if (scoped) _visible = binder.Visible(Position);
        (_entry, _slots) = binder.InBlock(scoped, DeclareInside, () => BindInside(binder));
    }

    internal override void Render(RenderState r)
    {
        if (_isOutside && r.Unit.Parent is not null) return;
        r.At = Position;
        var codes = r.Context.BlocksNamed(name)!;
        if (codes[0].Block.IsRequired) throw r.Fail($"required block '{name}' not found");
        r.RunBlock(codes, 0, scoped ? _visible.DeriveWithBlocks(r) : r.Context);
    }

    private bool IsRequired => required;

    /// <summary>Runs the body; the unit of its template is set.</summary>
    internal void RunCode(RenderState r, int index)
    {
        var codes = r.Context.BlocksNamed(name)!;
        r.Frame = r.NewFrame(_slots);
        _entry.Enter(r);
        if (_superSlot >= 0)
        {
            r.Frame.Slots[_superSlot] = index + 1 < codes.Count
                ? new JinjaValue(new BlockValue(codes, index + 1, r.Context))
                : UndefinedValue.Because(r, Position, $"there is no parent block called '{name}'");
        }
        body.Render(r);
    }

    private void DeclareInside(Scope scope)
    {
        scope.Declare(SuperName);
        body.Declare(scope);
    }

    private void BindInside(Binder binder)
    {
        var slot = binder.Assigned(SuperName);
        binder.Visit(body);
        if (binder.IsRead(SuperName)) _superSlot = slot;
    }
}
