namespace Capillary.Fleet.Documents;

/// <summary>Finds what was probably meant.</summary>
internal static class NearestName
{
    private const int MaxLength = 64;

    /// <summary><c>did you mean 'x'?</c>, or null when nothing known is near.</summary>
    public static string? Suggest(string wrong, IEnumerable<string> known) =>
        Find(wrong, known) is { } name ? $"did you mean '{name}'?" : null;

    /// <summary>The nearest known name within a third of its length, ties by ordinal order; or null.</summary>
    public static string? Find(string wrong, IEnumerable<string> known)
    {
        if (wrong.Length > MaxLength) return null;
        string? best = null;
        var bestDistance = int.MaxValue;
        foreach (var name in known.Where(name => name.Length <= MaxLength))
        {
            var distance = Distance(wrong.ToLowerInvariant(), name.ToLowerInvariant());
            if (distance > Math.Max(1, Math.Min(wrong.Length, name.Length) / 3)) continue;
            if (distance > bestDistance || (distance == bestDistance && string.CompareOrdinal(name, best) >= 0)) continue;
            (best, bestDistance) = (name, distance);
        }
        return best;
    }

    /// <summary>Edits (insert, delete, replace, swap of neighbours) from one text to the other.</summary>
    private static int Distance(string left, string right)
    {
        var table = new int[left.Length + 1, right.Length + 1];
        for (var i = 0; i <= left.Length; i++) table[i, 0] = i;
        for (var j = 0; j <= right.Length; j++) table[0, j] = j;
        for (var i = 1; i <= left.Length; i++)
        {
            for (var j = 1; j <= right.Length; j++)
            {
                var cost = left[i - 1] == right[j - 1] ? 0 : 1;
                var edits = Math.Min(Math.Min(table[i - 1, j], table[i, j - 1]) + 1, table[i - 1, j - 1] + cost);
                if (i > 1 && j > 1 && left[i - 1] == right[j - 2] && left[i - 2] == right[j - 1])
                    edits = Math.Min(edits, table[i - 2, j - 2] + 1);
                table[i, j] = edits;
            }
        }
        return table[left.Length, right.Length];
    }
}
