using Capillary.Core.Apply;
using Capillary.Core.Bundles;
using Capillary.Node.Journal;

namespace Capillary.EdgeAgent.Apply.Host;

internal sealed partial class HostApply
{
    /// <summary>One run of <see cref="HostApply"/>: all that lives between start and stop.</summary>
    private sealed class ApplyLoop
    {
        private readonly HostApply host;
        private readonly CancellationToken stop;
        private readonly ServiceSupervisor supervisor;
        private readonly Queue<ApplyEvent> told = new();
        private ApplyState state = ApplyState.Initial;
        private ApplyDecision? unsaved;
        private ApplyCondition? trouble;
        private DateTimeOffset nextSave;
        private DateTimeOffset nextDrift;
        private CancellationTokenSource? fetching;
        private Task files = Task.CompletedTask;
        private bool staged = true; // an earlier process may have left something

        public ApplyLoop(HostApply host, CancellationToken stop)
        {
            (this.host, this.stop) = (host, stop);
            var launcher = new ServiceLauncher(host.options, host.accounts);
            var prober = new HealthProber(launcher, host.time);
            supervisor = new(new SupervisorContext(host.options, launcher, prober, host.log, told.Enqueue, stop));
        }

        public void Begin()
        {
            switch (host.journal.Read())
            {
                case DurableRead<ApplyState>.Found { Value: var found } when found.V == ApplyState.CurrentVersion:
                    state = found;
                    break;
                case DurableRead<ApplyState>.Found { Value: var found }:
                    throw new IOException($"apply.json has version {found.V}; this agent reads {ApplyState.CurrentVersion}");
                case DurableRead<ApplyState>.Corrupt corrupt:
                    HostLog.StateLost(host.log, corrupt.Aside, corrupt.Reason);
                    told.Enqueue(new ApplyEvent.Raised(
                        ConditionCodes.StateLost, "", $"what was applied is not known any more: {corrupt.Reason}"));
                    break;
            }
            told.Enqueue(new ApplyEvent.Restarted());
            supervisor.Recover(host.Now);
            Drain();
        }

        public void Take(ApplyEvent happened)
        {
            if (happened is ApplyEvent.Tick)
            {
                Volatile.Write(ref host.beating, 0);
                Beat();
            }
            if (happened is ApplyEvent.Assigned) Volatile.Write(ref host.assigning, 0);
            if (happened is not ApplyEvent.Assigned) told.Enqueue(happened);
            if (Volatile.Read(ref host.assigned) is { } newest && !(newest.Since <= state.Desired?.Since))
                told.Enqueue(new ApplyEvent.Assigned(newest));
            Drain();
        }

        public async Task EndAsync()
        {
            fetching?.Cancel();
            await files;
            supervisor.Detach();
            fetching?.Dispose();
        }

        private void Beat()
        {
            var now = host.Now;
            supervisor.Beat(now);
            if (unsaved is { } decision && now >= nextSave) Save(decision);
            if (now < nextDrift || !files.IsCompleted) return;
            nextDrift = now + host.options.DriftInterval;
            supervisor.RotateLogs();
            if (state.InFlight is not null) return;
            var owned = state.Owned;
            var clean = staged;
            staged = false;
            Work(
                () =>
                {
                    if (clean) host.files.CleanStage();
                    return host.files.FindDrift(owned) is { Length: > 0 } drifts ? new ApplyEvent.DriftFound(drifts) : null;
                },
                // What cannot be looked at now is looked at again in a moment.
                _ => null);
        }

        /// <summary>While a state waits to be written nothing else is decided; services are looked after all the same.</summary>
        private void Drain()
        {
            while (unsaved is null && told.TryDequeue(out var next))
            {
                var decision = ApplyMachine.Next(state, next, host.Now);
                if (decision.Persist) Save(decision);
                else Act(decision);
            }
            var shown = ApplyStatus.Of(state);
            host.Show(trouble is null ? shown : shown with { Conditions = shown.Conditions.Add(trouble) });
        }

        private void Save(ApplyDecision decision)
        {
            try
            {
                host.journal.Write(decision.State);
                (unsaved, trouble) = (null, null);
            }
            catch (Exception e) when (e is IOException or UnauthorizedAccessException)
            {
                HostLog.NotSaved(host.log, "apply.json", e.Message);
                trouble ??= ConditionCodes.Create(ConditionCodes.DiskFull, host.options.StateFolder, e.Message, host.Now);
                (unsaved, nextSave) = (decision, host.Now + ApplyMachine.FirstRetry);
                return;
            }
            Act(decision);
        }

        private void Act(ApplyDecision decision)
        {
            state = decision.State;
            foreach (var action in decision.Actions)
            {
                switch (action)
                {
                    case ApplyAction.Fetch wanted: Fetch(wanted.Desired); break;
                    case ApplyAction.Load wanted: Load(wanted.Bundle); break;
                    case ApplyAction.AskHealth: told.Enqueue(new ApplyEvent.HealthChanged(supervisor.HealthNow())); break;
                    case ApplyAction.Do { Step: Step.StartService or Step.RemoveService } act: supervisor.Begin(act.Step, host.Now); break;
                    case ApplyAction.Do act: DoFiles(act.Step); break;
                }
            }
        }

        private void DoFiles(Step step)
        {
            var owned = state.Owned;
            staged |= step is Step.Stage;
            Work(
                () => new ApplyEvent.StepDone(host.files.Do(step, owned)),
                e => new ApplyEvent.StepFailed(e.Code, e.Subject, e.Message, e.Final));
        }

        private void Load(Digest bundle) => Work(
            () =>
            {
                var objects = host.bundles.Read(bundle).ToDesired(host.options.Roots[0]);
                return host.allow.Check(objects) is { } refusal
                    ? new ApplyEvent.LoadFailed(bundle, refusal.Code, refusal.Text)
                    : new ApplyEvent.Loaded(objects);
            },
            e => new ApplyEvent.LoadFailed(bundle, e.Code, e.Message));

        /// <summary>Disk work, one after another, off the loop; its answer comes back as an event.</summary>
        private void Work(Func<ApplyEvent?> work, Func<HostException, ApplyEvent?> failed) => files = files.ContinueWith(
            _ =>
            {
                if (Guarded(work, failed) is { } answer) host.events.Writer.TryWrite(answer);
            },
            CancellationToken.None, TaskContinuationOptions.None, TaskScheduler.Default);

        private ApplyEvent? Guarded(Func<ApplyEvent?> work, Func<HostException, ApplyEvent?> failed)
        {
            try
            {
                return work();
            }
            catch (HostException e)
            {
                return failed(e);
            }
            catch (BundleFormatException e)
            {
                return failed(new HostException(ConditionCodes.BundleInvalid, "", e.Message, true));
            }
            catch (Exception e)
            {
                if (e is not (IOException or UnauthorizedAccessException)) HostLog.Bug(host.log, e);
                return failed(new HostException(ConditionCodes.ApplyFailed, "", e.Message, false));
            }
        }

        private void Fetch(DesiredBundle desired)
        {
            fetching?.Cancel();
            fetching?.Dispose();
            fetching = CancellationTokenSource.CreateLinkedTokenSource(stop);
            _ = FetchAsync(desired, fetching.Token);
        }

        private async Task FetchAsync(DesiredBundle desired, CancellationToken cancel)
        {
            await Task.Yield();
            FetchOutcome.Missing? problem = null;
            try
            {
                foreach (var bundle in desired.Fallback is { } fallback ? new[] { desired.Bundle, fallback } : [desired.Bundle])
                {
                    // What is wrong is told before what only waits.
                    if (await host.fetch(bundle, cancel) is FetchOutcome.Missing missing && (problem is null or { Wait: true }))
                        problem = new($"{bundle}: {missing.Reason}", missing.Wait);
                }
            }
            catch (OperationCanceledException) when (cancel.IsCancellationRequested)
            {
                return;
            }
            catch (Exception e)
            {
                HostLog.Bug(host.log, e);
                problem = new(e.Message);
            }
            host.events.Writer.TryWrite(problem is null
                ? new ApplyEvent.BlobsReady(desired.Since)
                : new ApplyEvent.BlobsMissing(desired.Since, problem.Reason, problem.Wait));
        }
    }
}
