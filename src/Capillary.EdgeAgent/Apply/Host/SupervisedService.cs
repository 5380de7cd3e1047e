using System.ComponentModel;
using System.Diagnostics;
using System.Text.Json;
using Capillary.Core.Apply;
using Capillary.Node.Journal;
using Microsoft.Extensions.Logging;

namespace Capillary.EdgeAgent.Apply.Host;

/// <summary>What services share with their supervisor.</summary>
internal sealed record SupervisorContext(
    HostApplyOptions Options, ServiceLauncher Launcher, HealthProber Prober, ILogger Log, Action<ApplyEvent> Tell, CancellationToken Stop)
{
    public string Boot { get; } = ProcTable.BootId();

    public string RecordPath(string app, string name) => $"{Options.StateFolder}/services/{app}.{name}.json";

    public string LogPath(string app, string name) => $"{Options.StateFolder}/logs/{app}.{name}.log";
}

/// <summary>One service: runs it, sees it end, starts it again, stops it. All calls come from the one loop.</summary>
internal sealed class SupervisedService : ISupervised
{
    private readonly SupervisorContext context;
    private readonly DurableFile<ServiceRecord> file;
    private ServiceRecord record;
    private ServiceObject spec;
    private DesiredService? next;
    private Process? child;
    private DateTimeOffset startedAt;
    private DateTimeOffset due;
    private string? ended;

    public SupervisedService(SupervisorContext context, ServiceRecord record)
    {
        (this.context, this.record) = (context, record);
        file = new(context.RecordPath(record.App, record.Name), HostJson.Default.ServiceRecord);
        spec = Parse(record.Spec);
        Health = new ServiceHealth(context.Prober);
    }

    public ServiceRecord Record => record;

    public ServiceHealth Health { get; }

    public bool Gone { get; private set; }

    public bool Left => record.Phase is ServicePhase.Waiting or ServicePhase.Ended && !Alive;

    /// <summary>A process that an agent before this one started.</summary>
    public bool IsFound => record.Boot == context.Boot && (ProcTable.IsAlive(record.Process) || ProcTable.FindMarked(Mark) is not null);

    /// <summary>Whether a new agent that finds no process of it starts one.</summary>
    public bool Starts => record.Phase switch
    {
        ServicePhase.Ended => record.Boot != context.Boot && spec.Restart.When != RestartWhen.Never,
        ServicePhase.Stopping => false,
        _ => true,
    };

    public bool Runs(DesiredService wanted) => !record.Removing && record.SpecDigest == wanted.SpecDigest.Text
        && record.Phase is ServicePhase.Running or ServicePhase.Waiting or ServicePhase.Ended && record.Attempt > 0;

    public void Recover(DateTimeOffset now)
    {
        var sameBoot = record.Boot == context.Boot;
        if (record.Phase is not (ServicePhase.Waiting or ServicePhase.Ended))
        {
            var found = sameBoot && ProcTable.IsAlive(record.Process) ? record.Process : sameBoot ? ProcTable.FindMarked(Mark) : null;
            if (found is { } process) Adopt(process);
            else if (sameBoot && record.Phase == ServicePhase.Running) ended = "ended while the agent was away";
            if (record.Phase == ServicePhase.Stopping)
            {
                BeginStop(record.Removing, now);
                return;
            }
            if (found is not null) return;
        }
        if (record.Phase == ServicePhase.Ended) Health.Ended(record.ExitCode == 0 ? null : $"service '{record.Key}' ended");
        // A boot ends everything and is nobody's failure.
        if (Starts) Launch(now);
    }

    public void Want(DesiredService wanted, DateTimeOffset now)
    {
        if (Runs(wanted)) return;
        if (Alive)
        {
            next = wanted;
            BeginStop(removing: false, now);
            return;
        }
        Replace(wanted);
        Launch(now);
    }

    public void Remove(DateTimeOffset now) => BeginStop(removing: true, now);

    public void Leave(DateTimeOffset now) => BeginStop(removing: false, now);

    public void Beat(DateTimeOffset now)
    {
        switch (record.Phase)
        {
            case ServicePhase.Running when !Alive: Ended(now); break;
            case ServicePhase.Running: Running(now); break;
            case ServicePhase.Waiting when now >= due: Launch(now); break;
            case ServicePhase.Stopping: Stopping(now); break;
        }
        Health.Beat(record, spec, startedAt, now, context.Stop);
    }

    public void Rotate() => LogRotation.Rotate(context.LogPath(record.App, record.Name), spec.Logs);

    public void Detach() => child?.Dispose();

    private bool Alive => child is not null ? !child.HasExited : record.Pid > 0 && ProcTable.IsAlive(record.Process);

    private string Mark => $"{context.Options.Site}/{record.App}/{record.Name}/{record.Id}";

    private void Adopt(ProcessMark process)
    {
        record = record with
        {
            Phase = record.Phase == ServicePhase.Stopping ? ServicePhase.Stopping : ServicePhase.Running,
            Pid = process.Pid,
            Started = process.Started,
        };
        Health.Reset(adopted: true);
        HostLog.Adopted(context.Log, record.Key, process.Pid);
        TrySave();
    }

    private void Replace(DesiredService wanted)
    {
        record = ServiceRecord.Of(wanted);
        spec = wanted.Object;
        next = null;
        ended = null;
        context.Tell(new ApplyEvent.Cleared(ConditionCodes.ServiceCrashLooping, record.Key));
    }

    private void Launch(DateTimeOffset now)
    {
        var before = record;
        var id = Guid.NewGuid().ToString("N")[..12];
        record = record with
        {
            Phase = ServicePhase.Starting, Attempt = record.Attempt + 1, Id = id, Boot = context.Boot, Pid = 0, Started = 0,
        };
        // With a full disk it starts under the mark that is on disk already, and is found by that one.
        if (!TrySave() && before.Id.Length > 0) record = record with { Id = before.Id };
        Health.Reset(adopted: false);
        startedAt = now;
        try
        {
            child?.Dispose();
            child = context.Launcher.Start(spec, spec.Command, Mark, context.LogPath(record.App, record.Name));
        }
        catch (Exception e) when (e is Win32Exception or StepException or IOException or UnauthorizedAccessException)
        {
            child = null;
            Wait(now, null, $"could not be started: {e.Message}");
            return;
        }
        record = record with { Phase = ServicePhase.Running, Pid = child.Id, Started = ProcTable.Find(child.Id)?.Started ?? 0 };
        TrySave();
        HostLog.Started(context.Log, record.Key, record.Pid, record.Attempt);
        if (ended is not { } text) return;
        ended = null;
        var told = $"service '{record.Key}' {text} and was started again";
        context.Tell(new ApplyEvent.Raised(ConditionCodes.DriftRepaired, record.Key, told));
    }

    private void Running(DateTimeOffset now)
    {
        if (record.Failures == 0 || now - startedAt < RestartBackoff.StableAfter) return;
        record = record with { Failures = 0 };
        context.Tell(new ApplyEvent.Cleared(ConditionCodes.ServiceCrashLooping, record.Key));
    }

    private void Ended(DateTimeOffset now)
    {
        int? code = child?.ExitCode;
        EndGroup();
        Wait(now, code, code is null ? "ended" : code > 128 ? $"was ended by signal {code - 128}" : $"ended with exit code {code}");
    }

    private void Wait(DateTimeOffset now, int? code, string text)
    {
        var failures = RestartBackoff.Count(record.Failures, now - startedAt);
        var again = RestartBackoff.Again(spec.Restart, code);
        record = record with
        {
            Phase = again ? ServicePhase.Waiting : ServicePhase.Ended, Failures = failures, ExitCode = code, Pid = 0, Started = 0,
        };
        TrySave();
        Health.Ended(again || code != 0 ? $"service '{record.Key}' {text}" : null);
        HostLog.Ended(context.Log, record.Key, text, failures);
        if (!again) return;
        ended = text;
        due = now + RestartBackoff.Delay(spec.Restart, failures);
        if (failures < RestartBackoff.CrashLoop) return;
        var told = $"service '{record.Key}' {text}, {failures} times in a row";
        context.Tell(new ApplyEvent.Raised(ConditionCodes.ServiceCrashLooping, record.Key, told));
    }

    private void BeginStop(bool removing, DateTimeOffset now)
    {
        record = record with { Phase = ServicePhase.Stopping, Removing = removing };
        file.Write(record);
        Health.Reset(adopted: false);
        due = now + TimeSpan.FromSeconds(spec.StopSeconds);
        if (record.Pid > 0 && Alive) _ = Libc.Signal(-record.Pid, Libc.Terminate);
        Stopping(now);
    }

    private void Stopping(DateTimeOffset now)
    {
        if (Alive)
        {
            if (now >= due) _ = Libc.Signal(-record.Pid, Libc.Kill);
            return;
        }
        EndGroup();
        child?.Dispose();
        child = null;
        context.Tell(new ApplyEvent.Cleared(ConditionCodes.ServiceCrashLooping, record.Key));
        HostLog.Stopped(context.Log, record.Key);
        if (next is { } wanted)
        {
            Replace(wanted);
            Launch(now);
        }
        else if (record.Removing)
        {
            file.Delete();
            LogRotation.Remove(context.LogPath(record.App, record.Name));
            Gone = true;
        }
        else
        {
            // Stopped to be replaced, and a crash forgot by what: the machine will say so again.
            record = record with { Phase = ServicePhase.Ended, SpecDigest = "", Pid = 0 };
        }
    }

    /// <summary>What it left behind in its group goes with it, or a new one could not have its port.</summary>
    private void EndGroup()
    {
        if (record.Pid > 1) _ = Libc.Signal(-record.Pid, Libc.Kill);
    }

    private bool TrySave()
    {
        try
        {
            file.Write(record);
            return true;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            ApplyLog.NotSaved(context.Log, record.Key, e.Message);
            return false;
        }
    }

    public static ServiceObject Parse(string json)
    {
        using var document = JsonDocument.Parse(json);
        var errors = new List<ObjectError>();
        return HostObjectReader.Read(document.RootElement, errors) as ServiceObject
            ?? throw new FormatException(errors.Count > 0 ? errors[0].Message : "not a Service");
    }
}
