using System.Collections.Immutable;

namespace Capillary.Core.Apply.Kubernetes;

/// <summary>What <see cref="ClusterPlanner"/> decided.</summary>
/// <param name="Steps">In order; empty when nothing differs.</param>
/// <param name="Held">Why what left the bundle is not removed; null: nothing is held back.</param>
public sealed record ClusterPlan(ImmutableArray<Step> Steps, string? Held);

/// <summary>Desired x owned -> ordered steps in a cluster. What is unchanged gets no step, and so no request.</summary>
public static class ClusterPlanner
{
    private const int First = -1;
    private const string Word = "; it stays until: capillary site confirm-prune NAME";

    /// <summary>
    /// Dry run of what changes; CRDs and namespaces of all apps; then app by app: pre hooks, order by order its objects by kind, each
    /// order healthy before the next, post hooks; last, when all is healthy, what left the bundle goes, backwards.
    /// </summary>
    /// <param name="desired">The bundle's objects.</param>
    /// <param name="owned">The site's inventory.</param>
    /// <param name="run">Tells one run of a hook from the next.</param>
    /// <param name="confirmed">An operator allowed any number of removals.</param>
    /// <param name="due">Apps whose list in the cluster may not say what is owned.</param>
    public static ClusterPlan Plan(DesiredObjects desired, ImmutableArray<OwnedObject> owned, string run, bool confirmed,
        ImmutableArray<string> due)
    {
        var leftovers = Leftovers(desired, owned);
        var held = confirmed ? null : Held(leftovers, owned, desired.MaxPrunePercent);
        var asking = confirmed ? [] : leftovers.Where(Asks).ToImmutableArray();
        var removed = held is not null ? [] : leftovers.RemoveRange(asking);
        if (held is null && asking.Length > 0)
            held = $"{Named(asking)}: its annotations ask for a confirmation before it goes{Word}";
        var work = desired.Apps.Select(app => Work.Of(app, owned)).Where(work => work.Any).ToList();
        if (work.Count == 0 && removed.IsEmpty && due.IsEmpty) return new([], held);
        var steps = ImmutableArray.CreateBuilder<Step>();
        var tried = work.SelectMany(item => item.Objects).Where(value => owned.Find(value.Key)?.Digest is not null).ToImmutableArray();
        if (tried.Length > 0) steps.Add(new Step.TryObjects(desired.Bundle, tried));
        var touched = new SortedSet<string>(work.Where(item => item.Grows(owned)).Select(item => item.App.Name), StringComparer.Ordinal);
        steps.AddRange(touched.Select(app => new Step.KeepInventory(app, [])));
        Foundations(desired, work, steps);
        foreach (var item in work) item.AddTo(steps, desired.Bundle, run);
        if (removed.Length > 0)
        {
            foreach (var app in desired.Apps) Await(app, app.Objects, steps);
            steps.AddRange(Backwards(removed).Select(batch => new Step.RemoveObjects(batch, confirmed)));
        }
        var changed = work.Select(item => item.App.Name).Concat(removed.Select(item => item.App)).Concat(due)
            .Distinct(StringComparer.Ordinal).Order(StringComparer.Ordinal);
        steps.AddRange(changed.Select(app => new Step.KeepInventory(app, [])));
        return new(steps.ToImmutable(), held);
    }

    /// <summary>What an app's list in the cluster holds.</summary>
    public static ImmutableArray<OwnedObject> Inventory(ImmutableArray<OwnedObject> owned, string app) =>
        [.. owned.Where(item => IsOfCluster(item) && item.App == app)];

    internal static bool HasFailureHooks(DesiredObjects desired) => !FailureHooks(desired, "").IsEmpty;

    /// <summary>The on-failure hooks of all apps, however often they ran: each failure is one of its own.</summary>
    internal static ImmutableArray<Step> FailureHooks(DesiredObjects desired, string run) =>
        [.. desired.Apps.SelectMany(app => Work.Of(app, []).Hooks(HookPhases.Failure, desired.Bundle, run))];

    private static bool IsOfCluster(OwnedObject item) => item.Kind is OwnedKind.Object or OwnedKind.Hook;

    private static ImmutableArray<OwnedObject> Leftovers(DesiredObjects desired, ImmutableArray<OwnedObject> owned)
    {
        if (!owned.Any(IsOfCluster)) return [];
        var keep = desired.Apps.SelectMany(app => app.Objects).Select(value => value.Key).ToHashSet(StringComparer.Ordinal);
        return [.. owned.Where(item => IsOfCluster(item) && !keep.Contains(item.Key))];
    }

    private static string? Held(ImmutableArray<OwnedObject> leftovers, ImmutableArray<OwnedObject> owned, int percent)
    {
        var count = leftovers.Count(item => item.Kind == OwnedKind.Object);
        var all = owned.Count(item => item.Kind == OwnedKind.Object);
        if (count * 100L <= all * (long)percent) return null;
        return $"{count} of {all} objects left the bundle ({Named([.. leftovers.Where(item => item.Kind == OwnedKind.Object)])}), "
            + $"more than the {percent}% that may be removed without a confirmation{Word}";
    }

    private static bool Asks(OwnedObject item) =>
        item.Kind == OwnedKind.Object && ((ManifestOptions)item.Mode).HasFlag(ManifestOptions.ConfirmPrune);

    private static string Named(ImmutableArray<OwnedObject> items) =>
        string.Join(", ", items.Take(3).Select(item => item.Subject)) + (items.Length > 3 ? ", …" : "");

    /// <summary>Namespaces and CRDs that ask for no order of their own come before anything of any app.</summary>
    private static void Foundations(DesiredObjects desired, List<Work> work, ImmutableArray<Step>.Builder steps)
    {
        foreach (var kind in (string[])["Namespace", "CustomResourceDefinition"])
        {
            var found = work.SelectMany(item => item.Objects).Where(value => IsFoundation(value) && value.Manifest.Ref.Kind == kind)
                .ToImmutableArray();
            if (found.IsEmpty) continue;
            steps.Add(new Step.ApplyObjects(desired.Bundle, found));
            steps.Add(new Step.AwaitObjects(found, work.Max(item => item.App.HealthDeadlineSeconds)));
        }
    }

    private static bool IsFoundation(DesiredObject value) => value.Manifest.Order <= 0
        && value.Manifest.Ref is { Group: "", Kind: "Namespace" } or { Group: "apiextensions.k8s.io", Kind: "CustomResourceDefinition" };

    private static void Await(DesiredApp app, IEnumerable<DesiredObject> objects, ImmutableArray<Step>.Builder steps)
    {
        var waited = objects.Where(value => !value.Manifest.IsHook && !value.Manifest.Options.HasFlag(ManifestOptions.IgnoreHealth))
            .ToImmutableArray();
        if (waited.Length > 0) steps.Add(new Step.AwaitObjects(waited, app.HealthDeadlineSeconds));
    }

    /// <summary>Batches of one app's order and kind, the last made first. A hook's object goes with them.</summary>
    private static IEnumerable<ImmutableArray<OwnedObject>> Backwards(ImmutableArray<OwnedObject> removed) => removed
        .GroupBy(item => Rank(item.Ref.Kind)).OrderByDescending(batch => batch.Key)
        .Select(batch => batch.OrderByDescending(item => item.Order).ToImmutableArray());

    private static int Rank(string kind) => kind is "Namespace" ? First : KubernetesOrder.RankOf(kind);

    /// <summary>What one app needs.</summary>
    /// <param name="App">The app.</param>
    /// <param name="Objects">Its objects that differ.</param>
    /// <param name="Due">Its hooks that have not run for what it is now.</param>
    private sealed record Work(DesiredApp App, ImmutableArray<DesiredObject> Objects, ImmutableArray<DesiredObject> Due)
    {
        public bool Any => Objects.Length > 0 || Due.Any(hook => hook.Manifest.Hook != HookPhases.Failure);

        public static Work Of(DesiredApp app, ImmutableArray<OwnedObject> owned)
        {
            var differ = app.Objects.Where(value => owned.Find(value.Key)?.Digest != value.Digest).ToLookup(value => value.Manifest.IsHook);
            return new(app, [.. differ[false]],
                [.. differ[true].Where(hook => !hook.Manifest.Hook.HasFlag(HookPhases.Never)).OrderBy(hook => hook.Manifest.Order)
                    .ThenBy(hook => KubernetesOrder.RankOf(hook.Manifest.Ref.Kind)).ThenBy(hook => hook.Key, StringComparer.Ordinal)]);
        }

        /// <summary>Whether something will be made that the app's list does not have yet.</summary>
        public bool Grows(ImmutableArray<OwnedObject> owned) => Objects.Concat(Due).Any(value => owned.Find(value.Key) is null);

        public IEnumerable<Step> Hooks(HookPhases phase, Bundles.Digest bundle, string run) => Due
            .Where(hook => hook.Manifest.Hook.HasFlag(phase)).Select(hook => Run(hook, phase, bundle, run));

        public void AddTo(ImmutableArray<Step>.Builder steps, Bundles.Digest bundle, string run)
        {
            steps.AddRange(Hooks(HookPhases.Pre, bundle, run));
            var during = Due.Where(hook => hook.Manifest.Hook.HasFlag(HookPhases.During)).ToList();
            var orders = Objects.Where(value => !IsFoundation(value)).Concat(during).GroupBy(value => value.Manifest.Order)
                .OrderBy(order => order.Key).ToList();
            for (var i = 0; i < orders.Count; i++)
            {
                if (i > 0) Await(App, orders[i - 1], steps);
                foreach (var kind in orders[i].GroupBy(value => KubernetesOrder.RankOf(value.Manifest.Ref.Kind)).OrderBy(kind => kind.Key))
                {
                    var plain = kind.Where(value => !value.Manifest.IsHook).ToImmutableArray();
                    if (plain.Length > 0) steps.Add(new Step.ApplyObjects(bundle, plain));
                    steps.AddRange(kind.Where(value => value.Manifest.IsHook).Select(hook => Run(hook, HookPhases.During, bundle, run)));
                }
            }
            var post = Hooks(HookPhases.Post, bundle, run).ToList();
            if (post.Count == 0) return;
            Await(App, App.Objects, steps);
            steps.AddRange(post);
        }

        private Step.RunHook Run(DesiredObject hook, HookPhases phase, Bundles.Digest bundle, string run) =>
            new(bundle, hook, $"{run}-{phase}", App.HealthDeadlineSeconds);
    }
}
