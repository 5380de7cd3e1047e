using System.Text;
using Capillary.Fleet.Compile;
using DiffPlex.DiffBuilder;
using DiffPlex.DiffBuilder.Model;

namespace Capillary.Cli;

/// <summary>What changes at a site, as a unified diff of its texts.</summary>
/// <param name="Text">With file headers and three lines of context.</param>
/// <param name="ChangedLines">Headers and changed lines only: equal for sites that change in the same way.</param>
internal sealed record SiteDiff(string Text, string ChangedLines)
{
    private const int Context = 3;

    public static SiteDiff Of(CompiledSite before, CompiledSite after)
    {
        var old = SiteText.Of(before).ToDictionary(item => item.Name, item => item.Text, StringComparer.Ordinal);
        var (text, changed) = (new StringBuilder(), new StringBuilder());
        foreach (var (name, now) in SiteText.Of(after))
        {
            if (!old.Remove(name, out var was)) was = "";
            if (was != now) File(name, was, now, text, changed);
        }
        foreach (var (name, was) in old.OrderBy(pair => pair.Key, StringComparer.Ordinal)) File(name, was, "", text, changed);
        return new SiteDiff(text.ToString(), changed.ToString());
    }

    private static void File(string name, string was, string now, StringBuilder text, StringBuilder changed)
    {
        var header = $"--- {(was.Length == 0 ? "/dev/null" : "a/" + name)}\n+++ {(now.Length == 0 ? "/dev/null" : "b/" + name)}\n";
        text.Append(header);
        changed.Append(header);
        if (was.EndsWith('\n') == now.EndsWith('\n') || was.Length == 0 || now.Length == 0)
            (was, now) = (WithoutLastEnd(was), WithoutLastEnd(now));
        var lines = new InlineDiffBuilder(new DiffPlex.Differ()).BuildDiffModel(was, now).Lines;
        var isKept = new bool[lines.Count];
        for (var index = 0; index < lines.Count; index++)
        {
            if (lines[index].Type == ChangeType.Unchanged) continue;
            changed.Append(Sign(lines[index])).Append(lines[index].Text).Append('\n');
            var last = Math.Min(lines.Count - 1, index + Context);
            for (var near = Math.Max(0, index - Context); near <= last; near++) isKept[near] = true;
        }
        Hunks(lines, isKept, text);
    }

    private static void Hunks(List<DiffPiece> lines, bool[] isKept, StringBuilder text)
    {
        var (oldLine, newLine) = (1, 1);
        for (var index = 0; index < lines.Count;)
        {
            if (!isKept[index])
            {
                index++;
                oldLine++;
                newLine++;
                continue;
            }
            var end = index;
            while (end < lines.Count && isKept[end]) end++;
            var hunk = lines.GetRange(index, end - index);
            var oldCount = hunk.Count(line => line.Type != ChangeType.Inserted);
            var newCount = hunk.Count(line => line.Type != ChangeType.Deleted);
            text.Append($"@@ -{(oldCount == 0 ? 0 : oldLine)},{oldCount} +{(newCount == 0 ? 0 : newLine)},{newCount} @@\n");
            foreach (var line in hunk) text.Append(Sign(line)).Append(line.Text).Append('\n');
            (oldLine, newLine, index) = (oldLine + oldCount, newLine + newCount, end);
        }
    }

    /// <summary>The end of the last line would be compared as an empty line of its own.</summary>
    private static string WithoutLastEnd(string text) => text.EndsWith('\n') ? text[..^1] : text;

    private static char Sign(DiffPiece line) => line.Type switch
    {
        ChangeType.Inserted => '+',
        ChangeType.Deleted => '-',
        _ => ' ',
    };
}
