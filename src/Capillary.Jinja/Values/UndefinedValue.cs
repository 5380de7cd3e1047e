using Capillary.Jinja.Run;
using Capillary.Jinja.Syntax;

namespace Capillary.Jinja.Values;

/// <summary>
/// Remembers what was not there, so that the error can name it where it was read. Cheap to make: <c>default()</c> and
/// <c>is defined</c> meet many of these; the suggestion is only looked for when it is used.
/// </summary>
internal sealed class UndefinedValue : Boxed
{
    private readonly string? _path;
    private readonly string? _key;
    private readonly string? _reason;
    private readonly MapValue? _holder;
    private readonly int _at;

    private UndefinedValue(int at, string? path, string? key, string? reason, MapValue? holder)
    {
        _at = at;
        _path = path;
        _key = key;
        _reason = reason;
        _holder = holder;
    }

    internal override JinjaKind Kind => JinjaKind.Undefined;

    internal override string TypeName => "Undefined";

    /// <summary>A name or member that is not there; close names are looked for in <paramref name="holder"/>.</summary>
    internal static JinjaValue Missing(int at, string? owner, string key, MapValue? holder) =>
        new(new UndefinedValue(at, owner, key, null, holder));

    /// <summary>What an inline if without else gives: as in Jinja2, empty where others are errors, but not defined.</summary>
    internal static JinjaValue Lenient { get; } =
        new(new UndefinedValue(0, null, null, "the value is undefined", null) { IsLenient = true });

    internal bool IsLenient { get; private init; }

    internal static JinjaValue Because(int at, string reason) => new(new UndefinedValue(at, null, null, reason, null));

    internal JinjaException ToException(RenderState r)
    {
        if (_reason is not null) return r.Fail(_reason, null, _at);
        var prefix = _path is null ? "" : _path + ".";
        var close = _holder is null ? null : Spelling.Closest(_key!, Candidates(r));
        return r.Fail($"'{prefix}{_key}' is undefined", close is null ? null : prefix + close, _at);
    }

    private IEnumerable<string> Candidates(RenderState r) =>
        _path is null ? _holder!.Entries.Keys.Concat(r.Program.Names) : _holder!.Entries.Keys;
}
