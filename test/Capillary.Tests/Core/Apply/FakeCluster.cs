using System.Collections.Immutable;
using Capillary.Core.Apply;
using Capillary.Core.Bundles;

namespace Capillary.Tests.Core.Apply;

/// <summary>A cluster whose objects are a dictionary; it outlives the agent's crashes.</summary>
internal sealed class FakeCluster
{
    /// <summary>Live objects by key.</summary>
    public SortedDictionary<string, Digest> Objects { get; } = new(StringComparer.Ordinal);

    /// <summary>Every run of a hook that was started, in order: name and run.</summary>
    public List<string> Runs { get; } = [];

    /// <summary>The lists that are kept in the cluster, by app.</summary>
    public SortedDictionary<string, string> Inventories { get; } = new(StringComparer.Ordinal);

    /// <summary>Apps that never become healthy.</summary>
    public HashSet<string> Sick { get; } = [];

    /// <summary>Hooks that fail.</summary>
    public HashSet<string> Failing { get; } = [];

    public bool IsHealthy(DesiredApp app) => !Sick.Contains(app.Name);

    public ImmutableArray<OwnedObject> Make(Step step)
    {
        switch (step)
        {
            case Step.TryObjects or Step.AwaitObjects:
                return [];
            case Step.KeepInventory keep:
                if (keep.Objects.IsEmpty) Inventories.Remove(keep.App);
                else Inventories[keep.App] = string.Join(' ', keep.Objects.Select(item => $"{item.Key}={item.Digest?.Text}"));
                return [];
            case Step.ApplyObjects apply:
                foreach (var value in apply.Objects) Objects[value.Key] = value.Digest;
                return [.. apply.Objects.Select(value => OwnedObject.Of(value) with { Digest = value.Digest, Mark = "m" })];
            case Step.RunHook run:
                var name = $"{run.Hook.Manifest.Ref.Name} {run.Run}";
                // As the real one: a run that is there already is waited for.
                if (!Runs.Contains(name)) Runs.Add(name);
                Objects[run.Hook.Key] = run.Hook.Digest;
                return [OwnedObject.Of(run.Hook) with { Digest = run.Hook.Digest }];
            case Step.RemoveObjects remove:
                foreach (var item in remove.Objects) Objects.Remove(item.Key);
                return [];
            default:
                throw new InvalidOperationException(step.ToString());
        }
    }

    /// <summary>A step as the golden transcripts show it.</summary>
    public static string Describe(Step step) => step switch
    {
        Step.TryObjects s => $"Try {Names(s.Objects)}",
        Step.ApplyObjects s => $"Apply{(s.Repairs ? " again" : "")} {Names(s.Objects)}",
        Step.AwaitObjects s => $"Await {Names(s.Objects)} for {s.Seconds} s",
        Step.RunHook s => $"Run {s.Hook.Manifest.Ref.Subject} as {s.Run}",
        Step.RemoveObjects s => $"Remove {string.Join(", ", s.Objects.Select(item => item.Subject))}",
        Step.KeepInventory s => $"KeepInventory {s.App}: {s.Objects.Length} objects",
        _ => step.GetType().Name,
    };

    private static string Names(ImmutableArray<DesiredObject> objects) => string.Join(", ", objects.Select(value => value.Manifest.Ref.Subject));
}
