using System.Collections.Immutable;
using Capillary.Core.Apply;
using Capillary.Core.Bundles;

namespace Capillary.EdgeAgent.Apply;

/// <summary>How a target talks back to the loop.</summary>
/// <param name="Tell">An event, from within a call of the loop.</param>
/// <param name="Send">An event, from any thread.</param>
/// <param name="Stop">The agent is asked to end.</param>
internal sealed record ApplyPort(Action<ApplyEvent> Tell, Action<ApplyEvent> Send, CancellationToken Stop);

/// <summary>
/// What carries out the decisions of <see cref="ApplyMachine"/>: a host, or a Kubernetes cluster. Every member is called on the loop and
/// returns at once; long work answers later by <see cref="ApplyPort.Send"/>.
/// </summary>
internal interface IApplyTarget
{
    /// <summary>Called once, first.</summary>
    void Begin(ApplyPort port, DateTimeOffset now);

    /// <summary>Regularly. <paramref name="state"/> is as it stands.</summary>
    void Beat(ApplyState state, DateTimeOffset now);

    /// <summary>Read a bundle and check it against the site's own rules; answer Loaded or LoadFailed.</summary>
    void Load(Digest bundle, ApplyState state);

    /// <summary>Do a step; answer StepDone or StepFailed.</summary>
    void Do(Step step, ApplyState state, DateTimeOffset now);

    /// <summary>The step in flight need not be waited for: answer it soon.</summary>
    void Abandon();

    /// <summary>The health of every app that has one, as it is now.</summary>
    ImmutableArray<AppHealth> HealthNow(ApplyState state);

    /// <summary>The step in flight is finished; what runs is left alone.</summary>
    Task EndAsync();
}
