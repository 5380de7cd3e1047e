using System.Buffers;
using System.Globalization;

namespace Capillary.Jinja.Run;

/// <summary>
/// The text made so far, in a pooled array, never longer than the limit. Also the scratch pad for strings: append from a mark,
/// then <see cref="TakeFrom"/> it, so that every string a template makes is bounded by the same limit.
/// </summary>
internal sealed class OutputBuffer(RenderState state, int limit) : IDisposable
{
    private char[] _chars = [];

    internal int Length { get; private set; }

    internal ReadOnlySpan<char> Written => _chars.AsSpan(0, Length);

    internal void Append(string text)
    {
        var room = Room(text.Length);
        text.CopyTo(room);
    }

    internal void Append(ReadOnlySpan<char> text)
    {
        // Text taken from this buffer itself moves when the buffer grows, so callers pass only other memory.
        text.CopyTo(Room(text.Length));
    }

    internal void Append(char c)
    {
        if (Length < _chars.Length) _chars[Length++] = c;
        else Room(1)[0] = c;
    }

    internal void Append(char c, int count) => Room(count).Fill(c);

    /// <summary>So many times; none if that is negative.</summary>
    internal void Append(string text, int times)
    {
        if (text.Length == 1 && times > 0) Append(text[0], times);
        else for (var i = 0; i < times; i++) Append(text);
    }

    internal void Append(long number)
    {
        Span<char> digits = stackalloc char[20];
        number.TryFormat(digits, out var count, default, CultureInfo.InvariantCulture);
        Append(digits[..count]);
    }

    internal string TakeFrom(int mark)
    {
        var text = new string(_chars, mark, Length - mark);
        Length = mark;
        state.ChargeText(text.Length);
        return text;
    }

    public void Dispose()
    {
        if (_chars.Length > 0) ArrayPool<char>.Shared.Return(_chars);
        _chars = [];
    }

    private Span<char> Room(int count)
    {
        var end = (long)Length + count;
        if (end > limit) throw state.Limit($"the output is longer than {limit} characters");
        if (end > _chars.Length) Grow((int)end);
        var room = _chars.AsSpan(Length, count);
        Length = (int)end;
        return room;
    }

    private void Grow(int least)
    {
        var larger = ArrayPool<char>.Shared.Rent(Math.Max(least, Math.Max(512, (int)Math.Min(2L * _chars.Length, int.MaxValue))));
        Written.CopyTo(larger);
        if (_chars.Length > 0) ArrayPool<char>.Shared.Return(_chars);
        _chars = larger;
    }
}
