using Capillary.Jinja.Run;
using Capillary.Jinja.Values;

namespace Capillary.Jinja.Formats;

/// <summary>What stands behind the colon of a field: <c>[[fill]align][sign][#][0][width][grouping][.precision][type]</c>.</summary>
internal static class BraceSpec
{
    internal static void Write(RenderState r, JinjaValue value, string text)
    {
        var (spec, type) = Parse(r, text);
        if (value.Ref is string own) WriteText(r, spec, type, own);
        else if (value.IsAnyInteger) WriteInteger(r, spec, type, value);
        else if (value.IsFloat) WriteFloat(r, spec, type, value.AsDouble);
        else throw r.Fail($"unsupported format string passed to {ValueText.TypeName(value)}.__format__");
    }

    private static (NumberSpec Spec, char Type) Parse(RenderState r, string text)
    {
        var (spec, at) = (new NumberSpec { IsPrintf = false }, 0);
        var fill = CodePoints.LengthAt(text, 0);
        if (IsAlign(At(text, fill))) (spec, at) = (spec with { Fill = text[..fill], Align = text[fill] }, fill + 1);
        else if (text.Length > 0 && IsAlign(text[0])) (spec, at) = (spec with { Align = text[0] }, 1);
        var hasFill = at > 1;
        if (At(text, at) is '+' or '-' or ' ') spec = spec with { Sign = text[at++] };
        if (At(text, at) == '#') (spec, at) = (spec with { Alternate = true }, at + 1);
        if (At(text, at) == '0')
        {
            at++;
            if (!hasFill) spec = spec with { Fill = "0" };
        }
        (var width, at) = Count(r, text, at);
        spec = spec with { Width = width ?? 0 };
        if (At(text, at) is ',' or '_') spec = spec with { Group = text[at++] };
        if (At(text, at) == '.')
        {
            (var precision, at) = Count(r, text, at + 1);
            spec = spec with { Precision = precision ?? throw r.Fail("Format specifier missing precision") };
        }
        if (at < text.Length - 1) throw r.Fail($"Invalid format specifier '{text}'");
        var type = At(text, at);
        var takesGroup = spec.Group == '_' ? type is not ('n' or 'c' or 's') : type is not ('n' or 'c' or 's' or 'b' or 'o' or 'x' or 'X');
        return spec.Group == '\0' || takesGroup ? (spec, type) : throw r.Fail($"Cannot specify '{spec.Group}' with '{type}'.");
    }

    private static bool IsAlign(char c) => c is '<' or '>' or '^' or '=';

    private static char At(string text, int at) => at < text.Length ? text[at] : '\0';

    private static (int? Count, int At) Count(RenderState r, string text, int at)
    {
        if (!char.IsAsciiDigit(At(text, at))) return (null, at);
        var count = 0L;
        for (; char.IsAsciiDigit(At(text, at)); at++) count = Math.Min(int.MaxValue, count * 10 + (text[at] - '0'));
        return count > r.MaxChars ? throw Arithmetic.TooLong(r) : ((int)count, at);
    }

    private static void WriteText(RenderState r, NumberSpec spec, char type, string text)
    {
        if (type is not ('s' or '\0')) throw r.Fail($"Unknown format code '{type}' for object of type 'str'");
        if (spec.Align == '=') throw r.Fail("'=' alignment not allowed in string format specifier");
        if (spec.Sign != '\0') throw r.Fail("Sign not allowed in string format specifier");
        if (spec.Alternate) throw r.Fail("Alternate form (#) not allowed in string format specifier");
        if (spec.Group != '\0') throw r.Fail($"Cannot specify '{spec.Group}' with 's'.");
        var cut = spec.Precision is { } most ? CodePoints.Begin(text, most) : text;
        spec.Pad(r, "", cut, isNumber: false);
    }

    private static void WriteInteger(RenderState r, NumberSpec spec, char type, JinjaValue value)
    {
        switch (type)
        {
            case '\0' or 'd' or 'n' or 'b' or 'o' or 'x' or 'X':
                if (spec.Precision is not null) throw r.Fail("Precision not allowed in integer format specifier");
                spec.WriteInteger(r, type is '\0' or 'n' ? 'd' : type, value.AsBig);
                break;
            case 'c':
                if (spec != new NumberSpec { IsPrintf = false, Fill = spec.Fill, Align = spec.Align, Width = spec.Width })
                    throw r.Fail("a format of type 'c' has only fill, alignment and width");
                spec.Pad(r, "", CodePoints.Of(value) ?? throw r.Fail("%c arg not in range(0x110000)"), isNumber: true);
                break;
            default:
                WriteFloat(r, spec, type, Arithmetic.Float(r, value));
                break;
        }
    }

    private static void WriteFloat(RenderState r, NumberSpec spec, char type, double value)
    {
        if (type is 'e' or 'E' or 'f' or 'F' or 'g' or 'G' or '%') spec.WriteFloat(r, type, value);
        else if (type == 'n') spec.WriteFloat(r, 'g', value);
        else if (type != '\0') throw r.Fail($"Unknown format code '{type}' for object of type 'float'");
        else spec.WriteDigits(r, value, PlainDigits(r, spec, value));
    }

    // As repr without a precision; with one as 'g', but never without a decimal.
    private static string PlainDigits(RenderState r, NumberSpec spec, double value)
    {
        if (spec.Precision is null)
        {
            var mark = r.Output.Length;
            FloatText.Write(r.Output, Math.Abs(value));
            var text = r.Output.TakeFrom(mark);
            return spec.Alternate && !text.Contains('.') ? text.Replace("e", ".e", StringComparison.Ordinal) : text;
        }
        r.ChargeText(spec.Precision.Value + 400);
        return FloatDigits.Write(value, 'r', spec.Precision.Value, spec.Alternate);
    }
}
