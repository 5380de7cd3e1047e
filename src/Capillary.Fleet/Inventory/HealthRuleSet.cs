using System.Collections.Immutable;
using Capillary.Core.Apply.Kubernetes;
using Capillary.Fleet.Documents;

namespace Capillary.Fleet.Inventory;

/// <summary>The fleet's health rules by group and kind. The same instance as long as no document of them changes.</summary>
public sealed class HealthRuleSet
{
    private readonly IReadOnlyList<HealthRulesDocument> documents;
    private readonly Dictionary<(string Group, string Kind), Located<HealthRule>> rules = [];
    private readonly Dictionary<(string Group, string Kind), string> texts = [];

    private HealthRuleSet(IReadOnlyList<HealthRulesDocument> documents) => this.documents = documents;

    /// <summary>No rules.</summary>
    public static HealthRuleSet None { get; } = new([]);

    internal static HealthRuleSet Of(IReadOnlyList<HealthRulesDocument> documents, HealthRuleSet? previous, List<Diagnostic> problems)
    {
        var set = new HealthRuleSet(documents);
        var files = new Dictionary<(string, string), string>();
        foreach (var document in documents)
        {
            foreach (var (rule, at) in document.Rules)
            {
                var kind = (rule.Group, rule.Kind);
                if (!set.rules.TryAdd(kind, new(rule, at)))
                {
                    problems.Add(Diagnostic.Error(DiagnosticCodes.DuplicateRule, document.File, at,
                        $"{NameOf(rule)} has a rule already, in {files[kind]}:{set.rules[kind].At.Line}", "keep one of the two"));
                    continue;
                }
                files[kind] = document.File;
                set.texts[kind] = KubernetesPolicyJson.Write(KubernetesPolicy.Default with { HealthRules = [rule] })!;
            }
        }
        return previous is not null && previous.documents.SequenceEqual(documents, ReferenceEqualityComparer.Instance) ? previous : set;
    }

    /// <summary>The rules of these kinds, by group and kind; no others, so that an app's bytes change with its own kinds only.</summary>
    internal ImmutableArray<HealthRule> For(IEnumerable<(string Group, string Kind)> kinds) =>
        [.. kinds.Distinct().Where(rules.ContainsKey).OrderBy(kind => kind.Group, StringComparer.Ordinal)
            .ThenBy(kind => kind.Kind, StringComparer.Ordinal).Select(kind => rules[kind].Value)];

    /// <summary>True when one of these kinds is read otherwise than under the other rules.</summary>
    internal bool Differs(HealthRuleSet other, IEnumerable<(string Group, string Kind)> kinds) =>
        kinds.Any(kind => texts.GetValueOrDefault(kind) != other.texts.GetValueOrDefault(kind));

    private static string NameOf(HealthRule rule) => rule.Group.Length == 0 ? rule.Kind : $"{rule.Group}/{rule.Kind}";
}
