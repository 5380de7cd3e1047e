using Capillary.Jinja.Values;

namespace Capillary.Jinja.Run;

/// <content>Going from one template into another.</content>
internal sealed partial class RenderState
{
    private ChainLink? _chain;
    private int _depth;
    private int _loads;
    private Dictionary<Program, ModuleValue>? _modules;

    internal void RunRoot()
    {
        Program.Body.Render(this);
        while (Unit.Parent is { } parent) RunParent(parent);
    }

    /// <summary>The template of this name; null if the loader has none.</summary>
    internal Program? Load(string name, string role)
    {
        if (++_loads > _options.MaxIncludes) throw Limit($"more than {_options.MaxIncludes} templates are included, imported or extended");
        Charge(10);
        try
        {
            return Program.Environment.Load(name);
        }
        catch (JinjaException e)
        {
            throw e.Within([PlaceOf(Program, At, role), .. Chain()]);
        }
    }

    internal JinjaException NotFound(string reason) =>
        Program.Source.Fail(JinjaErrorKind.TemplateNotFound, At, reason, null, Chain());

    internal JinjaException Undefined(string reason) => Program.Source.Fail(JinjaErrorKind.Undefined, At, reason, null, Chain());

    /// <summary>Runs a whole template with names of its own, and comes back.</summary>
    internal void RunTemplate(Program program, TemplateContext context, string role)
    {
        var (unit, frame, autoescape, at, chain) = (Unit, Frame, Autoescape, At, _chain);
        Enter(program, role);
        AddBlocks(context, program);
        (Unit, Frame, Autoescape) = (new Unit(program, context), NewFrame(program.Slots), _options.Autoescape);
        RunRoot();
        (Unit, Frame, Autoescape, At, _chain) = (unit, frame, autoescape, at, chain);
        _depth--;
    }

    internal ModuleValue Import(Program program, TemplateContext? context)
    {
        ModuleValue? module = null;
        if (context is null && _modules?.TryGetValue(program, out module) == true) return module;
        var own = context ?? new TemplateContext(MapValue.Empty, []);
        var mark = Output.Length;
        RunTemplate(program, own, "imported");
        module = new ModuleValue(program.Source.Name, own, Output.TakeFrom(mark));
        if (context is null) (_modules ??= [])[program] = module;
        return module;
    }

    /// <summary>Runs a block as one of its templates has it.</summary>
    internal void RunBlock(List<BlockCode> codes, int index, TemplateContext context)
    {
        var (unit, frame, autoescape, at, chain) = (Unit, Frame, Autoescape, At, _chain);
        var (program, block) = codes[index];
        EnterCall();
        if (!ReferenceEquals(program, Program)) _chain = new ChainLink(_chain, Program, At, "called");
        (Unit, Autoescape) = (new Unit(program, context), _options.Autoescape);
        block.RunCode(this, index);
        (Unit, Frame, Autoescape, At, _chain) = (unit, frame, autoescape, at, chain);
        LeaveCall();
    }

    /// <summary>Switches to where a macro was defined; the result switches back.</summary>
    internal (Unit Unit, Frame Frame, bool Autoescape, int At, ChainLink? Chain) SwitchTo(Unit unit, Frame frame, bool autoescape)
    {
        var before = (Unit, Frame, Autoescape, At, _chain);
        if (!ReferenceEquals(unit.Program, Program)) _chain = new ChainLink(_chain, Program, At, "called");
        (Unit, Frame, Autoescape) = (unit, frame, autoescape);
        return before;
    }

    internal void SwitchBack((Unit Unit, Frame Frame, bool Autoescape, int At, ChainLink? Chain) before) =>
        (Unit, Frame, Autoescape, At, _chain) = before;

    internal List<JinjaPlace> Chain()
    {
        var places = new List<JinjaPlace>();
        for (var link = _chain; link is not null; link = link.Outer) places.Add(PlaceOf(link.Program, link.At, link.Role));
        return places;
    }

    private static JinjaPlace PlaceOf(Program program, int at, string role) => program.Source.PlaceOf(at) with { Role = role };

    internal void AddBlocks(TemplateContext context, Program program)
    {
        Charge(program.Blocks.Count);
        context.AddBlocks(program);
    }

    private void RunParent(Program parent)
    {
        _chain = new ChainLink(_chain, Program, At, "extended");
        Unit = new Unit(parent, Context, Unit);
        Frame = NewFrame(parent.Slots);
        Autoescape = _options.Autoescape;
        parent.Body.Render(this);
    }

    private void Enter(Program program, string role)
    {
        if (++_depth > _options.MaxDepth / 2)
            throw Limit($"templates include or import each other more than {_options.MaxDepth / 2} deep, here '{program.Source.Name}'");
        EnsureStack();
        _chain = new ChainLink(_chain, Program, At, role);
    }
}
