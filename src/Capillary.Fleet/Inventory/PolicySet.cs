using System.Text.Json;
using Capillary.Fleet.Documents;

namespace Capillary.Fleet.Inventory;

/// <summary>The rollout policies of one commit. Kept with its release, as JSON.</summary>
/// <param name="Default">The policy of whatever has none of its own; null: everything at once.</param>
/// <param name="All">Every policy, by name.</param>
/// <param name="OfApps">Apps that have a policy of their own.</param>
public sealed record PolicySet(string? Default, IReadOnlyDictionary<string, RolloutPolicy> All, IReadOnlyDictionary<string, string> OfApps)
{
    private const string AtOnce = "default";

    /// <summary>No policy at all: everything at once.</summary>
    public static PolicySet None { get; } = new(null, new Dictionary<string, RolloutPolicy>(), new Dictionary<string, string>());

    /// <summary>A fleet with one policy.</summary>
    public static PolicySet Only(RolloutPolicy policy) =>
        new(policy.Name, new Dictionary<string, RolloutPolicy> { [policy.Name] = policy }, new Dictionary<string, string>());

    /// <summary>Name of the policy of whatever has none of its own.</summary>
    public string DefaultName => Default ?? AtOnce;

    /// <summary>Whether one policy is for every change.</summary>
    public bool IsOne => OfApps.Values.All(name => name == DefaultName);

    /// <summary>The policy of this name; one without any rule when there is none.</summary>
    public RolloutPolicy Of(string name) => All.GetValueOrDefault(name) ?? new RolloutPolicy(name, []);

    /// <summary>The policy of a change of these apps: the one of lowest priority, then of the first name. Of no app: the default.</summary>
    public string OfChange(IEnumerable<string> apps) => apps.Select(app => OfApps.GetValueOrDefault(app) ?? DefaultName).Distinct()
        .OrderBy(name => Of(name).Priority).ThenBy(name => name, StringComparer.Ordinal).FirstOrDefault() ?? DefaultName;

    /// <summary>As it is kept; two sets are the same when this is.</summary>
    public string ToJson() => JsonSerializer.Serialize(this with
    {
        All = new SortedDictionary<string, RolloutPolicy>(All.ToDictionary(), StringComparer.Ordinal),
        OfApps = new SortedDictionary<string, string>(OfApps.ToDictionary(), StringComparer.Ordinal),
    });

    /// <summary>As it was kept.</summary>
    public static PolicySet FromJson(string json) => JsonSerializer.Deserialize<PolicySet>(json) ?? None;
}
