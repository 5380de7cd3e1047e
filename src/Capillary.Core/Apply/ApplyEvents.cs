using System.Collections.Immutable;
using Capillary.Core.Bundles;

namespace Capillary.Core.Apply;

/// <summary>What happened, as far as <see cref="ApplyMachine"/> cares.</summary>
public abstract record ApplyEvent
{
    private ApplyEvent() { }

    /// <summary>The state was just read from disk; the first event of every process.</summary>
    public sealed record Restarted : ApplyEvent;

    /// <summary>The newest assignment. May be told again at will: only a greater <c>since</c> counts.</summary>
    public sealed record Assigned(DesiredBundle Desired) : ApplyEvent;

    /// <summary>All blobs of the assignment with this <c>since</c>, bundle and fallback, are here.</summary>
    public sealed record BlobsReady(long Since) : ApplyEvent;

    /// <summary>They could not be fetched now; <paramref name="Wait"/>: only the quiet hours keep big ones away.</summary>
    public sealed record BlobsMissing(long Since, string Reason, bool Wait = false) : ApplyEvent;

    /// <summary>Answer to <see cref="ApplyAction.Load"/>.</summary>
    public sealed record Loaded(DesiredObjects Objects) : ApplyEvent;

    /// <summary>Answer to <see cref="ApplyAction.Load"/>: unreadable, or not allowed at this site.</summary>
    public sealed record LoadFailed(Digest Bundle, string Code, string Reason) : ApplyEvent;

    /// <summary>The step in flight is done; <paramref name="Made"/> is what it made (see each <see cref="Step"/>).</summary>
    public sealed record StepDone(ImmutableArray<OwnedObject> Made) : ApplyEvent;

    /// <summary>The step in flight failed and left things as they were. <paramref name="Final"/>: it would fail again.</summary>
    public sealed record StepFailed(string Code, string Subject, string Reason, bool Final) : ApplyEvent;

    /// <summary>The health of every app that has services.</summary>
    public sealed record HealthChanged(ImmutableArray<AppHealth> Apps) : ApplyEvent;

    /// <summary>Files of ours were changed by others. Told again until repaired.</summary>
    public sealed record DriftFound(ImmutableArray<Drift> Drifts) : ApplyEvent;

    /// <summary>What the target itself remembers to be ours; it counts where the agent's own state knows nothing.</summary>
    public sealed record Remembered(ImmutableArray<OwnedObject> Owned) : ApplyEvent;

    /// <summary>A workload says "not now", or says it again; whether that is taken: <see cref="Hold.Refusal"/>.</summary>
    public sealed record Held(string Name, string Reason, int MaxSeconds) : ApplyEvent;

    /// <summary>The workload's hold of this name is over.</summary>
    public sealed record Unheld(string Name) : ApplyEvent;

    /// <summary>A condition that the host knows of holds now.</summary>
    public sealed record Raised(string Code, string Subject, string Text) : ApplyEvent;

    /// <summary>It holds no longer.</summary>
    public sealed record Cleared(string Code, string Subject) : ApplyEvent;

    /// <summary>Time went by; at least once a second.</summary>
    public sealed record Tick : ApplyEvent;
}

/// <summary>What the host has to do next.</summary>
public abstract record ApplyAction
{
    private ApplyAction() { }

    /// <summary>Bring the blobs of bundle and fallback here; answer BlobsReady or BlobsMissing. Replaces an older fetch.</summary>
    public sealed record Fetch(DesiredBundle Desired) : ApplyAction;

    /// <summary>Read this bundle and check it against the site's own list; answer Loaded or LoadFailed.</summary>
    public sealed record Load(Digest Bundle) : ApplyAction;

    /// <summary>Do this step; answer StepDone or StepFailed.</summary>
    public sealed record Do(Step Step) : ApplyAction;

    /// <summary>The step in flight only waits, and something newer is to be applied: answer it soon, as failed.</summary>
    public sealed record Abandon : ApplyAction;

    /// <summary>Answer with HealthChanged as it is now.</summary>
    public sealed record AskHealth : ApplyAction;
}

/// <summary>The machine's answer to one event.</summary>
/// <param name="State">The state from now on.</param>
/// <param name="Persist">True: <paramref name="State"/> must be durable before the first action begins.</param>
/// <param name="Actions">In order.</param>
public sealed record ApplyDecision(ApplyState State, bool Persist, ImmutableArray<ApplyAction> Actions);
