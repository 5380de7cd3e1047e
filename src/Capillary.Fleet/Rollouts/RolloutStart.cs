using System.Collections.Immutable;
using Capillary.Core.Bundles;
using Capillary.Core.Identity;

namespace Capillary.Fleet.Rollouts;

/// <summary>What an operator says of a start.</summary>
/// <param name="By">Who.</param>
/// <param name="Policy">This policy for every site, in place of the ones that the fleet repository names; null: those.</param>
/// <param name="IsEmergency">Neither windows nor freezes nor sites that are at an earlier release keep it waiting.</param>
public sealed record StartOrder(string By, string? Policy, bool IsEmergency);

/// <summary>Begins rollouts: decides which sites are in them, and in which wave.</summary>
internal static class RolloutStart
{
    /// <summary>Who starts a rollout that no operator starts.</summary>
    public const string ByPolicy = "policy";

    /// <summary>Why the newest release does not start by itself now; null: it does.</summary>
    public static string? Keeps(PlannerInputs inputs, RolloutStatus running)
    {
        var release = inputs.Release!;
        var policies = Policies(inputs, running).Select(release.Policies.Of).ToList();
        if (policies.Find(policy => policy.StartsByHand) is { } manual)
            return $"policy '{manual.Name}' starts by hand: capillary rollout start";
        if (running.Phase is not (RolloutPhase.Rolling or RolloutPhase.Paused) || inputs.Rollout is not { } before) return null;
        if (policies.Count > 0 && policies.TrueForAll(policy => policy.IsEmergency)) return null;
        var target = inputs.Target ?? release;
        var ahead = before.Members.Values.Select(member => target.Policies.Of(member.Policy)).DistinctBy(policy => policy.Name)
            .Where(policy => policies.Count > 0 && policy.Priority > policies.Min(other => other.Priority))
            .MaxBy(policy => policy.Priority);
        return ahead is null ? null
            : $"the rollout of release {before.Release} goes first: its policy '{ahead.Name}' has priority {ahead.Priority}";
    }

    /// <summary>The rollout of the newest release. One that is under way ends: sites that it did not start skip to this one.</summary>
    public static RolloutState Forward(PlannerInputs inputs, RolloutStatus running, StartOrder order, DateTimeOffset now)
    {
        var release = inputs.Release!;
        var before = inputs.Rollout;
        var members = new List<KeyValuePair<SiteId, RolloutMember>>();
        foreach (var (site, released, carried) in AllCarried(inputs, running))
        {
            var policy = order.Policy ?? PolicyOf(site, released, carried.Policy, inputs);
            var group = released.Choices.For(policy).Group;
            members.Add(new(site, carried with { Policy = policy, Group = group }));
        }
        return new RolloutState((before?.Id ?? 0) + 1, release.Number, now, order.By)
        {
            Considered = release.Number,
            Base = BaseOf(before),
            IsEmergency = order.IsEmergency,
            Members = Waves(members, release).ToImmutableSortedDictionary(),
            // Who paused the fleet did not mean only the commit of that day.
            Paused = order.By == ByPolicy ? before?.Paused : null,
            Overtook = Overtook(inputs, running, order.IsEmergency),
        };
    }

    /// <summary>
    /// The way back: every site that holds something else than the older release gives it, whichever rollout brought it there. One that
    /// holds nothing yet is left alone.
    /// </summary>
    public static RolloutState Back(PlannerInputs inputs, TargetRelease older, string by, DateTimeOffset now)
    {
        var before = inputs.Rollout!;
        var members = older.Sites.Where(site => inputs.Lines.TryGetValue(site.Key, out var line) && line.Bundle != site.Value.Bundle)
            .Select(site =>
            {
                var policy = before.Members.GetValueOrDefault(site.Key)?.Policy ?? older.Policies.DefaultName;
                return KeyValuePair.Create(site.Key, new RolloutMember(policy, 0, site.Value.Choices.For(policy).Group));
            });
        return new RolloutState(before.Id + 1, older.Number, now, by)
        {
            Kind = RolloutKind.Back,
            Considered = Math.Max(before.Considered, inputs.Release?.Number ?? 0),
            Base = older.Number,
            Members = members.ToImmutableSortedDictionary(),
            Overtook = $"takes back rollout {before.Id} of release {before.Release}",
        };
    }

    /// <summary>The release to which a rollback of what comes next would lead: the last one that was reached.</summary>
    private static long BaseOf(RolloutState? before) => before is null ? 0 : before.CompletedAt is not null ? before.Release : before.Base;

    /// <summary>
    /// Of the sites whose bundle changes; where none does, of those whose gates are open still, so that a commit which changes nothing
    /// does not open by itself what was started by hand.
    /// </summary>
    private static IEnumerable<string> Policies(PlannerInputs inputs, RolloutStatus running)
    {
        var release = inputs.Release!;
        var changing = release.Sites.Where(site => inputs.Lines.GetValueOrDefault(site.Key)?.Bundle != site.Value.Bundle)
            .Select(site => (Site: site.Key, Released: site.Value, Carried: (string?)null));
        if (!changing.Any()) changing = AllCarried(inputs, running).Select(one => (one.Site, one.Released, (string?)one.Member.Policy));
        if (release.Policies.IsOne) changing = changing.Take(1);
        return changing.Select(one => PolicyOf(one.Site, one.Released, one.Carried, inputs)).Distinct();
    }

    private static string PolicyOf(SiteId site, ReleasedSite released, string? carried, PlannerInputs inputs)
    {
        var policies = inputs.Release!.Policies;
        if (policies.IsOne) return policies.DefaultName;
        var held = inputs.Lines.GetValueOrDefault(site)?.Bundle;
        if (held == released.Bundle && carried is { Length: > 0 } && policies.All.ContainsKey(carried)) return carried;
        return policies.OfChange(inputs.ChangedApps(held, released.Bundle));
    }

    /// <summary>The members that a rollout of the newest release has.</summary>
    private static IEnumerable<(SiteId Site, ReleasedSite Released, RolloutMember Member)> AllCarried(PlannerInputs inputs,
        RolloutStatus running)
    {
        var open = running.Waves.Where(wave => wave.Gate is not null).SelectMany(wave => wave.Sites).Select(one => one.Site).ToHashSet();
        foreach (var (site, released) in inputs.Release!.Sites)
        {
            if (Carried(site, released, inputs, open) is { } carried) yield return (site, released, carried);
        }
    }

    /// <summary>
    /// The site as a member, with what is remembered of it; null when the rollout is not for it: it holds the bundle, was healthy on it,
    /// and no gate that it belonged to is still open. Else a newer commit that leaves the canary alone would carry the change that the
    /// canary still tries past its gate.
    /// </summary>
    private static RolloutMember? Carried(SiteId site, ReleasedSite released, PlannerInputs inputs, HashSet<SiteId> open)
    {
        var line = inputs.Lines.GetValueOrDefault(site);
        var old = inputs.Rollout is { Kind: RolloutKind.Forward } before ? before.Members.GetValueOrDefault(site) : null;
        if (line?.Bundle != released.Bundle) return new RolloutMember("", 0, null) { WaitingSince = old?.WaitingSince };
        if (old is not null && open.Contains(site)) return old;
        var evidence = inputs.Evidence.GetValueOrDefault(site) ?? SiteEvidence.None;
        return evidence.LastHealthy == released.Bundle ? null : old ?? new RolloutMember("", 0, null);
    }

    /// <summary>Gives each member its wave: the first whose selector chooses it, or that has room for it.</summary>
    private static IEnumerable<KeyValuePair<SiteId, RolloutMember>> Waves(List<KeyValuePair<SiteId, RolloutMember>> members,
        TargetRelease release)
    {
        foreach (var track in members.GroupBy(member => member.Value.Policy, StringComparer.Ordinal))
        {
            var policy = release.Policies.Of(track.Key);
            var all = track.Select(member => (member.Key, member.Value,
                Chosen: release.Sites[member.Key].Choices.For(track.Key).Waves)).ToList();
            var total = all.Count;
            // Spread over regions and names, and the same at each look.
            if (policy.Waves.Any(wave => wave.Size is not null)) all = [.. all.OrderBy(one => OrderOf(one.Key)).ThenBy(one => one.Key)];
            for (var i = 0; i < policy.Waves.Count; i++)
            {
                var size = policy.Waves[i].Size;
                var most = size is null ? int.MaxValue : size.IsPercent ? Math.Max(1, size.Of(total)) : size.Number;
                var rest = new List<(SiteId Key, RolloutMember Value, int Chosen)>();
                foreach (var one in all)
                {
                    if (most > 0 && (size is not null || (one.Chosen >> i & 1) == 1))
                    {
                        most--;
                        yield return KeyValuePair.Create(one.Key, one.Value with { Wave = i });
                    }
                    else
                    {
                        rest.Add(one);
                    }
                }
                all = rest;
            }
            foreach (var one in all) yield return KeyValuePair.Create(one.Key, one.Value with { Wave = policy.Waves.Count });
        }
    }

    private static string OrderOf(SiteId site) => Digest.Of(System.Text.Encoding.UTF8.GetBytes(site.Value)).Hex;

    private static string? Overtook(PlannerInputs inputs, RolloutStatus running, bool isEmergency)
    {
        if (inputs.Rollout is not { } before || running.Phase is RolloutPhase.Complete or RolloutPhase.Idle) return null;
        var target = (inputs.Target ?? inputs.Release!).Sites;
        var (started, all) = (before.Members.Keys.Count(site => inputs.Lines.TryGetValue(site, out var line)
            && line.Bundle == target.GetValueOrDefault(site)?.Bundle), before.Members.Count);
        var phase = running.Phase.ToString().ToLowerInvariant();
        return $"takes the place of rollout {before.Id} of release {before.Release}, which was {phase} with "
            + $"{started} of {all} sites started; " + (isEmergency ? "they get this one at once" : "those finish first");
    }
}
