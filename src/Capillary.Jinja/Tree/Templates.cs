using Capillary.Jinja.Run;
using Capillary.Jinja.Syntax;
using Capillary.Jinja.Values;

namespace Capillary.Jinja.Tree;

/// <summary><c>{% extends name %}</c></summary>
internal sealed class Extends(int position, Expr template) : Stmt(position)
{
    internal override void Bind(Binder binder)
    {
        binder.Visit(template);
        binder.Sees(template);
    }

    internal override void Render(RenderState r)
    {
        var name = TemplateName.Read(r, template);
        r.At = Position;
        if (r.Unit.Parent is not null) throw r.Fail("extended multiple times");
        var parent = r.Load(name, "extended") ?? throw r.NotFound($"there is no template '{name}'");
        for (var unit = r.Unit; unit is not null; unit = unit.Child)
        {
            if (ReferenceEquals(unit.Program, parent)) throw r.Fail($"'{name}' extends itself, by way of '{r.Program.Source.Name}'");
        }
        r.Unit.Parent = parent;
        r.AddBlocks(r.Context, parent);
    }
}

/// <summary><c>{% include name ignore missing without context %}</c></summary>
internal sealed class Include(int position, Expr template, bool ignoreMissing, bool withContext) : Stmt(position)
{
    private VisibleNames _visible = VisibleNames.None;

    internal override void Bind(Binder binder)
    {
        binder.Visit(template);
        if (!withContext) return;
        _visible = binder.Visible(Position);
        binder.Sees(template);
    }

    internal override void Render(RenderState r)
    {
        var (program, missing) = TemplateName.Find(r, template, "included");
        r.At = Position;
        if (program is null && ignoreMissing) return;
        if (program is null) throw r.NotFound(missing);
        r.RunTemplate(program, withContext ? _visible.Derive(r) : new TemplateContext(MapValue.Empty, []), "included");
    }
}

/// <summary><c>{% import name as module %}</c></summary>
internal sealed class Import(int position, Expr template, NameTarget target, bool withContext) : Stmt(position)
{
    private VisibleNames _visible = VisibleNames.None;

    internal override void Declare(Scope scope) => target.Declare(scope);

    internal override void Bind(Binder binder)
    {
        binder.Visit(template);
        if (withContext) _visible = binder.Visible(Position);
        if (withContext) binder.Sees(template);
        target.IsHidden = true;
        binder.Visit(target);
    }

    internal override void Render(RenderState r) =>
        target.Assign(r, new JinjaValue(TemplateName.Import(r, template, withContext ? _visible : null, Position)));
}

/// <summary><c>{% from name import a, b as c %}</c></summary>
internal sealed class FromImport(int position, Expr template, (string Name, NameTarget Target)[] names, bool withContext) : Stmt(position)
{
    private VisibleNames _visible = VisibleNames.None;

    internal override void Declare(Scope scope)
    {
        foreach (var (_, target) in names) target.Declare(scope);
    }

    internal override void Bind(Binder binder)
    {
        binder.Visit(template);
        if (withContext) _visible = binder.Visible(Position);
        if (withContext) binder.Sees(template);
        foreach (var (_, target) in names)
        {
            target.IsHidden = true;
            binder.Visit(target);
        }
    }

    internal override void Render(RenderState r)
    {
        var module = TemplateName.Import(r, template, withContext ? _visible : null, Position);
        r.Charge(names.Length);
        foreach (var (name, target) in names)
        {
            var value = module.Get(name);
            target.Assign(r, value.IsAbsent
                ? UndefinedValue.Because(r, target.Position, $"the template '{module.Name}' does not export the requested name '{name}'")
                : value);
        }
    }
}

/// <summary>Reads the operand of these tags: a name, or for <c>include</c> several of which the first is taken that is there.</summary>
internal static class TemplateName
{
    internal static string Read(RenderState r, Expr template)
    {
        var value = template.Evaluate(r);
        r.At = template.Position;
        if (value.IsUndefined) throw r.FailUndefined(value);
        return value.Ref as string ?? throw r.Fail($"a template's name must be a string, not '{ValueText.TypeName(value)}'");
    }

    internal static (Program? Program, string Missing) Find(RenderState r, Expr template, string role)
    {
        var value = template.Evaluate(r);
        r.At = template.Position;
        if (value.IsUndefined) throw r.FailUndefined(value);
        if (value.Ref is string name) return (r.Load(name, role), $"there is no template '{name}'");
        if (value.IsNone) return (null, "the list of templates is empty");
        if (value.Ref is not ListValue list) throw r.Fail($"a template's name must be a string, not '{ValueText.TypeName(value)}'");
        var names = Array.ConvertAll(list.Items, item => item.IsUndefined ? throw r.FailUndefined(item) : r.Text(item));
        foreach (var candidate in names)
        {
            if (r.Load(candidate, role) is { } found) return (found, "");
        }
        if (names.Length == 0) return (null, "the list of templates is empty");
        return (null, $"there is none of the templates '{string.Join("', '", names)}'");
    }

    internal static ModuleValue Import(RenderState r, Expr template, VisibleNames? visible, int at)
    {
        var name = Read(r, template);
        r.At = at;
        var program = r.Load(name, "imported") ?? throw r.NotFound($"there is no template '{name}'");
        return r.Import(program, visible?.Derive(r));
    }
}

/// <summary>The local variables that can be seen from a place, to be handed to another template.</summary>
internal sealed class VisibleNames((string Name, int Slot, int Hops)[] names)
{
    internal static VisibleNames None { get; } = new([]);

    internal TemplateContext Derive(RenderState r)
    {
        r.Charge(names.Length + (r.Context.Variables?.Count ?? 0));
        var own = r.Context.Variables is { } variables ? new Dictionary<string, JinjaValue>(variables) : [];
        foreach (var (name, slot, hops) in names)
        {
            var value = r.Frame.At(hops, slot);
            if (!value.IsAbsent) own[name] = value;
        }
        return new TemplateContext(r.Context.Entries, own);
    }

    /// <summary>As <see cref="Derive"/>, with the blocks of the running template.</summary>
    internal TemplateContext DeriveWithBlocks(RenderState r) => r.Context.Derive(Derive(r).Variables!);
}
