using System.Text;
using Capillary.Fleet.Compile;
using Capillary.Fleet.Templates;
using Capillary.Fleet.Templates.Merging;

namespace Capillary.Cli;

/// <summary>What changes at a site, as a unified diff of its texts.</summary>
internal static class SiteDiff
{
    /// <summary>With file headers and three lines of context.</summary>
    public static string Text(CompiledSite before, CompiledSite after) =>
        string.Concat(Changes(before, after).Select(change => UnifiedDiff.Of(change.Name, change.Before, change.After)));

    /// <summary>Equal for sites that change in the same way, whatever stands around.</summary>
    public static string Key(CompiledSite before, CompiledSite after) => UnifiedDiff.Keys(Changes(before, after), OwnValues.None).Lines;

    private static IEnumerable<(string Name, MergeFile? Before, MergeFile? After)> Changes(CompiledSite before, CompiledSite after)
    {
        var same = before.Apps.Select(app => app.Descriptor.Digest).Intersect(after.Apps.Select(app => app.Descriptor.Digest)).ToHashSet();
        var old = SiteText.Of(before, same).ToDictionary(item => item.Name, item => item.Text, StringComparer.Ordinal);
        foreach (var (name, now) in SiteText.Of(after, same))
        {
            old.Remove(name, out var was);
            if (was != now) yield return (name, File(was), File(now));
        }
        foreach (var (name, was) in old.OrderBy(pair => pair.Key, StringComparer.Ordinal)) yield return (name, File(was), null);
    }

    private static MergeFile? File(string? text) => text is null ? null : MergeFile.Plain(Encoding.UTF8.GetBytes(text));
}
