using System.Collections.Immutable;
using System.Text;
using System.Text.Json;
using Capillary.Core.Apply;
using Capillary.Core.Bundles;

namespace Capillary.Tests.Core.Apply;

internal sealed class CrashException : Exception;

/// <summary>
/// A site whose disk, files and services are dictionaries. Each durable write and each action is a point at which it can lose power:
/// then only <see cref="disk"/>, <see cref="Files"/> and <see cref="Services"/> are left.
/// </summary>
internal sealed class FakeSite(TestBundles bundles, Func<DesiredService, bool> healthy)
{
    private readonly Queue<ApplyEvent> inbox = new();
    private readonly HashSet<Digest> here = [];
    private readonly StringBuilder transcript = new();
    private string? disk;
    private ApplyState state = ApplyState.Initial;

    public Dictionary<string, Digest> Files { get; } = [];
    public Dictionary<string, Digest> Originals { get; } = [];
    public SortedSet<string> Folders { get; } = [];
    public Dictionary<string, DesiredService> Services { get; } = [];
    public FakeCluster Cluster { get; } = new();
    public List<Digest> Loads { get; } = [];
    public int Starts { get; private set; }
    public int Points { get; private set; }
    public int CrashAt { get; set; } = -1;
    public bool Offline { get; set; }
    public Func<Step, ApplyEvent.StepFailed?> Fault { get; set; } = _ => null;
    public DateTimeOffset Now { get; set; } = DateTimeOffset.UnixEpoch;
    public string Transcript => transcript.ToString();
    public ApplyState State => state;
    public ApplyStatus Status => ApplyStatus.Of(state);

    public void Tell(ApplyEvent happened) => inbox.Enqueue(happened);

    /// <summary>Starts a new process: what was not durable is gone.</summary>
    public void Boot()
    {
        inbox.Clear();
        state = disk is null ? ApplyState.Initial : JsonSerializer.Deserialize(disk, ApplyJson.Default.ApplyState)!;
        Tell(new ApplyEvent.Restarted());
    }

    /// <summary>Handles events and lets time go by: two hours, or one in which nothing happens.</summary>
    public void Settle()
    {
        for (var (minutes, quiet) = (0, 0); minutes < 120 && quiet < 60; minutes++, quiet++)
        {
            while (inbox.TryDequeue(out var next))
            {
                quiet = 0;
                Take(next);
            }
            Now += TimeSpan.FromMinutes(1);
            Take(new ApplyEvent.Tick());
            Drift();
        }
    }

    /// <summary>Handles what is in the inbox now, and what that leads to at once.</summary>
    public void Drain(int most = int.MaxValue)
    {
        while (most-- > 0 && inbox.TryDequeue(out var next)) Take(next);
    }

    private void Drift()
    {
        if (state.Objects is null) return;
        var gone = state.Owned.Where(o => o.Kind == OwnedKind.File && o.Digest is { } digest && Files.GetValueOrDefault(o.Path) != digest);
        if (gone.Select(o => new Drift(o, "edited")).ToImmutableArray() is { Length: > 0 } drifts) Tell(new ApplyEvent.DriftFound(drifts));
    }

    private void Point()
    {
        if (Points++ == CrashAt) throw new CrashException();
    }

    private void Take(ApplyEvent happened)
    {
        var before = state;
        var decision = ApplyMachine.Next(state, happened, Now);
        state = decision.State;
        if (happened is not ApplyEvent.Tick || decision.Actions.Length > 0 || before.Phase != state.Phase) Note(happened, decision);
        if (decision.Persist)
        {
            Point();
            disk = JsonSerializer.Serialize(state, ApplyJson.Default.ApplyState);
            Point();
        }
        foreach (var action in decision.Actions)
        {
            Point();
            Do(action);
            Point();
        }
    }

    private void Do(ApplyAction action)
    {
        switch (action)
        {
            case ApplyAction.Fetch fetch when Offline:
                Tell(new ApplyEvent.BlobsMissing(fetch.Desired.Since, "no parent"));
                break;
            case ApplyAction.Fetch fetch:
                here.Add(fetch.Desired.Bundle);
                if (fetch.Desired.Fallback is { } fallback) here.Add(fallback);
                Tell(new ApplyEvent.BlobsReady(fetch.Desired.Since));
                break;
            case ApplyAction.Load load:
                Assert(here.Contains(load.Bundle), $"{load.Bundle} is loaded before its blobs are here");
                Loads.Add(load.Bundle);
                Tell(BundleContent.Load(load.Bundle, bundles.Get) is BundleLoad.Loaded loaded
                    ? new ApplyEvent.Loaded(loaded.Content.ToDesired("/srv/site"))
                    : new ApplyEvent.LoadFailed(load.Bundle, ConditionCodes.BundleInvalid, "unreadable"));
                break;
            case ApplyAction.Do { Step: var step }:
                Tell(Fault(step) is { } fault ? fault : new ApplyEvent.StepDone(Make(step)));
                break;
            case ApplyAction.AskHealth:
                Tell(new ApplyEvent.HealthChanged(HealthNow()));
                break;
        }
    }

    private ImmutableArray<AppHealth> HealthNow() => [.. state.Objects!.Apps.Where(app => app.Services.Length + app.Objects.Length > 0)
        .Select(app => Cluster.IsHealthy(app) && app.Services.All(service => Services.TryGetValue(service.Key, out var running) && healthy(running))
            ? new AppHealth(app.Name, HealthState.Healthy, null)
            : new AppHealth(app.Name, HealthState.Unhealthy, "it does not answer"))];

    private ImmutableArray<OwnedObject> Make(Step step)
    {
        switch (step)
        {
            case Step.Stage stage:
                return [.. stage.Files.Where(f => state.Owned.Find($"File:{f.Path}") is null)
                    .Select(f => OwnedObject.Of(f, Files.TryGetValue(f.Path, out var there) && there != f.Digest)),
                    .. stage.Files.Select(f => f.Path[..f.Path.LastIndexOf('/')]).Where(p => p != "/srv/site" && !Folders.Contains(p))
                        .Distinct().Select(OwnedObject.Folder)];
            case Step.WriteFile { File: var file } write:
                if (write.Original && Files.TryGetValue(file.Path, out var foreign)) Originals.TryAdd(file.Path, foreign);
                if (file.Path[..file.Path.LastIndexOf('/')] is var folder && folder != "/srv/site") Folders.Add(folder);
                Files[file.Path] = file.Digest;
                return [OwnedObject.Of(file, write.Original) with { Digest = file.Digest, Mark = "m" }];
            case Step.RemoveFile { Owned: var owned }:
                if (Originals.Remove(owned.Path, out var original)) Files[owned.Path] = original;
                else if (!owned.Original) Files.Remove(owned.Path);
                return [];
            case Step.RemoveFolder { Owned: var owned }:
                Folders.Remove(owned.Path);
                return [];
            case Step.RemoveService { Owned: var owned }:
                Services.Remove($"{owned.App}/{owned.Name}");
                return [];
            case Step.StartService { Service: var service }:
                // As the real host: the same specification already running is not started twice.
                if (Services.GetValueOrDefault(service.Key)?.SpecDigest != service.SpecDigest) Starts++;
                Services[service.Key] = service;
                return [OwnedObject.Of(service) with { Digest = service.SpecDigest }];
            default: return Cluster.Make(step);
        }
    }

    private void Note(ApplyEvent happened, ApplyDecision decision)
    {
        transcript.Append(Describe(happened)).Append('\n');
        transcript.Append($"    {state.Phase}{(decision.Persist ? ", durable" : "")}\n");
        foreach (var action in decision.Actions) transcript.Append($"    -> {Describe(action)}\n");
        foreach (var c in state.Conditions) transcript.Append($"    ! {c.Code} {c.Subject}: {Short(c.Text)}\n");
    }

    private static string Describe(ApplyEvent happened) => happened switch
    {
        ApplyEvent.Assigned { Desired: var d } =>
            $"Assigned since {d.Since}: {Short(d.Bundle.Text)}, fallback {Short(d.Fallback?.Text ?? "-")}",
        ApplyEvent.Loaded e => $"Loaded {Short(e.Objects.Bundle.Text)}",
        ApplyEvent.HealthChanged e => $"HealthChanged {string.Join(", ", e.Apps.Select(a => $"{a.App} {a.State}"))}",
        ApplyEvent.StepFailed e => $"StepFailed {e.Code} {e.Reason}",
        ApplyEvent.DriftFound e => $"DriftFound {string.Join(", ", e.Drifts.Select(d => d.Seen.Path))}",
        _ => happened.GetType().Name,
    };

    private static string Describe(ApplyAction action) => action switch
    {
        ApplyAction.Fetch a => $"Fetch {Short(a.Desired.Bundle.Text)}",
        ApplyAction.Load a => $"Load {Short(a.Bundle.Text)}",
        ApplyAction.Do { Step: Step.Stage s } => $"Stage {s.Files.Length} files",
        ApplyAction.Do { Step: Step.WriteFile s } => $"WriteFile {s.File.Path}{(s.Original ? " over a foreign file" : "")}",
        ApplyAction.Do { Step: Step.StartService s } => $"StartService {s.Service.Key}",
        ApplyAction.Do { Step: Step.RemoveFile s } => $"RemoveFile {s.Owned.Path}",
        ApplyAction.Do { Step: Step.RemoveFolder s } => $"RemoveFolder {s.Owned.Path}",
        ApplyAction.Do { Step: Step.RemoveService s } => $"RemoveService {s.Owned.Subject}",
        ApplyAction.Do a => FakeCluster.Describe(a.Step),
        _ => action.GetType().Name,
    };

    private static string Short(string text) =>
        System.Text.RegularExpressions.Regex.Replace(text, "sha256:([0-9a-f]{6})[0-9a-f]{58}", "$1");

    private static void Assert(bool holds, string message) => Xunit.Assert.True(holds, message);
}
