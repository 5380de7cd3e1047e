using System.Collections.Immutable;

namespace Capillary.Core.Apply.Kubernetes;

/// <summary>What is done when another field manager owns a field that the bundle sets.</summary>
public enum ConflictPolicy
{
    /// <summary>The field is taken over, and the other manager is named in a condition (default).</summary>
    Force,

    /// <summary>The field is left to the other manager, who is named in a condition.</summary>
    Leave,
}

/// <summary>How one app is applied to a cluster: <c>spec.kubernetes</c> of app.yaml, and the fleet's health rules for its kinds.</summary>
/// <param name="Namespace">Where objects go that name no namespace; <c>default</c> unless set.</param>
/// <param name="Conflicts">What is done about fields of others.</param>
/// <param name="IgnoreDifferences">Fields that others may change.</param>
/// <param name="HealthRules">The fleet's own rules for kinds of this app.</param>
public sealed record KubernetesPolicy(string Namespace, ConflictPolicy Conflicts,
    ImmutableArray<IgnoredDifference> IgnoreDifferences, ImmutableArray<HealthRule> HealthRules)
{
    /// <summary>What holds when app.yaml says nothing.</summary>
    public static KubernetesPolicy Default { get; } = new("default", ConflictPolicy.Force, [], []);

    /// <summary>JSON pointers (RFC 6901) of an object's fields that others may change, in ordinal order.</summary>
    public IReadOnlyList<string> IgnoredFor(ObjectRef of) => [.. IgnoreDifferences.Where(rule => rule.Fits(of))
        .SelectMany(rule => rule.JsonPointers).Distinct(StringComparer.Ordinal).Order(StringComparer.Ordinal)];
}

/// <summary>Fields that are set once and then left to others, as Argo CD's <c>ignoreDifferences</c>.</summary>
/// <param name="Group">API group of the objects meant; "" is the core group.</param>
/// <param name="Kind">Their kind.</param>
/// <param name="Name">Their name; null: every name.</param>
/// <param name="Namespace">Their namespace; null: every namespace.</param>
/// <param name="JsonPointers">RFC 6901, such as <c>/spec/replicas</c>.</param>
public sealed record IgnoredDifference(string Group, string Kind, string? Name, string? Namespace, ImmutableArray<string> JsonPointers)
{
    internal bool Fits(ObjectRef of) => Group == of.Group && Kind == of.Kind && (Name is null || Name == of.Name)
        && (Namespace is null || Namespace == of.Namespace);
}

/// <summary>How the health of a kind is read when there is no built-in rule, or in its place.</summary>
/// <param name="Group">API group; "" is the core group.</param>
/// <param name="Kind">Kind.</param>
/// <param name="Healthy">All hold: healthy.</param>
/// <param name="Degraded">All hold: degraded. Looked at first.</param>
/// <param name="Suspended">All hold: suspended. Looked at second. What fits nothing is progressing.</param>
/// <param name="MessagePath">Where the object says why; null: nowhere.</param>
public sealed record HealthRule(string Group, string Kind, ImmutableArray<HealthTest> Healthy, ImmutableArray<HealthTest> Degraded,
    ImmutableArray<HealthTest> Suspended, string? MessagePath);

/// <summary>One test of a <see cref="HealthRule"/>.</summary>
/// <param name="Path">JSONPath as kubectl writes it: <c>.status.conditions[?(@.type=="Ready")].status</c>.</param>
/// <param name="Operator">How the value is compared.</param>
/// <param name="Value">With what, as text (<see cref="JsonPath"/>); a comma list for <see cref="HealthOperator.In"/>; "" for
/// <see cref="HealthOperator.Exists"/> and its opposite.</param>
public sealed record HealthTest(string Path, HealthOperator Operator, string Value);

/// <summary>
/// See <see cref="HealthTest"/>. Of several values one that fits is enough. A path that leads nowhere fails every test but
/// <see cref="Missing"/> and <see cref="NotEquals"/>.
/// </summary>
public enum HealthOperator
{
    Equals,
    NotEquals,
    In,
    Exists,
    Missing,
    GreaterOrEqual,
    Less,
}
