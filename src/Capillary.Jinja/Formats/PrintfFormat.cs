using Capillary.Jinja.Run;
using Capillary.Jinja.Values;

namespace Capillary.Jinja.Formats;

/// <summary>Python's <c>text % values</c>.</summary>
internal sealed class PrintfFormat
{
    private readonly RenderState _r;
    private readonly string _format;
    private readonly bool _safe;
    private readonly JinjaValue[] _values;
    private readonly MapValue? _map;
    private int _next;
    private int _at;

    private PrintfFormat(RenderState r, JinjaValue format, JinjaValue values)
    {
        _r = r;
        _format = (string)format.Ref!;
        _safe = format.IsMarkup;
        _map = values.Ref as MapValue;
        _values = values.Ref is ListValue { IsTuple: true } tuple ? tuple.Items : [values];
    }

    internal static JinjaValue Apply(RenderState r, JinjaValue format, JinjaValue values)
    {
        var printf = new PrintfFormat(r, format, values);
        var mark = r.Output.Length;
        printf.Write();
        return RenderState.AsSafeAs(format, r.Output.TakeFrom(mark));
    }

    private void Write()
    {
        var output = _r.Output;
        while (_at < _format.Length)
        {
            var percent = _format.IndexOf('%', _at);
            if (percent < 0) percent = _format.Length;
            output.Append(_format.AsSpan(_at, percent - _at));
            _at = percent + 1;
            if (percent < _format.Length) WriteOne();
        }
        var takesAny = _map is not null || (_values is [var only] && only.Ref is ListValue { IsTuple: false });
        if (_next < _values.Length && !takesAny) throw _r.Fail("not all arguments converted during string formatting");
    }

    private void WriteOne()
    {
        _r.Charge();
        var key = Peek() == '(' ? Key() : null;
        var spec = new NumberSpec();
        while (_at < _format.Length && "#0- +".Contains(_format[_at])) spec = spec.WithFlag(_format[_at++]);
        spec = spec with { Width = Count(0) };
        if (spec.Width < 0) spec = spec.WithFlag('-') with { Width = -spec.Width };
        if (Peek() == '.')
        {
            _at++;
            spec = spec with { Precision = Math.Max(0, Count(0)) };
        }
        while (_at < _format.Length && _format[_at] is 'h' or 'l' or 'L') _at++;
        if (_at >= _format.Length) throw _r.Fail("incomplete format");
        var type = _format[_at++];
        if (type == '%') _r.Output.Append('%');
        else Convert(type, spec, key is null ? Take() : Entry(key));
    }

    private JinjaValue Entry(string key) =>
        _map!.TryGet(key, out var entry) ? entry : throw _r.Fail($"the format's key '{key}' is not there");

    private char Peek() => _at < _format.Length ? _format[_at] : '\0';

    private string Key()
    {
        var depth = 1;
        var from = ++_at;
        for (; _at < _format.Length; _at++)
        {
            if (_format[_at] == '(') depth++;
            if (_format[_at] == ')' && --depth == 0) break;
        }
        if (depth > 0) throw _r.Fail("incomplete format key");
        if (_map is null) throw _r.Fail("format requires a mapping");
        return _format[from.._at++];
    }

    private int Count(int missing)
    {
        if (Peek() == '*')
        {
            _at++;
            var value = Take();
            if (!value.IsIntegral) throw _r.Fail("* wants int");
            return value.Bits >= -_r.MaxChars && value.Bits <= _r.MaxChars ? (int)value.Bits : throw Arithmetic.TooLong(_r);
        }
        if (!char.IsAsciiDigit(Peek())) return missing;
        var count = 0L;
        while (char.IsAsciiDigit(Peek())) count = Math.Min(int.MaxValue, count * 10 + (_format[_at++] - '0'));
        return count > _r.MaxChars ? throw Arithmetic.TooLong(_r) : (int)count;
    }

    private JinjaValue Take()
    {
        if (_map is not null && _next == 0 && _values.Length == 1)
        {
            _next++;
            return _values[0];
        }
        return _next < _values.Length ? _values[_next++] : throw _r.Fail("not enough arguments for format string");
    }

    private void Convert(char type, NumberSpec spec, JinjaValue value)
    {
        if (value.IsUndefined && type is not ('s' or 'r' or 'a')) throw _r.FailUndefined(value);
        var text = type switch
        {
            's' => Cut(_r.Text(_safe ? Markup.Escape(_r, value) : value), spec),
            'r' or 'a' => Cut(Repr(value, type == 'a'), spec),
            'c' => Character(value),
            'd' or 'i' or 'u' or 'x' or 'X' or 'o' or 'e' or 'E' or 'f' or 'F' or 'g' or 'G' => null,
            _ => throw _r.Fail($"unsupported format character '{type}'"),
        };
        if (text is not null) spec.Pad(_r, "", text, isNumber: false);
        else WriteNumber(type, spec, value);
    }

    private static string Cut(string text, NumberSpec spec) =>
        spec.Precision is { } most ? CodePoints.Begin(text, most) : text;

    private string Repr(JinjaValue value, bool isAscii)
    {
        var text = ValueText.Repr(_r, value, isAscii);
        return _safe ? (string)Markup.Escape(_r, text).Ref! : text;
    }

    private string Character(JinjaValue value) => value.Ref is string text && CodePoints.Count(text) == 1
        ? text
        : CodePoints.Of(value) ?? throw _r.Fail("%c requires int or char");

    private void WriteNumber(char type, NumberSpec spec, JinjaValue value)
    {
        if (!value.IsNumber) throw _r.Fail($"%{type} format: a real number is required, not {ValueText.TypeName(value)}");
        if (type is 'd' or 'i' or 'u' or 'x' or 'X' or 'o')
        {
            if (value.IsFloat && type is 'x' or 'X' or 'o') throw _r.Fail($"%{type} format: an integer is required, not float");
            if (value.IsFloat && !double.IsFinite(value.AsDouble)) throw _r.Fail("cannot convert float to integer");
            var whole = value.IsFloat ? new System.Numerics.BigInteger(value.AsDouble) : value.AsBig;
            spec.WriteInteger(_r, type is 'i' or 'u' ? 'd' : type, whole);
            return;
        }
        spec.WriteFloat(_r, type, Arithmetic.Float(_r, value));
    }
}
