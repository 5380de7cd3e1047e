using System.Diagnostics;
using Capillary.Core.Identity;
using Capillary.Core.Reports;
using Capillary.Core.Trust;
using Capillary.Node.Carry;
using Capillary.Node.Hosting;
using Capillary.Node.Journal;

namespace Capillary.EdgeAgent.Commands;

/// <summary><c>import</c> and <c>receipts</c>: the site's end of a stick.</summary>
internal static class CarryCommands
{
    private static readonly TimeSpan LookEvery = TimeSpan.FromMilliseconds(250);

    // Taking in is moving files and reading them once; a slow disk reads a large bundle in this time.
    private static readonly TimeSpan TakenWithin = TimeSpan.FromMinutes(10);

    public static async Task<int> ImportAsync(string data, string stick, bool isWaiting, TimeSpan waitFor, CancellationToken stop)
    {
        if (Missing(data) is { } missing) return EdgeCommands.Fail(1, missing);
        var home = new NodeHome(data);
        var import = new CarryImport(home, Tell);
        var incoming = new Incoming(home);
        using var turn = incoming.Lock();
        var had = import.ReadAccepted();
        var line = await import.RunAsync(stick, incoming, stop);
        var what = $"generation {line.State.Generation}";
        if (!IsRunning(home))
        {
            var next = $"the agent does not run; it takes {what} when it starts: capillary-edge run --data {home.Folder}";
            return isWaiting ? EdgeCommands.Fail(1, next) : EdgeCommands.Print(next);
        }
        if (!await HoldsAsync(() => !incoming.IsThere, TakenWithin, stop))
            return EdgeCommands.Fail(1, $"the agent has not taken {what} yet; see its log");
        if (incoming.Refusal is { } refusal) return EdgeCommands.Fail(1, $"the agent refused {what}: {refusal}");
        Tell(had.Generation == line.State.Generation ? $"this site had {what} already; nothing changed" : $"the agent took {what}");
        if (!isWaiting) return 0;
        return await WaitAsync(home, stick, line.Assignment.Since, waitFor, stop);
    }

    public static int LeaveReceipt(string data, string stick)
    {
        if (Missing(data) is { } missing) return EdgeCommands.Fail(1, missing);
        if (!Directory.Exists(stick)) return EdgeCommands.Fail(1, $"{stick}: no such folder; is the stick mounted?");
        return EdgeCommands.Print(WriteReceipt(new NodeHome(data), stick));
    }

    private static async Task<int> WaitAsync(NodeHome home, string stick, long since, TimeSpan waitFor, CancellationToken stop)
    {
        ReportPhase? shown = null;
        var isSettled = await HoldsAsync(() =>
        {
            var report = LastReport(home);
            if (report?.Since >= since && report.Phase != shown) Tell($"the site is {Words(report.Phase)}");
            if (report?.Since >= since) shown = report.Phase;
            return report?.Since >= since && report.Phase is ReportPhase.Healthy or ReportPhase.Reverted or ReportPhase.Degraded;
        }, waitFor, stop);
        Tell(WriteReceipt(home, stick));
        var last = LastReport(home);
        foreach (var condition in last?.Conditions ?? []) Tell($"{condition.Code}: {condition.Text}");
        if (!isSettled)
            return EdgeCommands.Fail(1, $"not healthy in {waitFor.TotalMinutes:0} minutes; it goes on by itself: capillary-edge status");
        return last!.Phase == ReportPhase.Healthy
            ? EdgeCommands.Print($"healthy on generation {last.Generation}")
            : EdgeCommands.Fail(1, $"the site is {Words(last.Phase)}; what it says is in the receipt");
    }

    /// <summary>The last signed report as a receipt; says where it stands.</summary>
    private static string WriteReceipt(NodeHome home, string stick)
    {
        var settings = home.LoadSettings();
        var path = home.FileOf("report.json");
        if (!File.Exists(path)) throw new InvalidDataException($"{path}: this agent has not reported yet; is it running?");
        var receipt = new Receipt(1, settings.Fleet, new SiteId(settings.Node.Value), [Envelope.Parse(File.ReadAllBytes(path))]);
        var folder = Directory.CreateDirectory(Path.Combine(stick, Receipt.FolderName)).FullName;
        var target = Path.Combine(folder, $"{settings.Node}.json");
        // Not as private files are written: whoever carries the stick must be able to read it, and it is no secret.
        using (var file = new FileStream(target + ".part", FileMode.Create, FileAccess.Write, FileShare.None, 1))
        {
            file.Write(receipt.ToBytes());
            file.Flush(flushToDisk: true);
        }
        File.Move(target + ".part", target, overwrite: true);
        DurableFolder.Flush(folder);
        return $"receipt: {target}; take it in where the hub is: capillary site receive DIR";
    }

    private static Report? LastReport(NodeHome home)
    {
        try
        {
            var record = NodeRecord.Verify(home.LoadRecord(), home.LoadTrust().Trust.Root);
            return Report.Verify(Envelope.Parse(File.ReadAllBytes(home.FileOf("report.json"))), record);
        }
        catch (Exception e) when (e is FileNotFoundException or TrustFormatException)
        {
            return null;
        }
    }

    private static string? Missing(string data) => Directory.Exists(data)
        ? null
        : $"{data}: no such folder; join first: capillary-edge join FILE --data {data}";

    /// <summary>An agent holds this file's lock as long as it runs.</summary>
    private static bool IsRunning(NodeHome home)
    {
        try
        {
            using var free = new FileStream(home.FileOf("apply/lock"), FileMode.Open, FileAccess.Read, FileShare.Read);
            return false;
        }
        catch (Exception e) when (e is FileNotFoundException or DirectoryNotFoundException)
        {
            return false;
        }
        catch (IOException)
        {
            return true;
        }
    }

    private static async Task<bool> HoldsAsync(Func<bool> holds, TimeSpan within, CancellationToken stop)
    {
        // Not the clock: a site's may be set at any moment.
        for (var since = Stopwatch.StartNew(); !holds();)
        {
            if (since.Elapsed > within) return false;
            await Task.Delay(LookEvery, stop);
        }
        return true;
    }

    private static string Words(ReportPhase phase) => phase.ToString().ToLowerInvariant();

    private static void Tell(string text) => Console.Error.WriteLine(text);
}
