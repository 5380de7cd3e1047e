namespace Capillary.Fleet.Templates.Merging;

/// <summary>A text cut into lines; a line holds its end, so that a missing last newline or a CR is a difference like any other.</summary>
/// <param name="Bytes">The text.</param>
/// <param name="Starts">Where each line begins, and at last the text's length.</param>
/// <param name="Numbers">Each line's number in the <see cref="LineTable"/>.</param>
internal sealed record LineText(ReadOnlyMemory<byte> Bytes, int[] Starts, int[] Numbers)
{
    /// <summary>How many lines there are.</summary>
    public int Count => Numbers.Length;

    /// <summary>The bytes of some lines.</summary>
    public ReadOnlyMemory<byte> Slice(int start, int count) => Bytes[Starts[start]..Starts[start + count]];
}

/// <summary>Gives equal lines equal numbers, over all texts that it reads.</summary>
internal sealed class LineTable
{
    private readonly Dictionary<ReadOnlyMemory<byte>, int> numbers = new(ByteContent.Instance);

    /// <summary>How many different lines were read.</summary>
    public int Count => numbers.Count;

    /// <summary>Cuts a text into lines at each LF.</summary>
    public LineText Read(ReadOnlyMemory<byte> text)
    {
        var count = text.Span.Count((byte)'\n');
        if (text.Length > 0 && text.Span[^1] != '\n') count++;
        numbers.EnsureCapacity(Math.Max(numbers.Count, count + (count / 4)));
        var starts = new int[count + 1];
        var ids = new int[count];
        for (var line = 0; line < count; line++)
        {
            var start = starts[line];
            var length = text.Span[start..].IndexOf((byte)'\n') + 1;
            if (length == 0) length = text.Length - start;
            starts[line + 1] = start + length;
            var bytes = text.Slice(start, length);
            ref var number = ref System.Runtime.InteropServices.CollectionsMarshal.GetValueRefOrAddDefault(numbers, bytes, out var isKnown);
            if (!isKnown) number = numbers.Count - 1;
            ids[line] = number;
        }
        return new LineText(text, starts, ids);
    }

    private sealed class ByteContent : IEqualityComparer<ReadOnlyMemory<byte>>
    {
        public static readonly ByteContent Instance = new();

        public bool Equals(ReadOnlyMemory<byte> x, ReadOnlyMemory<byte> y) => x.Span.SequenceEqual(y.Span);

        // HashCode's seed differs per process, so nobody can choose lines that collide; no result depends on it.
        public int GetHashCode(ReadOnlyMemory<byte> obj)
        {
            var hash = new HashCode();
            hash.AddBytes(obj.Span);
            return hash.ToHashCode();
        }
    }
}
