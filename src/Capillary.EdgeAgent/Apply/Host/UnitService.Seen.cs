using Capillary.Core.Apply;

namespace Capillary.EdgeAgent.Apply.Host;

/// <summary>What is made of what systemd says.</summary>
internal sealed partial class UnitService
{
    private void See(UnitState state, DateTimeOffset now)
    {
        var found = state.IsUp && state.Pid > 0 ? ProcTable.Find(state.Pid) : null;
        var died = record.Phase == ServicePhase.Running && record.Pid > 0 && found != record.Process;
        // Some ends are too quick to be seen, but systemd counts them.
        var counted = ends is { } known ? Math.Max(0, state.Ends - known) : 0;
        // Another process, and systemd did not start it because the one before ended: somebody restarted the unit.
        var restarted = found is not null && ends is not null && counted == 0;
        ends = state.Ends;
        var byHand = died && (restarted || (found is null && state.Active == "inactive"));
        if (died || counted > 0) Died(found is null ? state.ExitCode : null, byHand, Math.Max(1, counted), now);
        if (found is { } process) Up(process, now);
        else if (state.IsMoving || state.IsUp) Rest(now);
        else if (state.IsBroken) Down($"could not be started: systemd calls its unit '{state.Load}'", null, now);
        else IsDown(state, now);
    }

    private void Up(ProcessMark process, DateTimeOffset now)
    {
        if (record.Phase == ServicePhase.Running && record.Process == process) return;
        record = record with
        {
            Phase = ServicePhase.Running, Pid = process.Pid, Started = process.Started, Boot = context.Boot,
            Attempt = record.Attempt + (record.Phase == ServicePhase.Starting ? 0 : 1),
        };
        TrySave();
        (startedAt, due, nextCheck) = (now, default, now);
        Health.Reset(adopted: false);
        HostLog.Started(context.Log, record.Key, record.Pid, record.Attempt);
        if (ended is not { } text) return;
        ended = null;
        var told = $"service '{record.Key}' {text} and was started again";
        context.Tell(new ApplyEvent.Raised(ConditionCodes.DriftRepaired, record.Key, told));
    }

    /// <summary>What ran is no more.</summary>
    private void Died(int? code, bool byHand, int times, DateTimeOffset now)
    {
        var wanted = RestartBackoff.Again(spec.Restart, code);
        // systemd starts again what should run, unless somebody told it not to.
        var text = byHand && wanted ? "was stopped by hand" : Words(code);
        ended = text;
        var ran = record.Phase == ServicePhase.Running ? now - startedAt : TimeSpan.Zero;
        var failures = byHand && wanted ? record.Failures : RestartBackoff.Count(record.Failures, ran) + times - 1;
        record = record with { Phase = ServicePhase.Waiting, Failures = failures, ExitCode = code, Pid = 0, Started = 0 };
        TrySave();
        Health.Ended(wanted || code != 0 ? $"service '{record.Key}' {text}" : null);
        HostLog.Ended(context.Log, record.Key, text, failures);
        if (!(byHand && wanted)) TellLoop(text);
    }

    private void TellLoop(string text)
    {
        if (record.Failures < RestartBackoff.CrashLoop) return;
        var told = $"service '{record.Key}' {text}, {record.Failures} times in a row";
        context.Tell(new ApplyEvent.Raised(ConditionCodes.ServiceCrashLooping, record.Key, told));
    }

    /// <summary>systemd waits before it starts it again.</summary>
    private void Rest(DateTimeOffset now)
    {
        if (record.Phase != ServicePhase.Waiting) record = record with { Phase = ServicePhase.Waiting };
        due = now + (record.Failures < RestartBackoff.CrashLoop ? Pause : LongPause);
    }

    /// <summary>It is down, and systemd leaves it so.</summary>
    private void IsDown(UnitState state, DateTimeOffset now)
    {
        if (state.ExitCode is { } code && !RestartBackoff.Again(spec.Restart, code))
        {
            ended = null;
            record = record with { Phase = ServicePhase.Ended, ExitCode = code, Pid = 0, Started = 0, Boot = context.Boot };
            TrySave();
            nextCheck = default;
            Health.Ended(code == 0 ? null : $"service '{record.Key}' {Words(code)}");
            // What should run once loses its place in the next boot.
            if (Wanted(now) is { } wanted && files.Difference(wanted) is not null)
                Question(UnitManager.PutFilesAsync(unit, files, wanted, context.Stop), (_, _) => { });
            return;
        }
        start = true;
        if (record.Phase == ServicePhase.Waiting && ended is "was stopped by hand") due = now;
        else Down(ended ?? "does not run", state.ExitCode, now);
    }

    /// <summary>It could not be brought up: again after a while that grows.</summary>
    private void Down(string text, int? code, DateTimeOffset now)
    {
        var failures = record.Failures + 1;
        record = record with { Phase = ServicePhase.Waiting, Failures = failures, ExitCode = code, Pid = 0, Started = 0 };
        TrySave();
        (start, ended) = (true, text);
        due = now + RestartBackoff.Delay(spec.Restart, failures);
        Health.Ended($"service '{record.Key}' {text}");
        HostLog.Ended(context.Log, record.Key, text, failures);
        TellLoop(text);
    }

    private void Refused(Exception problem, DateTimeOffset now)
    {
        HostLog.UnitFailed(context.Log, record.Key, problem.Message);
        if (record.Phase == ServicePhase.Stopping || IsUp) due = now + LongPause;
        else Down($"could not be started: {problem.Message}", null, now);
    }

    /// <summary>It ran long enough: its failures are forgotten here and there.</summary>
    private void Settle(DateTimeOffset now)
    {
        if (record.Failures == 0 || now - startedAt < RestartBackoff.StableAfter) return;
        record = record with { Failures = 0 };
        TrySave();
        context.Tell(new ApplyEvent.Cleared(ConditionCodes.ServiceCrashLooping, record.Key));
        _ = UnitManager.ForgetAsync(unit, context.Stop);
    }

    private static string Words(int? code) => code is null ? "ended"
        : code > 128 ? $"was ended by signal {code - 128}" : $"ended with exit code {code}";
}
