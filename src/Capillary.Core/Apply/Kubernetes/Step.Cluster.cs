using System.Collections.Immutable;
using Capillary.Core.Bundles;

namespace Capillary.Core.Apply;

/// <content>Steps in a Kubernetes cluster.</content>
public abstract partial record Step
{
    /// <summary>True for what changes nothing that anybody sees, so that no record has to be durable before it.</summary>
    internal bool IsUnseen => this is Stage or TryObjects;

    /// <summary>True for a step that only waits, and that a newer assignment may end.</summary>
    internal bool IsWait => this is AwaitObjects or RunHook;

    /// <summary>Ask the cluster whether it would take all these objects (dry run): what runs is not touched before. Done with
    /// nothing.</summary>
    public sealed record TryObjects(Digest Bundle, ImmutableArray<DesiredObject> Objects) : Step;

    /// <summary>Keep the list of an app's owned objects in the cluster; an empty list removes it. Done with nothing.</summary>
    public sealed record KeepInventory(string App, ImmutableArray<OwnedObject> Objects) : Step;

    /// <summary>
    /// Server-side apply of all these objects, in any order. Done with each object as owned. <paramref name="Repairs"/>: others changed
    /// them, and that is told already.
    /// </summary>
    public sealed record ApplyObjects(Digest Bundle, ImmutableArray<DesiredObject> Objects, bool Repairs = false) : Step;

    /// <summary>Wait until all these objects are healthy, at most so long (1 to 86,400 s). Done with nothing.</summary>
    public sealed record AwaitObjects(ImmutableArray<DesiredObject> Objects, int Seconds) : Step;

    /// <summary>
    /// Run a hook to its end. <paramref name="Run"/> marks the live object: one that bears it is this very run, and is waited for, not
    /// started again. Done with the hook as owned.
    /// </summary>
    public sealed record RunHook(Digest Bundle, DesiredObject Hook, string Run, int Seconds) : Step;

    /// <summary>Delete these objects, as far as they are not guarded, and wait a while until they are gone. Done with nothing.</summary>
    public sealed record RemoveObjects(ImmutableArray<OwnedObject> Objects, bool Confirmed) : Step;
}
