using Capillary.Core.Apply;
using Capillary.Node.Journal;

namespace Capillary.EdgeAgent.Apply.Host;

/// <summary>
/// One service as a systemd unit: systemd starts it, with the machine too, and starts it again; this sees to it that the unit is as the
/// bundle wants it, tells what happens, and asks for its health. While its process lives, systemd is asked nothing.
/// </summary>
internal sealed partial class UnitService : ISupervised
{
    private static readonly TimeSpan Pause = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan LongPause = TimeSpan.FromSeconds(3);

    private readonly SupervisorContext context;
    private readonly DurableFile<ServiceRecord> file;
    private readonly string unit;
    private readonly UnitFiles files;
    private ServiceRecord record;
    private ServiceObject spec;

    /// <summary>What is asked of systemd now, and what is done with its answer; an answer to an older question is dropped.</summary>
    private Task<UnitState>? asked;
    private Action<UnitState, DateTimeOffset> then = (_, _) => { };
    private bool dropped;

    private DateTimeOffset startedAt;
    private DateTimeOffset due;
    private DateTimeOffset nextCheck;
    private string? ended;
    private int? ends;
    private bool fresh;
    private bool start;
    private ServiceUnit? made;

    public UnitService(SupervisorContext context, ServiceRecord record)
    {
        (this.context, this.record) = (context, record with { IsUnit = true });
        file = new(context.RecordPath(record.App, record.Name), HostJson.Default.ServiceRecord);
        spec = SupervisedService.Parse(record.Spec);
        unit = ServiceUnit.NameOf(context.Options.Site, record.App, record.Name);
        files = new UnitFiles(context.Options.Units?.Folder ?? UnitHost.UsualFolder, unit, VariablesPath);
        Health = new ServiceHealth(context.Prober);
    }

    public ServiceRecord Record => record;

    public ServiceHealth Health { get; }

    public bool Gone { get; private set; }

    public bool Left { get; private set; }

    private bool IsUp => record.Phase == ServicePhase.Running && ProcTable.IsAlive(record.Process);

    private string VariablesPath => $"{context.Options.StateFolder}/services/{record.App}.{record.Name}.env";

    public bool Runs(DesiredService wanted) => !record.Removing && record.SpecDigest == wanted.SpecDigest.Text
        && record.Phase is ServicePhase.Running or ServicePhase.Waiting or ServicePhase.Ended && record.Attempt > 0;

    public void Recover(DateTimeOffset now)
    {
        var sameBoot = record.Boot == context.Boot;
        switch (record.Phase)
        {
            case ServicePhase.Starting:
                fresh = true;
                break;
            case ServicePhase.Running when sameBoot && IsUp:
                Health.Reset(adopted: true);
                HostLog.Adopted(context.Log, record.Key, record.Pid);
                break;
            case ServicePhase.Running when sameBoot:
                ended = "ended while the agent was away";
                break;
            case ServicePhase.Ended when sameBoot || spec.Restart.When == RestartWhen.Never:
                Health.Ended(record.ExitCode == 0 ? null : $"service '{record.Key}' ended");
                break;
            case ServicePhase.Running or ServicePhase.Ended:
                // A boot ends everything, is nobody's failure, and systemd has started what it should.
                record = record with { Phase = ServicePhase.Waiting, Pid = 0, Started = 0, Boot = context.Boot };
                break;
        }
    }

    /// <summary>Runs the recorded specification, of which nothing runs, as a unit.</summary>
    /// <param name="now">Now.</param>
    /// <param name="how">How what ran before ended; null: it did not run.</param>
    public void Begin(DateTimeOffset now, string? how)
    {
        ended = how;
        record = record with { Phase = ServicePhase.Starting, Pid = 0, Started = 0, Boot = context.Boot };
        fresh = true;
        TrySave();
        Beat(now);
    }

    public void Want(DesiredService wanted, DateTimeOffset now)
    {
        if (Runs(wanted)) return;
        var next = ServiceRecord.Of(wanted) with
        {
            IsUnit = true, Phase = ServicePhase.Starting, Attempt = 1, Boot = context.Boot,
        };
        file.Write(next);
        (record, spec, ended, start, due, fresh) = (next, wanted.Object, null, false, default, true);
        dropped = asked is not null;
        Health.Reset(adopted: false);
        context.Tell(new ApplyEvent.Cleared(ConditionCodes.ServiceCrashLooping, record.Key));
        Beat(now);
    }

    public void Remove(DateTimeOffset now) => Stop(removing: true, now);

    public void Leave(DateTimeOffset now) => Stop(removing: false, now);

    public void Beat(DateTimeOffset now)
    {
        Take(now);
        if (record.Phase == ServicePhase.Running) Settle(now);
        if (asked is null && now >= due && !Gone && !Left) Ask(now);
        Health.Beat(record, spec, startedAt, now, context.Stop);
    }

    public void Rotate() => LogRotation.Rotate(context.LogPath(record.App, record.Name), spec.Logs);

    public void Detach()
    {
        // systemd has it; there is nothing to let go of.
    }

    private void Stop(bool removing, DateTimeOffset now)
    {
        record = record with { Phase = ServicePhase.Stopping, Removing = removing };
        file.Write(record);
        dropped = asked is not null;
        due = default;
        Health.Reset(adopted: false);
        Beat(now);
    }

    private void Ask(DateTimeOffset now)
    {
        switch (record.Phase)
        {
            case ServicePhase.Stopping:
                Question(UnitManager.RemoveAsync(unit, files, context.Stop), (_, _) => Stopped());
                break;
            case ServicePhase.Starting:
            case ServicePhase.Waiting when start || fresh:
                Put(null, now);
                break;
            case ServicePhase.Waiting:
                if (Wanted(now) is not { } wanted) break;
                if (files.Difference(wanted) is not null) Put(null, now);
                else Question(UnitManager.LookAsync(unit, context.Stop), See);
                break;
            case ServicePhase.Running when !IsUp:
                Question(UnitManager.LookAsync(unit, context.Stop), See);
                break;
            case ServicePhase.Running or ServicePhase.Ended when now >= nextCheck:
                Check(now);
                break;
        }
    }

    private void Check(DateTimeOffset now)
    {
        nextCheck = now + context.Options.DriftInterval;
        if (Wanted(now) is not { } wanted || files.Difference(wanted) is not { } difference) return;
        if (record.Phase == ServicePhase.Running) Put(difference, now);
        else Question(UnitManager.PutFilesAsync(unit, files, wanted, context.Stop), (_, _) => Repaired(difference));
    }

    private void Put(string? difference, DateTimeOffset asOf)
    {
        made = null;
        if (Wanted(asOf) is not { } wanted) return;
        var replaces = record.Phase == ServicePhase.Starting || fresh;
        difference ??= replaces ? null : files.Difference(wanted);
        Question(UnitManager.PutAsync(unit, files, wanted, replaces, context.Stop), (state, now) =>
        {
            if (start || fresh) ends = 0;
            (start, fresh) = (false, false);
            if (difference is not null) Repaired(difference);
            // What was ended by the repair did not end by itself.
            if (difference is not null && state.Pid != record.Pid) record = record with { Pid = 0, Started = 0 };
            See(state, now);
        });
    }

    private void Repaired(string difference)
    {
        var text = $"service '{record.Key}': its unit {unit} {difference} and is as it should be again";
        context.Tell(new ApplyEvent.Raised(ConditionCodes.DriftRepaired, unit, text));
    }

    private void Question(Task<UnitState> task, Action<UnitState, DateTimeOffset> answer) => (asked, then) = (task, answer);

    private void Take(DateTimeOffset now)
    {
        if (asked is not { IsCompleted: true } done) return;
        asked = null;
        if (!dropped)
        {
            if (done.IsCompletedSuccessfully) then(done.Result, now);
            else if (!done.IsCanceled) Refused(done.Exception!.InnerException!, now);
        }
        dropped = false;
    }

    private void Stopped()
    {
        context.Tell(new ApplyEvent.Cleared(ConditionCodes.ServiceCrashLooping, record.Key));
        HostLog.Stopped(context.Log, record.Key);
        if (record.Removing)
        {
            file.Delete();
            LogRotation.Remove(context.LogPath(record.App, record.Name));
            Gone = true;
            return;
        }
        record = record with { IsUnit = false, Phase = ServicePhase.Waiting, Pid = 0, Started = 0, Id = "" };
        file.Write(record);
        Left = true;
    }

    /// <summary>The unit as it should be; null when there are no words for it, which is then what is told.</summary>
    private ServiceUnit? Wanted(DateTimeOffset now)
    {
        // Accounts may be far away, in a directory of the network: they are not looked up for every look at a file.
        if (made is { } known && known.Enabled == IsEnabled) return known;
        try
        {
            var place = context.Launcher.PlaceOf(spec, record.Key, context.LogPath(record.App, record.Name), VariablesPath);
            return made = ServiceUnit.Of(spec, place with { Enabled = IsEnabled });
        }
        catch (StepException) when (IsUp)
        {
            // What runs runs on, as with any other cause that only a start would meet.
            return null;
        }
        catch (StepException e)
        {
            Down($"could not be started: {e.Message}", null, now);
            return null;
        }
    }

    /// <summary>What should run once has done so, and a boot is no reason to do it again.</summary>
    private bool IsEnabled => spec.Restart.When != RestartWhen.Never || record.Phase != ServicePhase.Ended;

    private void TrySave()
    {
        try
        {
            file.Write(record);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            ApplyLog.NotSaved(context.Log, record.Key, e.Message);
        }
    }
}
