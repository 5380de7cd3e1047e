using Capillary.Jinja.Run;
using Capillary.Jinja.Syntax;

namespace Capillary.Jinja.Values;

/// <summary>
/// Remembers what was not there, so that the error can name it where it was read. Cheap to make: <c>default()</c> and
/// <c>is defined</c> meet many of these; the suggestion is only looked for when it is used.
/// </summary>
internal sealed class UndefinedValue : Boxed
{
    private readonly Program _program;
    private readonly int _at;

    private UndefinedValue(Program program, int at) => (_program, _at) = (program, at);

    internal override JinjaKind Kind => JinjaKind.Undefined;

    internal override string TypeName => "Undefined";

    /// <summary>Any use of it is an error; the others are empty.</summary>
    internal bool IsStrict => Mode == JinjaUndefined.Strict;

    internal JinjaUndefined Mode { get; private init; }

    private string? Path { get; init; }

    private string? Key { get; init; }

    private string? Reason { get; init; }

    private string? Owner { get; init; }

    private MapValue? Holder { get; init; }

    private TemplateContext? Context { get; init; }

    /// <summary>What an inline if without else gives: as in Jinja2, empty where others are errors, but not defined.</summary>
    internal static JinjaValue Lenient { get; } =
        new(new UndefinedValue(Program.Nothing, 0) { Reason = "the value is undefined", Mode = JinjaUndefined.Default });

    internal static JinjaValue MissingName(RenderState r, int at, string name) =>
        new(new UndefinedValue(r.Program, at) { Key = name, Context = r.Context, Mode = r.Program.Options.Undefined });

    /// <summary>A member that is not there; close names are looked for in <paramref name="holder"/>.</summary>
    internal static JinjaValue Missing(RenderState r, int at, string? path, string key, JinjaValue owner, MapValue? holder) =>
        new(new UndefinedValue(r.Program, at)
        {
            Path = path, Key = key, Holder = holder, Owner = ValueText.TypeName(owner), Mode = r.Program.Options.Undefined,
        });

    /// <summary>An item that is not there, under something else than a name.</summary>
    internal static JinjaValue MissingItem(RenderState r, int at, string? path, JinjaValue key, JinjaValue owner)
    {
        var text = ValueText.Repr(r, key);
        var type = ValueText.TypeName(owner);
        return new(new UndefinedValue(r.Program, at)
        {
            Reason = $"'{path ?? type}' has no item {text}", Owner = type, Key = text, Mode = r.Program.Options.Undefined,
        });
    }

    internal static JinjaValue Because(RenderState r, int at, string reason) =>
        new(new UndefinedValue(r.Program, at) { Reason = reason, Mode = r.Program.Options.Undefined });

    /// <summary>What it prints as; not for a strict one.</summary>
    internal string DebugText()
    {
        if (Mode != JinjaUndefined.Debug) return "";
        if (Owner is null) return $"{{{{ {(Reason is null ? Key : "undefined value printed: " + Reason)} }}}}";
        return $"{{{{ no such element: {Owner} object[{(Reason is null ? $"'{Key}'" : Key)}] }}}}";
    }

    internal JinjaException ToException(RenderState r)
    {
        if (Reason is not null) return Fail(r, Reason, null);
        var prefix = Path is null ? "" : Path + ".";
        var close = Spelling.Closest(Key!, Candidates());
        return Fail(r, $"'{prefix}{Key}' is undefined", close is null ? null : prefix + close);
    }

    private JinjaException Fail(RenderState r, string reason, string? suggestion)
    {
        var isElsewhere = ReferenceEquals(_program, Program.Nothing);
        var program = isElsewhere ? r.Program : _program;
        return program.Source.Fail(JinjaErrorKind.Undefined, isElsewhere ? r.At : _at, reason, suggestion, r.Chain());
    }

    private IEnumerable<string> Candidates()
    {
        if (Holder is not null) return Holder.TextKeys;
        if (Context is null) return [];
        return Context.Entries.TextKeys.Concat(_program.Names).Concat(Context.Variables?.Keys ?? Enumerable.Empty<string>());
    }
}
