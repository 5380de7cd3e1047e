using Capillary.HubNode.Observe;
using Capillary.HubNode.Publish;
using Capillary.HubNode.Storage;
using Microsoft.Data.Sqlite;
using Microsoft.Extensions.Logging;

namespace Capillary.HubNode.Rollout;

/// <summary>What a sync came to.</summary>
/// <param name="Commit">The newest commit seen; null before the first.</param>
/// <param name="Release">The newest good release; 0 before the first.</param>
/// <param name="Problem">Why the newest commit is not that release; null when it is.</param>
internal sealed record SyncResult(string? Commit, long Release, string? Problem);

/// <summary>Polls the fleet repository: a commit becomes a release, or is kept as failed with its diagnostics and changes
/// nothing.</summary>
internal sealed partial class CommitLoop(CommitSource source, ReleaseBook releases, HubDatabase database, HubConditions conditions,
    TimeSpan every, TimeProvider time, ILogger<CommitLoop> log)
{
    private readonly SemaphoreSlim turn = new(1);
    private string? taken;
    private string? problem;

    /// <summary>Called after a new release is durable.</summary>
    public Action Changed { get; set; } = () => { };

    public async Task RunAsync(CancellationToken stop)
    {
        while (true)
        {
            await SyncAsync(stop);
            await Task.Delay(every, time, stop);
        }
    }

    /// <summary>Looks once, now; returns when what was found is dealt with.</summary>
    public async Task<SyncResult> SyncAsync(CancellationToken stop)
    {
        await turn.WaitAsync(stop);
        try
        {
            await StepAsync(stop);
            return new(taken, releases.Newest?.Number ?? 0, problem);
        }
        finally
        {
            turn.Release();
        }
    }

    private async Task StepAsync(CancellationToken stop)
    {
        try
        {
            var outcome = await source(taken, stop);
            Reached(outcome);
            if (outcome is { Rewrote: { } before }) Rewritten(before, outcome);
            switch (outcome)
            {
                case CommitOutcome.DoesNotCompile failed: Fail(failed); break;
                case CommitOutcome.Compiled compiled: await KeepAsync(compiled, stop); break;
            }
        }
        catch (Exception e) when (e is IOException or SqliteException or UnauthorizedAccessException)
        {
            problem = $"the release cannot be kept: {e.Message}";
            if (conditions.Raise(HubConditions.ReleaseNotKept, $"{problem}; make space on the hub's disk, the last release stays in force"))
                LogNotKept(e.Message);
        }
    }

    private void Reached(CommitOutcome outcome)
    {
        if (outcome is CommitOutcome.Unreachable { Error: var error })
        {
            problem = $"the fleet repository cannot be read: {FirstLine(error)}";
            if (conditions.Raise(HubConditions.GitUnreachable, $"{problem}; the last release stays in force")) LogUnreachable(error);
        }
        else if (conditions.Clear(HubConditions.GitUnreachable) && outcome is CommitOutcome.Unchanged)
        {
            problem = conditions.All.FirstOrDefault(condition => condition.Code == HubConditions.CommitFailed)?.Text;
        }
    }

    // The rest of what git says is advice to somebody at a terminal.
    private static string FirstLine(string text) => text.ReplaceLineEndings("\n").Split('\n')[0];

    /// <summary>A rewritten branch is followed like any other, but nobody should have to wonder where a commit went.</summary>
    private void Rewritten(string before, CommitOutcome outcome)
    {
        var now = outcome is CommitOutcome.Compiled compiled ? compiled.Commit.Id : ((CommitOutcome.DoesNotCompile)outcome).Commit.Id;
        LogRewritten(before, now);
        database.Write(db =>
            JournalTable.Append(db, time.GetUtcNow(), "hub", "branch.rewritten", new { commit = before }, new { commit = now }));
    }

    private void Fail(CommitOutcome.DoesNotCompile failed)
    {
        if (database.Read(ReleaseTables.LastFailed)?.Commit.Id != failed.Commit.Id)
            database.Write(db => ReleaseTables.AddFailed(db, new(failed.Commit, time.GetUtcNow(), failed.DiagnosticsJson)));
        var errors = failed.Errors == 1 ? "1 error" : $"{failed.Errors} errors";
        problem = $"commit {failed.Commit.Id[..Math.Min(12, failed.Commit.Id.Length)]} does not compile: {errors}";
        conditions.Raise(HubConditions.CommitFailed, problem);
        conditions.Clear(HubConditions.ReleaseNotKept);
        taken = failed.Commit.Id;
        LogFailed(failed.Commit.Id, failed.Errors);
    }

    private async Task KeepAsync(CommitOutcome.Compiled compiled, CancellationToken stop)
    {
        var before = releases.Newest;
        var release = await releases.AddAsync(compiled.Commit, compiled.Content, stop);
        (taken, problem) = (compiled.Commit.Id, null);
        conditions.Clear(HubConditions.CommitFailed);
        conditions.Clear(HubConditions.ReleaseNotKept);
        if (ReferenceEquals(release, before)) return;
        LogRelease(release.Number, release.Commit.Id);
        Changed();
    }

    [LoggerMessage(EventId = 2201, Level = LogLevel.Information, Message = "release {Release} of commit {Commit}")]
    private partial void LogRelease(long release, string commit);

    [LoggerMessage(EventId = 2202, Level = LogLevel.Warning,
        Message = "commit {Commit} does not compile; errors: {Errors}; nothing changes")]
    private partial void LogFailed(string commit, int errors);

    [LoggerMessage(EventId = 2203, Level = LogLevel.Warning, Message = "the fleet repository cannot be read: {Problem}")]
    private partial void LogUnreachable(string problem);

    [LoggerMessage(EventId = 2204, Level = LogLevel.Error, Message = "the release cannot be kept: {Problem}")]
    private partial void LogNotKept(string problem);

    [LoggerMessage(EventId = 2205, Level = LogLevel.Warning,
        Message = "the branch was rewritten: it held {Before} and now holds {Now}, which does not come after it; the branch is followed")]
    private partial void LogRewritten(string before, string now);
}
