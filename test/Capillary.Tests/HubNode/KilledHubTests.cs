using System.Diagnostics;
using Capillary.Core.Bundles;
using Capillary.Core.Identity;
using Capillary.Core.Trust;
using Capillary.HubNode;
using Capillary.HubNode.Storage;
using Capillary.Node.Blobs;
using Capillary.Node.Child;
using Capillary.Tests.HubNode.Git;
using Xunit;

namespace Capillary.Tests.HubNode;

/// <summary>A real hub process, killed while it compiles, signs and publishes.</summary>
public sealed class KilledHubTests
{
    private static readonly TimeSpan Deadline = TimeSpan.FromSeconds(60);

    [Fact]
    public async Task A_killed_hub_keeps_every_generation_it_signed_and_goes_on()
    {
        using var folder = new TempFolder();
        using var repository = new TestRepository();
        repository.Write(Fleet.CaseFile.Base());
        repository.Commit("first");
        HubFolder.Init(folder.Of("hub"), new FleetName("clinics"), TimeProvider.System.GetUtcNow());
        var random = new Random(1);
        var signed = new Dictionary<long, Digest>();
        for (var round = 1; round <= 4; round++)
        {
            using var hub = Start(folder, repository);
            await UntilAsync(() => Generations(folder).Count > signed.Count || round > 1, hub);
            repository.Write("regions/eu.yaml",
                Fleet.CaseFile.Base()["regions/eu.yaml"].Replace("desk eu", $"desk {round}", StringComparison.Ordinal));
            repository.Commit($"round {round}");
            // Somewhere between the look at Git and the pointer; what is asserted holds wherever it hits.
            using (var moment = new CancellationTokenSource(random.Next(50, 2500)))
                await hub.WaitForExitAsync(moment.Token).ContinueWith(_ => { }, TaskScheduler.Default);
            hub.Kill();
            await hub.WaitForExitAsync();
            foreach (var (generation, digest) in signed) Assert.Equal(digest, Generations(folder)[generation]);
            foreach (var (generation, digest) in Generations(folder)) signed[generation] = digest;
            HoldsWhatItSigned(folder);
        }
        using var last = Start(folder, repository);
        await UntilAsync(() => Newest(folder)?.Commit.Subject == "round 4" && Generations(folder).Count > 0, last);
        last.Kill();
        await last.WaitForExitAsync();
        HoldsWhatItSigned(folder);
    }

    private static Process Start(TempFolder folder, TestRepository repository)
    {
        var start = new ProcessStartInfo("dotnet",
        [
            Path.Combine(AppContext.BaseDirectory, "capillary.dll"), "hub", "run", "--data", folder.Of("hub"), "--repo", repository.Work,
            "--listen", "127.0.0.1:0", "--poll-ms", "100",
        ]) { RedirectStandardOutput = true, RedirectStandardError = true };
        var process = Process.Start(start)!;
        process.OutputDataReceived += (_, _) => { };
        process.ErrorDataReceived += (_, _) => { };
        process.BeginOutputReadLine();
        process.BeginErrorReadLine();
        return process;
    }

    private static async Task UntilAsync(Func<bool> holds, Process hub)
    {
        using var deadline = new CancellationTokenSource(Deadline);
        while (!holds())
        {
            Assert.False(hub.HasExited, "the hub ended by itself");
            await Task.Delay(20, deadline.Token);
        }
    }

    private static Dictionary<long, Digest> Generations(TempFolder folder) => Read(folder, db =>
        db.Query("SELECT generation, checkpoint FROM plans", row => (row.GetInt64(0), Envelope.Parse(row.Bytes(1)).Digest))).ToDictionary();

    private static Release? Newest(TempFolder folder) => Read(folder, ReleaseTables.Newest);

    private static void HoldsWhatItSigned(TempFolder folder)
    {
        var lines = Read(folder, db => PlanTables.Lines(db, HubStart.NewestRoot(RecordTables.TrustRoots(db))));
        using var blobs = new BlobStore(folder.Of("hub/blobs"));
        foreach (var line in lines)
        {
            Assert.IsType<AcceptResult.Accepted>(Acceptance.Accept(AcceptedLine.None, line.Assignment.Site, line.Checkpoint, line.Line));
            Assert.True(BlobFetcher.IsComplete(blobs, line.Assignment.Bundle));
        }
    }

    private static T Read<T>(TempFolder folder, Func<Microsoft.Data.Sqlite.SqliteConnection, T> read)
    {
        using var database = HubDatabase.Open(folder.Of("hub/hub.db"));
        return database.Read(read);
    }
}
