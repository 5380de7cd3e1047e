namespace Capillary.Jinja.Syntax;

/// <summary>Finds the name that was perhaps meant.</summary>
internal static class Spelling
{
    // Names longer than this are not misspelt, they are something else; and the table stays small.
    private const int Longest = 64;

    internal static string? Closest(string wrong, IEnumerable<string> names)
    {
        if (wrong.Length > Longest) return null;
        string? best = null;
        var bestDistance = Math.Max(1, wrong.Length / 3) + 1;
        foreach (var name in names)
        {
            if (Math.Abs(name.Length - wrong.Length) > bestDistance) continue;
            var distance = Distance(wrong, name);
            if (distance == 0 || distance > bestDistance) continue;
            if (distance == bestDistance && (best is null || string.CompareOrdinal(name, best) >= 0)) continue;
            best = name;
            bestDistance = distance;
        }
        return best;
    }

    // Optimal string alignment: a swap of neighbours counts once, as typing does it.
    private static int Distance(string a, string b)
    {
        if (b.Length > Longest) return int.MaxValue;
        var d = new int[a.Length + 1, b.Length + 1];
        for (var i = 0; i <= a.Length; i++) d[i, 0] = i;
        for (var j = 0; j <= b.Length; j++) d[0, j] = j;
        for (var i = 1; i <= a.Length; i++)
        {
            for (var j = 1; j <= b.Length; j++)
            {
                var cost = char.ToLowerInvariant(a[i - 1]) == char.ToLowerInvariant(b[j - 1]) ? 0 : 1;
                var least = Math.Min(Math.Min(d[i - 1, j] + 1, d[i, j - 1] + 1), d[i - 1, j - 1] + cost);
                if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1]) least = Math.Min(least, d[i - 2, j - 2] + 1);
                d[i, j] = least;
            }
        }
        return d[a.Length, b.Length];
    }
}
