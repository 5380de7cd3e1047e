using System.Globalization;
using Capillary.Fleet.Documents;
using Capillary.Fleet.Inventory;

namespace Capillary.Fleet.Rollouts;

/// <summary>
/// What a site's labels say to the policies of its commit: which waves' selectors choose it, and to which group it belongs. One line of
/// text, so that a release keeps it beside the site's bundle without its labels: <c>POLICY=WAVES,GROUP;…</c>, WAVES a hexadecimal set of
/// bits from the first wave on.
/// </summary>
/// <param name="Text">That line; empty: no policy says anything of it.</param>
public readonly record struct SiteChoices(string Text)
{
    /// <summary>Chosen by the selector of one wave of one policy, or by none when <paramref name="wave"/> is null.</summary>
    public static SiteChoices Of(string policy, int? wave, string? group = null) =>
        new(Line(policy, wave is { } index ? 1 << index : 0, group));

    /// <summary>What these labels say to these policies.</summary>
    public static SiteChoices Of(PolicySet policies, IReadOnlyDictionary<string, string> labels) => new(string.Join(';', policies.All.Values
        .OrderBy(policy => policy.Name, StringComparer.Ordinal)
        .Select(policy => Line(policy.Name, Chosen(policy, labels),
            policy.GroupBy is { } label ? labels.GetValueOrDefault(label) : null))));

    /// <summary>The selectors that choose it and its group, as one policy sees it.</summary>
    public (int Waves, string? Group) For(string policy)
    {
        foreach (var part in (Text ?? "").Split(';'))
        {
            if (!part.StartsWith(policy, StringComparison.Ordinal) || part.Length <= policy.Length || part[policy.Length] != '=') continue;
            var rest = part.AsSpan(policy.Length + 1);
            var comma = rest.IndexOf(',');
            var waves = int.Parse(comma < 0 ? rest : rest[..comma], NumberStyles.HexNumber, CultureInfo.InvariantCulture);
            return (waves, comma < 0 ? null : rest[(comma + 1)..].ToString());
        }
        return (0, null);
    }

    private static int Chosen(RolloutPolicy policy, IReadOnlyDictionary<string, string> labels)
    {
        var chosen = 0;
        for (var i = 0; i < policy.Waves.Count; i++)
        {
            if (policy.Waves[i].Selector?.Matches(labels) == true) chosen |= 1 << i;
        }
        return chosen;
    }

    // Neither a name nor a label's value can hold one of the signs between.
    private static string Line(string policy, int waves, string? group) =>
        string.Create(CultureInfo.InvariantCulture, $"{policy}={waves:x}{(group is null ? "" : $",{group}")}");
}
