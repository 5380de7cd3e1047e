using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using Capillary.Fleet.Documents;
using Capillary.Fleet.Templates.Merging;

namespace Capillary.Fleet.Templates;

/// <summary>What changes in a folder, for people and for finding folders that change alike.</summary>
public static class UnifiedDiff
{
    private const int Context = 3;

    /// <summary>The differences of one file, as <c>git diff</c> writes them; of one that is no UTF-8 text its sizes. Where some lines end
    /// with CR LF and others do not, <c>\r</c> shows which.</summary>
    /// <param name="path">For the head.</param>
    /// <param name="before">Null: it was not there.</param>
    /// <param name="after">Null: it goes.</param>
    public static string Of(string path, MergeFile? before, MergeFile? after)
    {
        var text = new StringBuilder();
        text.Append(CultureInfo.InvariantCulture,
            $"--- {(before is null ? "/dev/null" : $"a/{path}")}\n+++ {(after is null ? "/dev/null" : $"b/{path}")}\n");
        if (before is not null && after is not null && before.Kind != after.Kind)
            text.Append(CultureInfo.InvariantCulture, $"mode {Mode(before.Kind)} -> {Mode(after.Kind)}\n");
        else if ((before is null || after is null) && (before ?? after)!.Kind is not TreeEntryKind.File and var kind)
            text.Append(CultureInfo.InvariantCulture, $"mode {Mode(kind)}\n");
        if (!IsText(before) || !IsText(after))
        {
            return before?.Id == after?.Id ? text.ToString()
                : text.Append(CultureInfo.InvariantCulture, $"binary or not UTF-8: {Size(before)} -> {Size(after)}\n").ToString();
        }
        var (left, right, hunks) = Compare(before, after);
        var hasMarks = HasLineEndOf(left, true) || HasLineEndOf(right, true);
        hasMarks &= HasLineEndOf(left, false) || HasLineEndOf(right, false);
        for (var i = 0; i < hunks.Count;)
        {
            var last = i;
            while (last + 1 < hunks.Count && hunks[last + 1].LeftStart - hunks[last].LeftEnd <= 2 * Context) last++;
            Write(text, left, right, hunks[i..(last + 1)], hasMarks);
            i = last + 1;
        }
        return text.ToString();
    }

    /// <summary>Digests of the lines that come and go, and their files: the same where folders change alike, whatever stands around.
    /// </summary>
    /// <param name="changes">Each file under the path of its template.</param>
    /// <param name="own">The folder's own values.</param>
    /// <returns>Of the lines as they are, and of the lines but for the folder's own values.</returns>
    public static (string Lines, string ButForValues) Keys(IEnumerable<(string Path, MergeFile? Before, MergeFile? After)> changes,
        OwnValues own)
    {
        using var exact = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        using var rough = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        foreach (var (path, before, after) in changes)
        {
            Add(Encoding.UTF8.GetBytes($"{path}\0{before?.Kind}\0{after?.Kind}\0"), OwnValues.None);
            var (left, right, hunks) = Compare(before, after);
            foreach (var hunk in hunks)
            {
                Add(Encoding.ASCII.GetBytes($"{hunk.LeftCount} {hunk.RightCount}\0"), OwnValues.None);
                Add(left.Slice(hunk.LeftStart, hunk.LeftCount), own);
                Add(right.Slice(hunk.RightStart, hunk.RightCount), own);
            }
        }
        return (Convert.ToHexStringLower(exact.GetHashAndReset()), Convert.ToHexStringLower(rough.GetHashAndReset()));

        void Add(ReadOnlyMemory<byte> bytes, OwnValues hidden)
        {
            exact.AppendData(bytes.Span);
            rough.AppendData(hidden.Hide(bytes).Span);
        }
    }

    private static (LineText Left, LineText Right, List<LineHunk> Hunks) Compare(MergeFile? before, MergeFile? after)
    {
        var table = new LineTable();
        var (left, right) = (table.Read(before?.Bytes ?? default), table.Read(after?.Bytes ?? default));
        return (left, right, new LineDiff(table.Count).Compare(left.Numbers, right.Numbers));
    }

    private static void Write(StringBuilder text, LineText left, LineText right, List<LineHunk> hunks, bool hasMarks)
    {
        var (first, last) = (hunks[0], hunks[^1]);
        var (start, end) = (Math.Max(0, first.LeftStart - Context), Math.Min(left.Count, last.LeftEnd + Context));
        var rightStart = first.RightStart - (first.LeftStart - start);
        var rightEnd = last.RightEnd + (end - last.LeftEnd);
        text.Append(CultureInfo.InvariantCulture, $"@@ -{Range(start, end)} +{Range(rightStart, rightEnd)} @@\n");
        var at = start;
        foreach (var hunk in hunks)
        {
            Lines(' ', left, at, hunk.LeftStart);
            Lines('-', left, hunk.LeftStart, hunk.LeftEnd);
            Lines('+', right, hunk.RightStart, hunk.RightEnd);
            at = hunk.LeftEnd;
        }
        Lines(' ', left, at, end);

        void Lines(char sign, LineText lines, int from, int to)
        {
            for (var i = from; i < to; i++)
            {
                var line = Encoding.UTF8.GetString(lines.Slice(i, 1).Span);
                text.Append(sign).Append(hasMarks && line.EndsWith("\r\n", StringComparison.Ordinal) ? line[..^2] + "\\r\n" : line);
                if (!line.EndsWith('\n')) text.Append("\n\\ No newline at end of file\n");
            }
        }
    }

    private static string Range(int start, int end) => string.Create(CultureInfo.InvariantCulture,
        $"{(end > start ? start + 1 : start)},{end - start}");

    /// <summary>Some line ends with CR LF, or with LF alone.</summary>
    private static bool HasLineEndOf(LineText text, bool isWindows)
    {
        for (var i = 0; i < text.Count; i++)
        {
            var line = text.Slice(i, 1).Span;
            if (line[^1] == '\n' && line.EndsWith("\r\n"u8) == isWindows) return true;
        }
        return false;
    }

    private static bool IsText(MergeFile? file) => file is null || TextMerge.IsText(file.Bytes.Span);

    private static string Size(MergeFile? file) =>
        file is null ? "not there" : string.Create(CultureInfo.InvariantCulture, $"{file.Bytes.Length:N0} bytes");

    private static string Mode(TreeEntryKind kind) => kind switch
    {
        TreeEntryKind.ExecutableFile => "100755",
        TreeEntryKind.SymbolicLink => "120000",
        TreeEntryKind.Submodule => "160000",
        _ => "100644",
    };
}
