using Capillary.Jinja.Run;
using Capillary.Jinja.Values;

namespace Capillary.Jinja.Builtins;

/// <summary>Reads one argument as the type a builtin needs, or fails naming it.</summary>
internal static class Arg
{
    internal static string Text(RenderState r, JinjaValue value, string what)
    {
        if (value.Ref is not string text) throw Wrong(r, value, what, "a string");
        // Whoever asks for it goes over it.
        r.ChargeText(text.Length);
        return text;
    }

    internal static string Text(RenderState r, JinjaValue value, string what, string missing) =>
        value.IsAbsent ? missing : Text(r, value, what);

    internal static string? TextOrNull(RenderState r, JinjaValue value, string what) =>
        value.IsAbsent || value.IsNone ? null : Text(r, value, what);

    internal static long Integer(RenderState r, JinjaValue value, string what, long missing)
    {
        if (value.IsAbsent) return missing;
        if (value.IsBig) throw r.Limit($"{what} is out of range");
        return value.IsIntegral ? value.Bits : throw Wrong(r, value, what, "an integer");
    }

    /// <summary>So many blanks.</summary>
    internal static string Blanks(RenderState r, JinjaValue value, string what, long missing)
    {
        var count = Integer(r, value, what, missing);
        if (count > r.MaxChars) throw Arithmetic.TooLong(r);
        r.ChargeText(Math.Max(0, count));
        return new string(' ', (int)Math.Max(0, count));
    }

    internal static bool Flag(RenderState r, JinjaValue value) => !value.IsAbsent && Sequences.IsTrue(r, value);

    private static JinjaException Wrong(RenderState r, JinjaValue value, string what, string needed) => value.Ref is UndefinedValue
        ? r.FailUndefined(value)
        : r.Fail($"{what} must be {needed}, not '{ValueText.TypeName(value)}'");
}
