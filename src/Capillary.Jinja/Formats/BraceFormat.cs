using Capillary.Jinja.Run;
using Capillary.Jinja.Values;

namespace Capillary.Jinja.Formats;

/// <summary>Python's <c>text.format(values)</c>. A field reaches what a template reaches, no more.</summary>
internal sealed class BraceFormat
{
    private readonly RenderState _r;
    private readonly JinjaValue[] _values;
    private readonly MapValue _named;
    private readonly bool _safe;
    private int _next;
    private bool _isManual;

    private BraceFormat(RenderState r, JinjaValue[] values, MapValue named, bool safe) =>
        (_r, _values, _named, _safe) = (r, values, named, safe);

    internal static JinjaValue Apply(RenderState r, JinjaValue format, JinjaValue[] values, MapValue named)
    {
        var mark = r.Output.Length;
        new BraceFormat(r, values, named, format.IsMarkup).Write((string)format.Ref!, 2);
        return RenderState.AsSafeAs(format, r.Output.TakeFrom(mark));
    }

    private void Write(string format, int depth)
    {
        if (depth == 0) throw _r.Fail("Max string recursion exceeded");
        for (var at = 0; at < format.Length; at++)
        {
            var c = format[at];
            if (c is not ('{' or '}')) _r.Output.Append(c);
            else if (at + 1 < format.Length && format[at + 1] == c) _r.Output.Append(format[at++]);
            else if (c == '}') throw _r.Fail("Single '}' encountered in format string");
            else at = WriteField(format, at + 1, depth);
        }
    }

    // Returns the offset of the closing brace.
    private int WriteField(string format, int from, int depth)
    {
        _r.Charge();
        var end = FieldEnd(format, from);
        var field = format[from..end];
        var split = SpecStart(field);
        var spec = split < field.Length && field[split] == ':' ? field[(split + 1)..] : "";
        var name = field[..split];
        var conversion = '\0';
        if (split < field.Length && field[split] == '!')
        {
            if (split + 1 >= field.Length) throw _r.Fail("end of string while looking for conversion specifier");
            conversion = field[split + 1];
            var rest = field[(split + 2)..];
            if (rest.Length > 0 && rest[0] != ':') throw _r.Fail("expected ':' after conversion specifier");
            spec = rest.Length > 0 ? rest[1..] : "";
        }
        var value = Converted(Find(name), conversion);
        if (spec.Contains('{') || spec.Contains('}')) spec = Expand(spec, depth);
        WriteValue(value, spec);
        return end;
    }

    private int FieldEnd(string format, int from)
    {
        var depth = 1;
        for (var at = from; at < format.Length; at++)
        {
            if (format[at] == '{') depth++;
            if (format[at] == '}' && --depth == 0) return at;
        }
        throw _r.Fail(from >= format.Length ? "Single '{' encountered in format string" : "expected '}' before end of string");
    }

    private static int SpecStart(string field)
    {
        var inBrackets = false;
        for (var at = 0; at < field.Length; at++)
        {
            if (field[at] == '[') inBrackets = true;
            else if (field[at] == ']') inBrackets = false;
            else if (!inBrackets && field[at] is ':' or '!') return at;
        }
        return field.Length;
    }

    private string Expand(string spec, int depth)
    {
        var mark = _r.Output.Length;
        Write(spec, depth - 1);
        return _r.Output.TakeFrom(mark);
    }

    private JinjaValue Find(string name)
    {
        var end = name.AsSpan().IndexOfAny('.', '[');
        var first = end < 0 ? name : name[..end];
        var value = First(first);
        for (var at = end < 0 ? name.Length : end; at < name.Length;)
        {
            if (name[at] == '.')
            {
                var stop = name.AsSpan(at + 1).IndexOfAny('.', '[');
                stop = stop < 0 ? name.Length : at + 1 + stop;
                value = Attribute(value, name[(at + 1)..stop]);
                at = stop;
                continue;
            }
            var close = name.IndexOf(']', at);
            if (name[at] != '[' || close < 0) throw _r.Fail("a field of the format is not understood: " + name);
            var key = name[(at + 1)..close];
            var isIndex = key.Length > 0 && key.All(char.IsAsciiDigit);
            value = Members.Item(_r, value, isIndex && Syntax.IntegerText.TryParse(key, 10, out var index) ? index : key, null, _r.At);
            at = close + 1;
        }
        if (value.IsUndefined && end >= 0) throw _r.FailUndefined(value);
        return value;
    }

    private JinjaValue Attribute(JinjaValue value, string name)
    {
        if (value.IsUndefined) throw _r.FailUndefined(value);
        var found = Members.OwnAttribute(_r, value, name, _r.At);
        return found.IsAbsent ? throw _r.Fail($"'{ValueText.TypeName(value)}' object has no attribute '{name}'") : found;
    }

    private JinjaValue First(string name)
    {
        if (name.Length == 0)
        {
            if (_isManual) throw _r.Fail("cannot switch from manual field specification to automatic field numbering");
            return At(_next++);
        }
        if (!name.All(char.IsAsciiDigit))
            return _named.TryGet(name, out var value) ? value : throw _r.Fail($"the format's field '{name}' is not given");
        if (_next > 0) throw _r.Fail("cannot switch from automatic field numbering to manual field specification");
        _isManual = true;
        return At(int.TryParse(name, out var index) ? index : int.MaxValue);
    }

    private JinjaValue At(int index) => index < _values.Length
        ? _values[index]
        : throw _r.Fail($"Replacement index {index} out of range for positional args tuple");

    private JinjaValue Converted(JinjaValue value, char conversion)
    {
        if (conversion == '\0') return value;
        if (conversion == 's') return _r.Text(value);
        if (conversion is not ('r' or 'a')) throw _r.Fail($"Unknown conversion specifier '{conversion}'");
        return ValueText.Repr(_r, value, conversion == 'a');
    }

    private void WriteValue(JinjaValue value, string text)
    {
        if (value.IsUndefined && value.Ref is not UndefinedValue { IsStrict: false }) throw _r.FailUndefined(value);
        if (text.Length == 0)
        {
            if (_safe) Markup.Write(_r, value);
            else ValueText.Write(_r, value);
            return;
        }
        var mark = _r.Output.Length;
        BraceSpec.Write(_r, value, text);
        if (!_safe || value.IsMarkup) return;
        var plain = _r.Output.TakeFrom(mark);
        Markup.Append(_r.Output, plain);
    }
}
