using System.Collections.Immutable;
using Capillary.Core.Apply;
using Capillary.Core.Bundles;
using Microsoft.Extensions.Logging;

namespace Capillary.EdgeAgent.Apply.Host;

/// <summary>Applies to this machine: files are written by one task beside the loop; services run on when the agent ends.</summary>
internal sealed class HostTarget : IApplyTarget
{
    private readonly HostApplyOptions options;
    private readonly TimeProvider time;
    private readonly ILogger log;
    private readonly Accounts accounts;
    private readonly SiteAllowList allow;
    private readonly BundleReader bundles;
    private readonly HostFiles files;
    private ServiceSupervisor supervisor = null!;
    private ApplyPort port = null!;
    private DateTimeOffset nextDrift;
    private OffLoop work = null!;
    private bool staged = true; // an earlier process may have left something

    /// <param name="options">The site's own settings.</param>
    /// <param name="blobs">The path of a local blob, or null.</param>
    /// <param name="time">The clock.</param>
    /// <param name="log">Events 4000–4099.</param>
    public HostTarget(HostApplyOptions options, Func<Digest, string?> blobs, TimeProvider time, ILogger log)
    {
        options.Validate();
        (this.options, this.time, this.log) = (options, time, log);
        accounts = new Accounts(options);
        allow = options.ToAllowList(accounts);
        bundles = new BundleReader(blobs);
        files = new HostFiles(options, allow, accounts, bundles);
    }

    public void Begin(ApplyPort given, DateTimeOffset now)
    {
        (port, work) = (given, new OffLoop(given, log));
        foreach (var folder in (string[])[$"{options.StateFolder}/services", $"{options.StateFolder}/logs"]) SiteApply.MakePrivate(folder);
        var launcher = new ServiceLauncher(options, accounts);
        var prober = new HealthProber(launcher, time);
        supervisor = new(new SupervisorContext(options, launcher, prober, log, port.Tell, port.Stop));
        supervisor.Recover(now);
    }

    public void Beat(ApplyState state, DateTimeOffset now)
    {
        supervisor.Beat(now);
        if (now < nextDrift || !work.IsIdle) return;
        nextDrift = now + options.DriftInterval;
        supervisor.RotateLogs();
        if (state.InFlight is not null) return;
        var owned = state.Owned;
        var clean = staged;
        staged = false;
        Work(
            () =>
            {
                if (clean) files.CleanStage();
                return files.FindDrift(owned) is { Length: > 0 } drifts ? new ApplyEvent.DriftFound(drifts) : null;
            },
            // What cannot be looked at now is looked at again in a moment.
            _ => null);
    }

    public void Load(Digest bundle, ApplyState state) => Work(
        () =>
        {
            var objects = bundles.Read(bundle).ToDesired(options.Roots[0]);
            return allow.Check(objects) is { } refusal
                ? new ApplyEvent.LoadFailed(bundle, refusal.Code, refusal.Text)
                : new ApplyEvent.Loaded(objects);
        },
        e => new ApplyEvent.LoadFailed(bundle, e.Code, e.Message));

    public void Do(Step step, ApplyState state, DateTimeOffset now)
    {
        if (step is Step.StartService or Step.RemoveService)
        {
            supervisor.Begin(step, now);
            return;
        }
        var owned = state.Owned;
        staged |= step is Step.Stage;
        Work(
            () => new ApplyEvent.StepDone(files.Do(step, owned)),
            e => new ApplyEvent.StepFailed(e.Code, e.Subject, e.Message, e.Final));
    }

    /// <summary>No step of a host only waits.</summary>
    public void Abandon() { }

    public ImmutableArray<AppHealth> HealthNow(ApplyState state) => supervisor.HealthNow();

    public async Task EndAsync()
    {
        await work.EndAsync();
        supervisor.Detach();
    }

    private void Work(Func<ApplyEvent?> act, Func<StepException, ApplyEvent?> failed) => work.Run(() => Task.FromResult(act()), failed);
}
