using System.Buffers;

namespace Capillary.Fleet.Templates.Merging;

/// <summary>
/// E. Myers, "An O(ND) difference algorithm and its variations" (1986), in linear space: a path is searched from both corners of the box
/// until the two meet, then both halves are searched the same way. A diagonal is a left index minus a right index.
/// </summary>
internal readonly ref struct ShortestEdit
{
    private const int LeastLimit = 256;
    private readonly ReadOnlySpan<int> left;
    private readonly ReadOnlySpan<int> right;
    private readonly int[] leftKept;
    private readonly int[] rightKept;
    private readonly bool[] leftChanged;
    private readonly bool[] rightChanged;

    /// <param name="left">All lines of the left text.</param>
    /// <param name="leftKept">Indexes of those that are searched.</param>
    /// <param name="leftChanged">Is set where a line is in no pair.</param>
    /// <param name="right">As for the left.</param>
    /// <param name="rightKept">As for the left.</param>
    /// <param name="rightChanged">As for the left.</param>
    public ShortestEdit(ReadOnlySpan<int> left, int[] leftKept, bool[] leftChanged, ReadOnlySpan<int> right, int[] rightKept,
        bool[] rightChanged)
    {
        (this.leftKept, this.rightKept, this.leftChanged, this.rightChanged) = (leftKept, rightKept, leftChanged, rightChanged);
        this.left = Pick(left, leftKept);
        this.right = Pick(right, rightKept);
    }

    public void Search()
    {
        var diagonals = left.Length + right.Length + 3;
        var limit = Math.Max(LineDiff.RoughRoot(diagonals), LeastLimit);
        var reached = ArrayPool<int>.Shared.Rent(diagonals * 2);
        var frontier = new Frontier(reached.AsSpan(0, diagonals), reached.AsSpan(diagonals, diagonals), right.Length + 1);
        Search(new Box(0, left.Length, 0, right.Length), frontier, limit);
        ArrayPool<int>.Shared.Return(reached);
    }

    private static int[] Pick(ReadOnlySpan<int> lines, int[] kept)
    {
        var picked = new int[kept.Length];
        for (var i = 0; i < kept.Length; i++) picked[i] = lines[kept[i]];
        return picked;
    }

    private void Search(Box box, Frontier frontier, int limit)
    {
        while (true)
        {
            box = Shrink(box);
            if (box.Left == box.LeftEnd || box.Right == box.RightEnd) break;
            var (x, y, isLowShort, isHighShort) = Split(box, frontier, limit);
            // A half whose cost is known to be below the limit is searched to its end.
            Search(box with { LeftEnd = x, RightEnd = y }, frontier, isLowShort ? int.MaxValue : limit);
            box = box with { Left = x, Right = y };
            if (isHighShort) limit = int.MaxValue;
        }
        for (var i = box.Left; i < box.LeftEnd; i++) leftChanged[leftKept[i]] = true;
        for (var i = box.Right; i < box.RightEnd; i++) rightChanged[rightKept[i]] = true;
    }

    private Box Shrink(Box box)
    {
        var (x, xEnd, y, yEnd) = box;
        while (x < xEnd && y < yEnd && left[x] == right[y]) (x, y) = (x + 1, y + 1);
        while (x < xEnd && y < yEnd && left[xEnd - 1] == right[yEnd - 1]) (xEnd, yEnd) = (xEnd - 1, yEnd - 1);
        return new(x, xEnd, y, yEnd);
    }

    /// <summary>A point of a shortest path, and which halves are known to be short.</summary>
    private (int X, int Y, bool IsLowShort, bool IsHighShort) Split(Box box, Frontier frontier, int limit)
    {
        var (low, high) = (box.Left - box.RightEnd, box.LeftEnd - box.Right);
        var forward = new Band(box.Left - box.Right);
        var backward = new Band(box.LeftEnd - box.RightEnd);
        var isOdd = ((forward.Least - backward.Least) & 1) != 0;
        frontier.Forward(forward.Least) = box.Left;
        frontier.Backward(backward.Least) = box.LeftEnd;
        for (var cost = 1; ; cost++)
        {
            if (forward.WidenDown(low)) frontier.Forward(forward.Least - 1) = -1;
            if (forward.WidenUp(high)) frontier.Forward(forward.Most + 1) = -1;
            for (var d = forward.Most; d >= forward.Least; d -= 2)
            {
                var x = StepForward(box, frontier, d);
                if (isOdd && backward.Least <= d && d <= backward.Most && frontier.Backward(d) <= x) return (x, x - d, true, true);
            }
            if (backward.WidenDown(low)) frontier.Backward(backward.Least - 1) = int.MaxValue;
            if (backward.WidenUp(high)) frontier.Backward(backward.Most + 1) = int.MaxValue;
            for (var d = backward.Most; d >= backward.Least; d -= 2)
            {
                var x = StepBackward(box, frontier, d);
                if (!isOdd && forward.Least <= d && d <= forward.Most && x <= frontier.Forward(d)) return (x, x - d, true, true);
            }
            if (cost >= limit) return Farthest(box, frontier, forward, backward);
        }
    }

    private int StepForward(Box box, Frontier frontier, int d)
    {
        var (below, above) = (frontier.Forward(d - 1), frontier.Forward(d + 1));
        var x = below >= above ? below + 1 : above;
        for (var y = x - d; x < box.LeftEnd && y < box.RightEnd && left[x] == right[y]; y++) x++;
        return frontier.Forward(d) = x;
    }

    private int StepBackward(Box box, Frontier frontier, int d)
    {
        var (below, above) = (frontier.Backward(d - 1), frontier.Backward(d + 1));
        var x = below < above ? below : above - 1;
        for (var y = x - d; x > box.Left && y > box.Right && left[x - 1] == right[y - 1]; y--) x--;
        return frontier.Backward(d) = x;
    }

    /// <summary>The limit is met: the point that is farthest from its corner.</summary>
    private static (int X, int Y, bool IsLowShort, bool IsHighShort) Farthest(Box box, Frontier frontier, Band forward, Band backward)
    {
        var (head, headX) = (-1, -1);
        for (var d = forward.Most; d >= forward.Least; d -= 2)
        {
            var x = Math.Min(Math.Min(frontier.Forward(d), box.LeftEnd), box.RightEnd + d);
            if (x + x - d > head) (head, headX) = (x + x - d, x);
        }
        var (tail, tailX) = (int.MaxValue, int.MaxValue);
        for (var d = backward.Most; d >= backward.Least; d -= 2)
        {
            var x = Math.Max(Math.Max(frontier.Backward(d), box.Left), box.Right + d);
            if (x + x - d < tail) (tail, tailX) = (x + x - d, x);
        }
        return box.LeftEnd + box.RightEnd - tail < head - (box.Left + box.Right)
            ? (headX, head - headX, true, false)
            : (tailX, tail - tailX, false, true);
    }

    private readonly record struct Box(int Left, int LeftEnd, int Right, int RightEnd);

    /// <summary>How far each diagonal was followed, from either corner.</summary>
    private readonly ref struct Frontier(Span<int> forward, Span<int> backward, int origin)
    {
        private readonly Span<int> forward = forward;
        private readonly Span<int> backward = backward;

        public ref int Forward(int diagonal) => ref forward[diagonal + origin];

        public ref int Backward(int diagonal) => ref backward[diagonal + origin];
    }

    /// <summary>The diagonals of one round, every second one; at the box's edge it narrows, so that their parity holds.</summary>
    private struct Band(int start)
    {
        public int Least { get; private set; } = start;

        public int Most { get; private set; } = start;

        public bool WidenDown(int edge)
        {
            var isInside = Least > edge;
            Least += isInside ? -1 : 1;
            return isInside;
        }

        public bool WidenUp(int edge)
        {
            var isInside = Most < edge;
            Most += isInside ? 1 : -1;
            return isInside;
        }
    }
}
