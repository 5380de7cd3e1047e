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

    /// <summary>The differences of one file, as <c>diff -u</c> writes them.</summary>
    /// <param name="path">For the head.</param>
    /// <param name="before">Null: it was not there.</param>
    /// <param name="after">Null: it goes.</param>
    public static string Of(string path, MergeFile? before, MergeFile? after)
    {
        var text = new StringBuilder();
        text.Append(CultureInfo.InvariantCulture,
            $"--- {(before is null ? "/dev/null" : path)}\n+++ {(after is null ? "/dev/null" : path)}\n");
        if (before is not null && after is not null && before.Kind != after.Kind)
            text.Append(CultureInfo.InvariantCulture, $"mode {Mode(before.Kind)} -> {Mode(after.Kind)}\n");
        if (IsBinary(before) || IsBinary(after)) return text.Append("(binary)\n").ToString();
        var (left, right, hunks) = Compare(before, after);
        for (var i = 0; i < hunks.Count;)
        {
            var last = i;
            while (last + 1 < hunks.Count && hunks[last + 1].LeftStart - hunks[last].LeftEnd <= 2 * Context) last++;
            Write(text, left, right, hunks, i, last);
            i = last + 1;
        }
        return text.ToString();
    }

    /// <summary>A digest of the lines that come and go, and their files: the same where folders change alike, whatever stands around.
    /// </summary>
    public static string Key(IEnumerable<(string Path, MergeFile? Before, MergeFile? After)> changes)
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        foreach (var (path, before, after) in changes)
        {
            hash.AppendData(Encoding.UTF8.GetBytes($"{path}\0{before?.Kind}\0{after?.Kind}\0"));
            var (left, right, hunks) = Compare(before, after);
            foreach (var hunk in hunks)
            {
                hash.AppendData(Encoding.ASCII.GetBytes($"{hunk.LeftCount} {hunk.RightCount}\0"));
                hash.AppendData(left.Slice(hunk.LeftStart, hunk.LeftCount).Span);
                hash.AppendData(right.Slice(hunk.RightStart, hunk.RightCount).Span);
            }
        }
        return Convert.ToHexStringLower(hash.GetHashAndReset());
    }

    private static (LineText Left, LineText Right, List<LineHunk> Hunks) Compare(MergeFile? before, MergeFile? after)
    {
        var table = new LineTable();
        var (left, right) = (table.Read(before?.Bytes ?? default), table.Read(after?.Bytes ?? default));
        return (left, right, new LineDiff(table.Count).Compare(left.Numbers, right.Numbers));
    }

    private static void Write(StringBuilder text, LineText left, LineText right, List<LineHunk> hunks, int first, int last)
    {
        var (start, end) = (Math.Max(0, hunks[first].LeftStart - Context), Math.Min(left.Count, hunks[last].LeftEnd + Context));
        var rightStart = hunks[first].RightStart - (hunks[first].LeftStart - start);
        var rightEnd = hunks[last].RightEnd + (end - hunks[last].LeftEnd);
        text.Append(CultureInfo.InvariantCulture, $"@@ -{Range(start, end)} +{Range(rightStart, rightEnd)} @@\n");
        var at = start;
        for (var i = first; i <= last; i++)
        {
            Lines(text, ' ', left, at, hunks[i].LeftStart);
            Lines(text, '-', left, hunks[i].LeftStart, hunks[i].LeftEnd);
            Lines(text, '+', right, hunks[i].RightStart, hunks[i].RightEnd);
            at = hunks[i].LeftEnd;
        }
        Lines(text, ' ', left, at, end);
    }

    private static string Range(int start, int end) => string.Create(CultureInfo.InvariantCulture,
        $"{(end > start ? start + 1 : start)},{end - start}");

    private static void Lines(StringBuilder text, char sign, LineText lines, int start, int end)
    {
        for (var i = start; i < end; i++)
        {
            var line = Encoding.UTF8.GetString(lines.Slice(i, 1).Span);
            text.Append(sign).Append(line);
            if (!line.EndsWith('\n')) text.Append("\n\\ No newline at end of file\n");
        }
    }

    private static bool IsBinary(MergeFile? file) => file is not null && TextMerge.IsBinary(file.Bytes.Span);

    private static string Mode(TreeEntryKind kind) => kind switch
    {
        TreeEntryKind.ExecutableFile => "100755",
        TreeEntryKind.SymbolicLink => "120000",
        TreeEntryKind.Submodule => "160000",
        _ => "100644",
    };
}
