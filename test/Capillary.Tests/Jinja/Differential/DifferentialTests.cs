using System.Text;
using Xunit;

namespace Capillary.Tests.Jinja.Differential;

/// <summary>
/// What we render is what the real Jinja2 renders in the same run, byte for byte, and what is an error there is one of the same kind here;
/// but for the deviations of <c>deviations.txt</c>.
/// </summary>
public sealed class DifferentialTests
{
    private const int Generated = 2500;

    /// <summary>Names the first seed of other templates than the usual ones, to look for differences by hand.</summary>
    private const string SeedVariable = "CAPILLARY_JINJA_SEED";

    [OracleFact]
    public void Renders_as_Jinja2_does()
    {
        using var oracle = Oracle.Start(Corpus.Context.GetRawText())
            ?? throw new InvalidOperationException("no Python with Jinja2 here: install python3-jinja2");
        var (context, deviations) = (Corpus.ContextValue, Deviations.Read());
        var first = int.TryParse(Environment.GetEnvironmentVariable(SeedVariable), out var given) ? given : 0;
        var (count, used, wrong) = (0, new SortedSet<string>(), new StringBuilder());
        foreach (var one in Corpus.Cases().Concat(Enumerable.Range(first, Generated).Select(Grammar.Case)))
        {
            var (ours, theirs) = (one.Render(context), oracle.Render(one));
            count++;
            var explained = ours.IsSameAs(theirs) ? null : deviations.Explain(one, ours, theirs);
            if (explained is not null) used.Add(explained);
            else if (!ours.IsSameAs(theirs)) wrong.AppendLine($"{one.Name}: {one.Source}\n  ours   {ours}\n  Jinja2 {theirs}");
            else if (one.Deviation is not null) wrong.AppendLine($"{one.Name}: {one.Source}\n  does not show deviation {one.Deviation} any more");
        }
        Assert.True(wrong.Length == 0, $"Jinja2 {oracle.Version}, seeds from {first}:\n{wrong}");
        Assert.True(count >= 3000, $"only {count} cases");
        Assert.Equal(deviations.Ids.Order(), used.Order());
    }

    [Fact]
    public void The_deviations_are_few_and_stand_in_the_README()
    {
        var lines = File.ReadLines(Deviations.File).Where(line => line.StartsWith('D')).ToList();
        Assert.InRange(lines.Count, 1, 20);
        var readme = string.Join(' ', File.ReadAllText(Corpus.PathOf("../../../../src/Capillary.Jinja/README.md")).Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries));
        foreach (var line in lines) Assert.Contains(line[(line.IndexOf(": ", StringComparison.Ordinal) + 2)..], readme, StringComparison.Ordinal);
    }
}

/// <summary>A test that needs the real Jinja2.</summary>
internal sealed class OracleFactAttribute : FactAttribute
{
    private static readonly Lazy<bool> IsThere = new(static () =>
    {
        using var oracle = Oracle.Start("{}");
        return oracle is not null;
    });

    public OracleFactAttribute()
    {
        // In CI it must be there: what .ci/run failed to install is a failure and no skip.
        if (Environment.GetEnvironmentVariable("CI") != "true" && !IsThere.Value) Skip = "needs Python with Jinja2: the package python3-jinja2";
    }
}
