using System.Collections.Immutable;
using System.Text.Json;
using Capillary.Core.Apply;
using Capillary.Node.Journal;

namespace Capillary.EdgeAgent.Apply.Host;

/// <summary>All services of the site. All calls come from the one loop.</summary>
internal sealed class ServiceSupervisor(SupervisorContext context)
{
    private readonly SortedDictionary<string, SupervisedService> services = new(StringComparer.Ordinal);
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
                var service = new SupervisedService(context, record);
                services.Add(record.Key, service);
                service.Recover(now);
            }
            catch (Exception e) when (e is FormatException or JsonException or IOException or UnauthorizedAccessException)
            {
                context.Tell(new ApplyEvent.Raised(ConditionCodes.StateLost, path, e.Message));
            }
        }
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
                    services.Add(key, service = new SupervisedService(context, ServiceRecord.Of(start.Service)));
                service.Want(start.Service, now);
            }
            else if (step is Step.RemoveService remove && services.TryGetValue(remove.Owned.Subject, out var leaving))
            {
                leaving.Remove(now);
            }
            waitingFor = step;
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

    private static string Because(SupervisedService service) => service.Health.State == HealthState.Unknown
        ? $"service '{service.Record.Key}' has not answered yet"
        : service.Health.Reason is { } reason && reason.StartsWith("service ", StringComparison.Ordinal) ? reason
        : $"service '{service.Record.Key}': {service.Health.Reason}";

    private static int Rank(HealthState state) => state switch { HealthState.Healthy => 0, HealthState.Unknown => 1, _ => 2 };
}
