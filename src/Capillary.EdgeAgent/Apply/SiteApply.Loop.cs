using Capillary.Core.Apply;
using Capillary.Node.Journal;

namespace Capillary.EdgeAgent.Apply;

internal sealed partial class SiteApply
{
    /// <summary>One run of <see cref="SiteApply"/>: all that lives between start and stop.</summary>
    private sealed partial class ApplyLoop
    {
        private readonly SiteApply site;
        private readonly CancellationToken stop;
        private readonly IApplyTarget target;
        private readonly Queue<ApplyEvent> told = new();
        private ApplyState state = ApplyState.Initial;
        private ApplyDecision? unsaved;
        private ApplyCondition? trouble;
        private DateTimeOffset nextSave;
        private CancellationTokenSource? fetching;

        public ApplyLoop(SiteApply site, CancellationToken stop) => (this.site, target, this.stop) = (site, site.target, stop);

        public void Begin()
        {
            switch (site.journal.Read())
            {
                case DurableRead<ApplyState>.Found { Value: var found } when found.V == ApplyState.CurrentVersion:
                    state = found;
                    break;
                case DurableRead<ApplyState>.Found { Value: var found }:
                    throw new IOException($"apply.json has version {found.V}; this agent reads {ApplyState.CurrentVersion}");
                case DurableRead<ApplyState>.Corrupt corrupt:
                    ApplyLog.StateLost(site.log, corrupt.Aside, corrupt.Reason);
                    told.Enqueue(new ApplyEvent.Raised(
                        ConditionCodes.StateLost, "", $"what was applied is not known any more: {corrupt.Reason}"));
                    break;
            }
            told.Enqueue(new ApplyEvent.Restarted());
            target.Begin(new ApplyPort(told.Enqueue, Send, stop), site.Now);
            Drain();
        }

        /// <summary>An answer that was lost would be waited for for ever: where the queue is full, it waits for its place.</summary>
        private void Send(ApplyEvent happened) => _ = site.events.Writer.WriteAsync(happened, stop).AsTask();

        public void Take(ApplyEvent happened)
        {
            if (happened is ApplyEvent.Tick)
            {
                Volatile.Write(ref site.beating, 0);
                Beat();
            }
            if (happened is ApplyEvent.Assigned) Volatile.Write(ref site.assigning, 0);
            if (happened is not ApplyEvent.Assigned) told.Enqueue(happened);
            if (Volatile.Read(ref site.assigned) is { } newest && !(newest.Since <= state.Desired?.Since))
                told.Enqueue(new ApplyEvent.Assigned(newest));
            Drain();
        }

        public async Task EndAsync()
        {
            fetching?.Cancel();
            await target.EndAsync();
            fetching?.Dispose();
        }

        private void Beat()
        {
            var now = site.Now;
            target.Beat(state, now);
            if (unsaved is { } decision && now >= nextSave) Save(decision);
        }

        /// <summary>While a state waits to be written nothing else is decided; services are looked after all the same.</summary>
        private void Drain()
        {
            while (unsaved is null && told.TryDequeue(out var next))
            {
                Hear(next);
                var decision = ApplyMachine.Next(state, next, site.Now);
                if (decision.Persist) Save(decision);
                else Act(decision);
            }
            var shown = ApplyStatus.Of(state);
            site.Show(trouble is null ? shown : shown with { Conditions = shown.Conditions.Add(trouble) });
        }

        private void Save(ApplyDecision decision)
        {
            try
            {
                site.journal.Write(decision.State);
                (unsaved, trouble) = (null, null);
            }
            catch (Exception e) when (e is IOException or UnauthorizedAccessException)
            {
                ApplyLog.NotSaved(site.log, "apply.json", e.Message);
                trouble ??= ConditionCodes.Create(ConditionCodes.DiskFull, site.folder, e.Message, site.Now);
                (unsaved, nextSave) = (decision, site.Now + ApplyMachine.FirstRetry);
                return;
            }
            Act(decision);
        }

        private void Act(ApplyDecision decision)
        {
            var before = state;
            state = decision.State;
            Answer(before);
            foreach (var action in decision.Actions)
            {
                switch (action)
                {
                    case ApplyAction.Fetch wanted: Fetch(wanted.Desired); break;
                    case ApplyAction.Load wanted: target.Load(wanted.Bundle, state); break;
                    case ApplyAction.AskHealth: told.Enqueue(new ApplyEvent.HealthChanged(target.HealthNow(state))); break;
                    case ApplyAction.Abandon: target.Abandon(); break;
                    case ApplyAction.Do act: target.Do(act.Step, state, site.Now); break;
                }
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
                    if (await site.fetch(bundle, cancel) is FetchOutcome.Missing missing && (problem is null or { Wait: true }))
                        problem = new($"{bundle}: {missing.Reason}", missing.Wait);
                }
            }
            catch (OperationCanceledException) when (cancel.IsCancellationRequested)
            {
                return;
            }
            catch (Exception e)
            {
                ApplyLog.Bug(site.log, e);
                problem = new(e.Message);
            }
            site.events.Writer.TryWrite(problem is null
                ? new ApplyEvent.BlobsReady(desired.Since)
                : new ApplyEvent.BlobsMissing(desired.Since, problem.Reason, problem.Wait));
        }
    }
}
