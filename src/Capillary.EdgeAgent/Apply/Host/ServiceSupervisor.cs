using System.Collections.Immutable;
using System.Text.Json;
using Capillary.Core.Apply;
using Capillary.Node.Journal;

namespace Capillary.EdgeAgent.Apply.Host;

/// <summary>All services of the site. All calls come from the one loop.</summary>
internal sealed class ServiceSupervisor(SupervisorContext context)
{
    private readonly SortedDictionary<string, ISupervised> services = new(StringComparer.Ordinal);
    private Step? waitingFor;

    /// <summary>Finds what ran before this process began, and starts what should run and does not.</summary>
    public void Recover(DateTimeOffset now)
    {
        foreach (var path in Directory.GetFiles($"{context.Options.StateFolder}/services", "*.json"))
        {
            var read = new DurableFile<ServiceRecord>(path, HostJson.Default.ServiceRecord).Read();
            if (read is DurableRead<ServiceRecord>.Corrupt corrupt)
                context.Tell(new ApplyEvent.Raised(ConditionCodes.StateLost, path, $"unreadable and put aside: {corrupt.Reason}"));
            if (read is not DurableRead<ServiceRecord>.Found { Value: var record }) continue;
            try
            {
                services.Add(record.Key, record.IsUnit ? new UnitService(context, record) : new SupervisedService(context, record));
                Recover(record, now);
            }
            catch (Exception e) when (e is FormatException or JsonException or IOException or UnauthorizedAccessException)
            {
                context.Tell(new ApplyEvent.Raised(ConditionCodes.StateLost, path, e.Message));
            }
        }
    }

    private void Recover(ServiceRecord record, DateTimeOffset now)
    {
        var service = services[record.Key];
        if (IsMisplaced(service) && service is SupervisedService { IsFound: false, Starts: true })
        {
            var unit = new UnitService(context, record);
            services[record.Key] = unit;
            unit.Begin(now, null);
            return;
        }
        // What runs already runs on; it becomes a unit when it ends or changes.
        service.Recover(now);
        if (IsMisplaced(service) && service is UnitService && !record.Removing) service.Leave(now);
    }

    /// <summary>Begins a step; <see cref="Beat"/> tells when it is done.</summary>
    public void Begin(Step step, DateTimeOffset now)
    {
        try
        {
            if (step is Step.StartService start)
            {
                var key = start.Service.Key;
                if (!services.TryGetValue(key, out var service))
                    services.Add(key, service = Make(ServiceRecord.Of(start.Service)));
                if (!IsMisplaced(service) || service.Runs(start.Service)) service.Want(start.Service, now);
                else if (!service.Left) service.Leave(now);
            }
            else if (step is Step.RemoveService remove && services.TryGetValue(remove.Owned.Subject, out var leaving))
            {
                leaving.Remove(now);
            }
            waitingFor = step;
            ChangeHands(now);
            Answer();
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            var code = e.HResult is Libc.NoSpace or Libc.QuotaExceeded ? ConditionCodes.DiskFull : ConditionCodes.ApplyFailed;
            context.Tell(new ApplyEvent.StepFailed(code, "", e.Message, Final: false));
        }
    }

    public void Beat(DateTimeOffset now)
    {
        var changed = false;
        foreach (var service in services.Values)
        {
            try
            {
                service.Beat(now);
            }
            catch (Exception e) when (e is IOException or UnauthorizedAccessException)
            {
                ApplyLog.NotSaved(context.Log, service.Record.Key, e.Message);
            }
            changed |= service.Health.TakeChanged();
        }
        ChangeHands(now);
        Answer();
        if (changed) context.Tell(new ApplyEvent.HealthChanged(HealthNow()));
    }

    public void RotateLogs()
    {
        foreach (var service in services.Values)
        {
            try
            {
                service.Rotate();
            }
            catch (Exception e) when (e is IOException or UnauthorizedAccessException)
            {
                HostLog.NotRotated(context.Log, service.Record.Key, e.Message);
            }
        }
    }

    /// <summary>The worst of each app's services.</summary>
    public ImmutableArray<AppHealth> HealthNow()
    {
        var apps = new SortedDictionary<string, AppHealth>(StringComparer.Ordinal);
        foreach (var service in services.Values)
        {
            var (app, health) = (service.Record.App, service.Health);
            if (service.Record.Removing) continue;
            if (!apps.TryGetValue(app, out var known) || Rank(health.State) > Rank(known.State))
                apps[app] = new AppHealth(app, health.State, health.State == HealthState.Healthy ? null : Because(service));
        }
        return [.. apps.Values];
    }

    public void Detach()
    {
        foreach (var service in services.Values) service.Detach();
    }

    private ISupervised Make(ServiceRecord record) =>
        context.Options.Units is null ? new SupervisedService(context, record) : new UnitService(context, record);

    /// <summary>The site's setting, or the agent's version, was another one when this was started.</summary>
    private bool IsMisplaced(ISupervised service) => service is UnitService == context.Options.Units is null;

    /// <summary>A service changes from one kind of supervisor to the other only while nothing of it runs: never are there two.</summary>
    private void ChangeHands(DateTimeOffset now)
    {
        foreach (var service in services.Values.Where(service => IsMisplaced(service) && service.Left).ToList())
        {
            var record = service.Record;
            if (waitingFor is Step.StartService { Service: var wanted } && wanted.Key == record.Key)
            {
                services[record.Key] = Make(ServiceRecord.Of(wanted));
                services[record.Key].Want(wanted, now);
            }
            else if (service is UnitService)
            {
                services[record.Key] = Make(record);
                services[record.Key].Recover(now);
            }
            else if (record.Phase == ServicePhase.Waiting)
            {
                var unit = new UnitService(context, record);
                services[record.Key] = unit;
                unit.Begin(now, "ended");
            }
        }
    }

    private void Answer()
    {
        var made = ImmutableArray<OwnedObject>.Empty;
        switch (waitingFor)
        {
            case Step.StartService { Service: var wanted }:
                if (!services.TryGetValue(wanted.Key, out var service) || !service.Runs(wanted)) return;
                made = [OwnedObject.Of(wanted) with { Digest = wanted.SpecDigest }];
                break;
            case Step.RemoveService { Owned: var owned }:
                if (services.TryGetValue(owned.Subject, out var leaving) && !leaving.Gone) return;
                services.Remove(owned.Subject);
                break;
            default: return;
        }
        waitingFor = null;
        context.Tell(new ApplyEvent.StepDone(made));
    }

    private static string Because(ISupervised service) => service.Health.State == HealthState.Unknown
        ? $"service '{service.Record.Key}' has not answered yet"
        : service.Health.Reason is { } reason && reason.StartsWith("service ", StringComparison.Ordinal) ? reason
        : $"service '{service.Record.Key}': {service.Health.Reason}";

    private static int Rank(HealthState state) => state switch { HealthState.Healthy => 0, HealthState.Unknown => 1, _ => 2 };
}
