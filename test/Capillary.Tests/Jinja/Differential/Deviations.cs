namespace Capillary.Tests.Jinja.Differential;

/// <summary>
/// The differences that are meant, from <c>deviations.txt</c>: <c>D01 RULE: text</c>. The rule says which outcomes the deviation explains by
/// itself: <c>ours=KIND</c>, <c>theirs=KIND</c> (<c>text</c> for no error), <c>ours~PART</c> and <c>theirs~PART</c>, all of them, or all behind
/// one of several bars; or <c>tagged</c> for only the cases that name it.
/// </summary>
internal sealed class Deviations
{
    private readonly List<(string Id, string[] Rules)> _all = [];

    public static string File => Corpus.PathOf("deviations.txt");

    public IEnumerable<string> Ids => _all.Select(deviation => deviation.Id);

    public static Deviations Read()
    {
        var deviations = new Deviations();
        foreach (var line in System.IO.File.ReadLines(File).Where(line => line.StartsWith('D')))
        {
            var head = line[..line.IndexOf(':')];
            deviations._all.Add((head[..head.IndexOf(' ')], head[head.IndexOf(' ')..].Split('|')));
        }
        return deviations;
    }

    /// <summary>The deviation that explains the difference, or null.</summary>
    public string? Explain(JinjaCase one, Outcome ours, Outcome theirs)
    {
        if (one.Deviation is not null) return one.Deviation;
        return _all.Find(deviation => Array.Exists(deviation.Rules, rules => rules.Trim().Split(' ').All(rule => Holds(rule, ours, theirs)))).Id;
    }

    private static bool Holds(string rule, Outcome ours, Outcome theirs)
    {
        if (rule.StartsWith("ours=", StringComparison.Ordinal)) return (ours.Error ?? "text") == rule[5..];
        if (rule.StartsWith("theirs=", StringComparison.Ordinal)) return (theirs.Error ?? "text") == rule[7..];
        if (rule.StartsWith("ours~", StringComparison.Ordinal)) return (ours.Text ?? ours.Why).Contains(rule[5..].Replace('_', ' '), StringComparison.OrdinalIgnoreCase);
        return rule.StartsWith("theirs~", StringComparison.Ordinal)
            && (theirs.Text ?? theirs.Why).Contains(rule[7..].Replace('_', ' '), StringComparison.OrdinalIgnoreCase);
    }
}
