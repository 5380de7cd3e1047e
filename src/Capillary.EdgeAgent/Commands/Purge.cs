using System.Text.Json;
using Capillary.EdgeAgent.Apply.Host;
using Capillary.Node.Hosting;

namespace Capillary.EdgeAgent.Commands;

/// <summary>Ends what an agent left running and removes its folder. There is no way back.</summary>
internal static class Purge
{
    private static readonly TimeSpan Grace = TimeSpan.FromSeconds(10);
    private static readonly TimeSpan Look = TimeSpan.FromMilliseconds(100);

    /// <summary>Why this folder is not removed; null: it is an agent's, or is not there.</summary>
    public static string? Problem(string folder) =>
        !Directory.Exists(folder) || File.Exists(Path.Combine(folder, "identity.pem")) ? null
            : $"{folder}: is not an agent's folder (it holds no identity.pem); nothing is removed";

    /// <summary>The unit is stopped and disabled by now.</summary>
    /// <exception cref="InvalidDataException">Another agent still runs on it.</exception>
    public static async Task RunAsync(string folder, TimeProvider time, CancellationToken stop)
    {
        if (!Directory.Exists(folder)) return;
        if (SiteLook.RunsOn(folder))
            throw new InvalidDataException($"{folder}: an agent still runs on this folder, started by hand; stop it, then do this again");
        await EndUnitsAsync(folder, stop);
        var services = Services(folder);
        foreach (var service in services) _ = Libc.Signal(-service.Pid, Libc.Terminate);
        var until = time.GetUtcNow() + Grace;
        while (services.Exists(ProcTable.IsAlive) && time.GetUtcNow() < until) await Task.Delay(Look, time, stop);
        foreach (var service in services.Where(ProcTable.IsAlive)) _ = Libc.Signal(-service.Pid, Libc.Kill);
        Directory.Delete(folder, recursive: true);
    }

    private static async Task EndUnitsAsync(string folder, CancellationToken stop)
    {
        if (!File.Exists(Path.Combine(folder, "node.json"))) return;
        var site = new NodeHome(folder).LoadSettings().Node.Value;
        foreach (var record in Records(folder).Where(record => record.IsUnit))
        {
            var unit = ServiceUnit.NameOf(site, record.App, record.Name);
            await UnitManager.RemoveAsync(unit, new UnitFiles(UnitHost.UsualFolder, unit, $"{folder}/apply/services/{unit}.env"), stop);
        }
    }

    private static List<ProcessMark> Services(string folder)
    {
        var boot = ProcTable.BootId();
        return [.. Records(folder).Where(record => record.Boot == boot).Select(record => record.Process).Where(ProcTable.IsAlive)];
    }

    private static List<ServiceRecord> Records(string folder)
    {
        var records = Path.Combine(folder, "apply", "services");
        return Directory.Exists(records) ? [.. Directory.EnumerateFiles(records, "*.json").Select(Read).OfType<ServiceRecord>()] : [];
    }

    private static ServiceRecord? Read(string path)
    {
        try
        {
            return JsonSerializer.Deserialize(File.ReadAllBytes(path), HostJson.Default.ServiceRecord);
        }
        catch (JsonException)
        {
            return null;
        }
    }
}
