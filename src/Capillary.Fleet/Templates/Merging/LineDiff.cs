namespace Capillary.Fleet.Templates.Merging;

/// <summary>Lines of the left text that became lines of the right one; one of the counts may be 0.</summary>
internal readonly record struct LineHunk(int LeftStart, int LeftCount, int RightStart, int RightCount)
{
    public int LeftEnd => LeftStart + LeftCount;

    public int RightEnd => RightStart + RightCount;
}

/// <summary>
/// Which lines differ. Myers' linear-space search with the choices that <c>git diff</c> makes where several answers are shortest, so that
/// merges of the two agree: lines without a counterpart are set aside first, and changed blocks slide as git's do. The search gives up
/// being shortest at a cost of about the root of the length, so no input takes quadratic time.
/// </summary>
/// <param name="numbers">How many different line numbers there can be.</param>
internal sealed class LineDiff(int numbers)
{
    private const int MostCommon = 1024;
    private readonly int[] inLeft = new int[numbers];
    private readonly int[] inRight = new int[numbers];

    /// <summary>The differences in order; between two of them there is at least one equal line.</summary>
    public List<LineHunk> Compare(ReadOnlySpan<int> left, ReadOnlySpan<int> right)
    {
        var leftChanged = new bool[left.Length];
        var rightChanged = new bool[right.Length];
        Mark(left, right, leftChanged, rightChanged);
        ChangeBlocks.Slide(left, leftChanged, rightChanged);
        ChangeBlocks.Slide(right, rightChanged, leftChanged);
        return Hunks(leftChanged, rightChanged);
    }

    private void Mark(ReadOnlySpan<int> left, ReadOnlySpan<int> right, bool[] leftChanged, bool[] rightChanged)
    {
        var start = left.CommonPrefixLength(right);
        var (leftEnd, rightEnd) = (left.Length, right.Length);
        while (leftEnd > start && rightEnd > start && left[leftEnd - 1] == right[rightEnd - 1]) (leftEnd, rightEnd) = (leftEnd - 1,
            rightEnd - 1);
        if (start == leftEnd || start == rightEnd)
        {
            leftChanged.AsSpan(start..leftEnd).Fill(true);
            rightChanged.AsSpan(start..rightEnd).Fill(true);
            return;
        }
        foreach (var line in left) inLeft[line]++;
        foreach (var line in right) inRight[line]++;
        var leftKept = Keep(left, start, leftEnd, inRight, leftChanged);
        var rightKept = Keep(right, start, rightEnd, inLeft, rightChanged);
        foreach (var line in left) inLeft[line] = 0;
        foreach (var line in right) inRight[line] = 0;
        new ShortestEdit(left, leftKept, leftChanged, right, rightKept, rightChanged).Search();
    }

    /// <summary>Indexes of the lines that take part in the search; the others are changed for sure, or so common that they say
    /// nothing.</summary>
    private static int[] Keep(ReadOnlySpan<int> lines, int start, int end, int[] inOther, bool[] changed)
    {
        var common = Math.Min(RoughRoot(lines.Length), MostCommon);
        var kept = new List<int>(end - start);
        for (var i = start; i < end; i++)
        {
            var matches = inOther[lines[i]];
            if (matches > 0 && (matches < common || !IsNoise(lines, i, start, end, inOther, common))) kept.Add(i);
            else changed[i] = true;
        }
        return [.. kept];
    }

    /// <summary>A line with many matches that stands among lines without any.</summary>
    private static bool IsNoise(ReadOnlySpan<int> lines, int at, int start, int end, int[] inOther, int common)
    {
        const int Window = 100;
        const int Weight = 4;
        var (foreignBefore, commonBefore) = (0, 0);
        for (var i = at - 1; i >= Math.Max(start, at - Window); i--)
        {
            if (!Count(inOther[lines[i]], common, ref foreignBefore, ref commonBefore)) break;
        }
        if (foreignBefore == 0) return false;
        var (foreignAfter, commonAfter) = (0, 0);
        for (var i = at + 1; i < Math.Min(end, at + Window + 1); i++)
        {
            if (!Count(inOther[lines[i]], common, ref foreignAfter, ref commonAfter)) break;
        }
        if (foreignAfter == 0) return false;
        var all = commonBefore + commonAfter + 2;
        return all * Weight < all + foreignBefore + foreignAfter;
    }

    private static bool Count(int matches, int common, ref int foreign, ref int many)
    {
        if (matches == 0) foreign++;
        else if (matches >= common) many++;
        else return false;
        return true;
    }

    /// <summary>A power of two near the square root.</summary>
    internal static int RoughRoot(int number)
    {
        var root = 1;
        for (; number > 0; number >>= 2) root <<= 1;
        return root;
    }

    private static List<LineHunk> Hunks(bool[] left, bool[] right)
    {
        var hunks = new List<LineHunk>();
        var (i, j) = (0, 0);
        while (i < left.Length || j < right.Length)
        {
            var (leftStart, rightStart) = (i, j);
            while (i < left.Length && left[i]) i++;
            while (j < right.Length && right[j]) j++;
            if (i > leftStart || j > rightStart) hunks.Add(new(leftStart, i - leftStart, rightStart, j - rightStart));
            (i, j) = (i + 1, j + 1);
        }
        return hunks;
    }
}
