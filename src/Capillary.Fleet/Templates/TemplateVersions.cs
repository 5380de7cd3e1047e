using System.Globalization;

namespace Capillary.Fleet.Templates;

/// <summary>A tag of a template repository.</summary>
/// <param name="Name">Such as <c>1.5</c> or <c>v1.5.0</c>.</param>
/// <param name="Commit">What it points at.</param>
public sealed record TemplateTag(string Name, string Commit);

/// <summary>The released versions of a template: its tags that are numbers with dots, after an optional <c>v</c>; <c>1.5-rc1</c> is
/// none.</summary>
public sealed class TemplateVersions
{
    private readonly List<(int[] Number, TemplateTag Tag)> releases;

    /// <param name="tags">All tags, in any order.</param>
    public TemplateVersions(IEnumerable<TemplateTag> tags) =>
        releases = [.. tags.Select(tag => (Number(tag.Name), tag)).Where(item => item.Item1 is not null)
            .Select(item => (item.Item1!, item.tag))
            .OrderBy(item => item.Item1, Comparer<int[]>.Create(Compare)).ThenBy(item => item.tag.Name, StringComparer.Ordinal)];

    /// <summary>The newest; null when nothing was released.</summary>
    public TemplateTag? Newest => releases.Count == 0 ? null : releases[^1].Tag;

    /// <summary>How many releases an instance is behind; null when its commit is no release's.</summary>
    public int? Behind(TemplateOrigin origin)
    {
        if (ReleaseOf(origin) is not { } number) return null;
        return releases.Select(item => item.Number).Where(item => Compare(item, number) > 0).Distinct(new SameNumber()).Count();
    }

    /// <summary>True when the first is a newer release than the other; false when one of them is no release.</summary>
    public bool IsNewer(TemplateOrigin origin, TemplateOrigin other) =>
        ReleaseOf(origin) is { } number && ReleaseOf(other) is { } against && Compare(number, against) > 0;

    /// <summary>What an origin calls itself, else the last release of its commit.</summary>
    private int[]? ReleaseOf(TemplateOrigin origin) =>
        Number(origin.Version) ?? releases.FindLast(item => item.Tag.Commit == origin.Commit).Number;

    private static int[]? Number(string name)
    {
        var parts = (name.StartsWith('v') ? name[1..] : name).Split('.');
        var number = new int[parts.Length];
        for (var i = 0; i < parts.Length; i++)
        {
            if (!int.TryParse(parts[i], NumberStyles.None, CultureInfo.InvariantCulture, out number[i])) return null;
        }
        return number;
    }

    private static int Compare(int[] left, int[] right)
    {
        for (var i = 0; i < Math.Max(left.Length, right.Length); i++)
        {
            var order = (i < left.Length ? left[i] : 0).CompareTo(i < right.Length ? right[i] : 0);
            if (order != 0) return order;
        }
        return 0;
    }

    private sealed class SameNumber : IEqualityComparer<int[]>
    {
        public bool Equals(int[]? x, int[]? y) => Compare(x!, y!) == 0;

        public int GetHashCode(int[] obj) => obj.Length == 0 ? 0 : obj[0];
    }
}
