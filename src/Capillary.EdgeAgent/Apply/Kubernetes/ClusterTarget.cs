using System.Collections.Immutable;
using Capillary.Core.Apply;
using Capillary.Core.Apply.Kubernetes;
using Capillary.Core.Bundles;
using Microsoft.Extensions.Logging;

namespace Capillary.EdgeAgent.Apply.Kubernetes;

/// <summary>Applies to a Kubernetes cluster: server-side apply of what the bundle holds, watches for what comes of it.</summary>
internal sealed class ClusterTarget : IApplyTarget, IDisposable
{
    /// <summary>Notes about single objects that one step tells, at most.</summary>
    private const int MostNotes = 16;

    private readonly int maxPrunePercent;
    private readonly ILogger log;
    private readonly TimeProvider time;
    private readonly BundleReader bundles;
    private readonly KubeClient client;
    private readonly KubeDiscovery discovery;
    private readonly ClusterView view = new();
    private readonly ClusterInventory inventory;
    private readonly ClusterDrift drift;
    private readonly Dictionary<WatchedKind, (ClusterWatch Watch, Task Running)> watches = [];
    private ApplyPort port = null!;
    private CancellationTokenSource? stepping;
    private OffLoop work = null!;
    private BundleContent? content;
    private string judgedBy = "";
    private bool remembered;

    /// <param name="site">The site's name; part of the label of its inventories.</param>
    /// <param name="connection">The cluster.</param>
    /// <param name="maxPrunePercent">The share of owned objects that may go without a confirmation, 0 to 100.</param>
    /// <param name="blobs">The path of a local blob, or null.</param>
    /// <param name="time">The clock.</param>
    /// <param name="log">Events 4050–4079.</param>
    public ClusterTarget(string site, KubeConnection connection, int maxPrunePercent, Func<Digest, string?> blobs, TimeProvider time,
        ILogger log)
    {
        (this.maxPrunePercent, this.time, this.log) = (maxPrunePercent, time, log);
        bundles = new BundleReader(blobs);
        client = new KubeClient(connection, time);
        discovery = new KubeDiscovery(client);
        inventory = new ClusterInventory(client, connection.Namespace, site);
        drift = new ClusterDrift(client, discovery, view, bundles, log);
    }

    /// <summary>Requests sent so far.</summary>
    public long Requests => client.Requests;

    public void Begin(ApplyPort given, DateTimeOffset now) => (port, work) = (given, new OffLoop(given, log));

    public void Beat(ApplyState state, DateTimeOffset now)
    {
        var isShown = state.Conditions.Any(condition => condition.Code == ConditionCodes.ClusterUnreachable);
        if (client.Unreachable is { } why)
        {
            if (!isShown) port.Tell(new ApplyEvent.Raised(ConditionCodes.ClusterUnreachable, "", why));
            return;
        }
        if (isShown && client.Requests > 0) port.Tell(new ApplyEvent.Cleared(ConditionCodes.ClusterUnreachable, ""));
        TellProblem(state);
        if (state.InFlight is null && state.Steps.IsEmpty && work.IsIdle) content = null;
        var changed = view.TakeChanged();
        if (changed.Count > 0 && state.Objects is not null) port.Tell(new ApplyEvent.HealthChanged(HealthNow(state)));
        if (drift.Find(state, changed, port.Stop) is { IsEmpty: false } found) port.Tell(new ApplyEvent.DriftFound(found));
    }

    public void Load(Digest bundle, ApplyState state)
    {
        Work(
            async () =>
            {
                var read = bundles.Read(bundle);
                var desired = read.ToDesired("/") with { MaxPrunePercent = maxPrunePercent };
                if (desired.Apps.FirstOrDefault(app => !app.Files.IsEmpty || !app.Services.IsEmpty) is { } wrong)
                {
                    return new ApplyEvent.LoadFailed(bundle, ConditionCodes.BundleInvalid,
                        $"app '{wrong.Name}' has Files or Services, and this site is a Kubernetes cluster");
                }
                if (!remembered) await RememberAsync(state, port.Stop);
                content = read;
                Judge([.. read.Apps.SelectMany(app => app.Cluster.Policy.HealthRules)]);
                // By the versions that the bundle speaks; by that in which it was made, what has left it.
                Watch(state.Owned.Where(item => item.Kind is OwnedKind.Object or OwnedKind.Hook).Select(item => item.Ref)
                    .Concat(desired.Apps.SelectMany(app => app.Objects).Select(value => value.Manifest.Ref)));
                return new ApplyEvent.Loaded(desired);
            },
            e => new ApplyEvent.LoadFailed(bundle, e.Code, e.Message));
    }

    public void Do(Step step, ApplyState state, DateTimeOffset now)
    {
        var bundle = state.Objects!.Bundle;
        stepping?.Dispose();
        stepping = CancellationTokenSource.CreateLinkedTokenSource(port.Stop);
        var cancel = stepping.Token;
        // A list of what is ours now: a namespace is not deleted while it holds anything else.
        var ours = state.Owned.Where(item => item.Mark is not null).Select(item => FieldOwners.UidOf(item.Mark))
            .ToHashSet(StringComparer.Ordinal);
        var told = 0;
        // A thousand notes would say no more, and push out what else is shown.
        void Note(ApplyEvent.Raised note)
        {
            if (Interlocked.Increment(ref told) <= MostNotes) port.Send(note);
        }
        var wait = new ViewWait(view, client, time);
        var pruning = new ClusterPruning(client, discovery, wait, ours, Note, log);
        var steps = new ClusterSteps(client, discovery, wait, pruning, inventory, Note, time, log);
        Work(
            async () =>
            {
                var read = content is { } held && held.Digest == bundle ? held : content = bundles.Read(bundle);
                var made = await steps.DoAsync(step, value => read.Apps.First(app => app.Name == value.App).Cluster, cancel);
                if (step is Step.ApplyObjects) Nudge();
                return new ApplyEvent.StepDone(made);
            },
            e => new ApplyEvent.StepFailed(e.Code, e.Subject, e.Message, e.Final));
    }

    public void Abandon() => stepping?.Cancel();

    public ImmutableArray<AppHealth> HealthNow(ApplyState state) => state.Objects is not { } objects ? []
        : [.. objects.Apps.Where(app => !app.Objects.IsEmpty).Select(app => HealthSum.Of(app, of => view.Find(of, out _)?.Health,
            of => view.Find(of, out _) is not null))];

    public async Task EndAsync()
    {
        await work.EndAsync();
        await Task.WhenAll(watches.Values.Select(watch => watch.Running));
        await drift.EndAsync();
        Dispose();
    }

    public void Dispose()
    {
        stepping?.Dispose();
        client.Dispose();
    }

    /// <summary>What a watch may not see is told, and what it sees again is not.</summary>
    private void TellProblem(ApplyState state)
    {
        string? problem;
        lock (watches) problem = watches.Values.Select(item => item.Watch.Problem).FirstOrDefault(text => text is not null);
        var told = state.Conditions.FirstOrDefault(item => item.Code == ConditionCodes.NotPermitted && item.Subject.Length == 0)?.Text;
        if (told == problem) return;
        port.Tell(problem is null ? new ApplyEvent.Cleared(ConditionCodes.NotPermitted, "")
            : new ApplyEvent.Raised(ConditionCodes.NotPermitted, "", problem));
    }

    /// <summary>An agent whose disk is new learns from the cluster what it owns.</summary>
    private async Task RememberAsync(ApplyState state, CancellationToken stop)
    {
        if (state.Owned.IsEmpty && await inventory.ReadAsync(stop) is { IsEmpty: false } known)
        {
            KubeLog.Remembered(log, known.Length);
            port.Send(new ApplyEvent.Remembered(known));
        }
        remembered = true;
    }

    private void Watch(IEnumerable<ObjectRef> wanted)
    {
        var newest = new Dictionary<WatchedKind, ObjectRef>();
        foreach (var of in wanted) newest[WatchedKind.Of(of)] = of;
        lock (watches)
        {
            foreach (var (kind, of) in newest)
            {
                if (watches.TryGetValue(kind, out var known))
                {
                    known.Watch.Use(of);
                    continue;
                }
                var watch = new ClusterWatch(client, discovery, view, of, time, log);
                watches[kind] = (watch, Task.Run(() => watch.RunAsync(port.Stop), CancellationToken.None));
            }
        }
    }

    /// <summary>By other rules, what was seen has another health: all is listed again.</summary>
    private void Judge(IReadOnlyList<HealthRule> rules)
    {
        var text = KubernetesPolicyJson.Write(KubernetesPolicy.Default with { HealthRules = [.. rules] }) ?? "";
        if (text == judgedBy) return;
        (view.Rules, judgedBy) = (rules, text);
        lock (watches)
        {
            foreach (var (watch, _) in watches.Values) watch.ListAgain();
        }
    }

    private void Nudge()
    {
        lock (watches)
        {
            foreach (var (watch, _) in watches.Values) watch.Nudge();
        }
    }

    private void Work(Func<Task<ApplyEvent>> act, Func<StepException, ApplyEvent> failed) => work.Run(
        async () =>
        {
            try
            {
                return await act();
            }
            catch (KubeUnreachableException e)
            {
                throw new StepException(ConditionCodes.ClusterUnreachable, "", e.Message, false);
            }
            catch (KubeException e)
            {
                throw e.ToStep(null);
            }
        },
        failed);
}
