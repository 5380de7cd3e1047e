using System.Collections.Immutable;
using Capillary.Core.Apply;
using Capillary.Core.Bundles;
using Capillary.Sim.Machine;

namespace Capillary.Sim.Nodes;

/// <summary>A service as the machine runs it.</summary>
internal sealed record RunningService(DesiredService Service, DateTimeOffset StartedAt);

/// <summary>
/// What stands and runs at a site, outside the agent: files, folders, services. It outlives the agent, and a step in flight when the agent
/// ends is done or not done.
/// </summary>
internal sealed class SimHost(World world, SimSite site, Prng chance)
{
    public const string Root = "/srv/site";
    private static readonly TimeSpan WarmUp = TimeSpan.FromSeconds(4);
    private Step? inFlight;

    public SortedDictionary<string, Digest> Files { get; } = new(StringComparer.Ordinal);
    public SortedSet<string> Folders { get; } = new(StringComparer.Ordinal);
    public SortedDictionary<string, RunningService> Services { get; } = new(StringComparer.Ordinal);

    /// <summary>Paths that somebody else changed and that were not repaired yet.</summary>
    public SortedSet<string> Drifted { get; } = new(StringComparer.Ordinal);

    /// <summary>Until then some steps fail.</summary>
    public DateTimeOffset FaultyUntil { get; set; }

    /// <summary>Until then its services do not answer.</summary>
    public DateTimeOffset SickUntil { get; set; }

    /// <summary>Until then steps take a minute.</summary>
    public DateTimeOffset SlowUntil { get; set; }

    /// <summary>Begins a step of <paramref name="agent"/>; answers when it is done.</summary>
    public void Begin(Process agent, Step step, Func<ApplyState> state, Action<ApplyEvent> answer)
    {
        world.Safety.StepBegins(site, step);
        inFlight = step;
        var took = world.Now < SlowUntil ? chance.Between(5, 60) : chance.Between(0.02, 0.5);
        agent.After(took, () =>
        {
            inFlight = null;
            if (Fault(step) is { } fault)
            {
                answer(fault);
                return;
            }
            var made = Make(step, state().Owned);
            world.Safety.StepEnded(site, step);
            answer(new ApplyEvent.StepDone(made));
        });
    }

    /// <summary>The agent ended; without power the services ended too and begin again with the machine.</summary>
    public void Interrupt(bool power)
    {
        if (inFlight is { } step && chance.Chance(0.5) && Fault(step) is null) Make(step, []);
        inFlight = null;
        if (!power) return;
        foreach (var (key, running) in Services.ToList()) Services[key] = running with { StartedAt = world.Now };
    }

    /// <summary>Health of every app of <paramref name="objects"/> that has services.</summary>
    public ImmutableArray<AppHealth> Health(DesiredObjects objects) =>
        [.. objects.Apps.Where(app => !app.Services.IsEmpty).Select(app => app.Services.All(IsHealthy)
            ? new AppHealth(app.Name, HealthState.Healthy, null)
            : new AppHealth(app.Name, HealthState.Unhealthy, "it does not answer"))];

    /// <summary>What of the owned files is not as the agent left it.</summary>
    public ImmutableArray<Drift> Drift(ApplyState state) =>
        [.. state.Owned.Where(item => item is { Kind: OwnedKind.File, Digest: not null } && Drifted.Contains(item.Path))
            .Select(item => new Drift(item, "edited"))];

    /// <summary>Somebody edits a file of ours.</summary>
    public void Edit(Prng by)
    {
        if (Files.Count == 0) return;
        var path = by.Pick([.. Files.Keys]);
        Files[path] = Digest.Of("edited by hand"u8);
        Drifted.Add(path);
    }

    private bool IsHealthy(DesiredService service) => world.Now >= SickUntil && Services.TryGetValue(service.Key, out var running)
        && running.Service.SpecDigest == service.SpecDigest && world.Now - running.StartedAt >= WarmUp
        && service.Object.Command[1] == nameof(Behaviour.Good);

    private ApplyEvent.StepFailed? Fault(Step step)
    {
        if (step is Step.Stage && site.Disk.Full) return new(ConditionCodes.DiskFull, Root, "too little space", false);
        if (step is Step.StartService { Service: var service } && service.Object.Command[1] == nameof(Behaviour.NoSuchProgram))
            return new(ConditionCodes.ApplyFailed, service.Key, "no such program", true);
        if (world.Now < FaultyUntil && chance.Chance(0.4)) return new(ConditionCodes.ApplyFailed, "", "input/output error", false);
        return null;
    }

    private ImmutableArray<OwnedObject> Make(Step step, ImmutableArray<OwnedObject> owned)
    {
        switch (step)
        {
            case Step.Stage stage:
                return Stage(stage, owned);
            case Step.WriteFile { File: var file } write:
                Folders.UnionWith(FoldersOf(file.Path));
                Files[file.Path] = file.Digest;
                Drifted.Remove(file.Path);
                return [OwnedObject.Of(file, write.Original) with { Digest = file.Digest }];
            case Step.RemoveFile { Owned: var gone }:
                Files.Remove(gone.Path);
                Drifted.Remove(gone.Path);
                return [];
            case Step.RemoveFolder { Owned: var gone }:
                if (!Files.Keys.Any(path => path.StartsWith(gone.Path + "/", StringComparison.Ordinal))) Folders.Remove(gone.Path);
                return [];
            case Step.RemoveService { Owned: var gone }:
                Services.Remove($"{gone.App}/{gone.Name}");
                return [];
            case Step.StartService { Service: var service }:
                if (Services.GetValueOrDefault(service.Key)?.Service.SpecDigest != service.SpecDigest)
                    Services[service.Key] = new RunningService(service, world.Now);
                return [OwnedObject.Of(service) with { Digest = service.SpecDigest }];
            default:
                throw new InvalidOperationException($"unknown step {step}");
        }
    }

    private ImmutableArray<OwnedObject> Stage(Step.Stage stage, ImmutableArray<OwnedObject> owned)
    {
        var folders = new SortedSet<string>(StringComparer.Ordinal);
        foreach (var file in stage.Files) folders.UnionWith(FoldersOf(file.Path));
        var fresh = stage.Files.Where(file => owned.Find(OwnedObject.PathKey(OwnedKind.File, file.Path)) is null);
        return [.. fresh.Select(file => OwnedObject.Of(file)), .. folders.Except(Folders).Select(OwnedObject.Folder)];
    }

    private static IEnumerable<string> FoldersOf(string path)
    {
        for (var end = path.LastIndexOf('/'); end > Root.Length; end = path.LastIndexOf('/', end - 1)) yield return path[..end];
    }
}
