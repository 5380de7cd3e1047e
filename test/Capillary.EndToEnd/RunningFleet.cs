using System.Collections.Concurrent;
using System.Text.Json;

namespace Capillary.EndToEnd;

/// <summary>A whole fleet of real processes on this machine: hub, regions, sites, over a real Git repository. Ends all that it started.</summary>
internal sealed class RunningFleet : IAsyncDisposable
{
    private readonly ConcurrentDictionary<string, NodeProcess> processes = [];
    private readonly FleetPlan plan;

    private RunningFleet(FleetPlan plan, FleetRepository repository)
    {
        (this.plan, Repository) = (plan, repository);
        Socket = Path.Combine(Folder, "hub", "api.sock");
        Api = new HubApi(Socket);
    }

    public Binaries Binaries => plan.Binaries;

    public string Folder => plan.Folder;

    public IGround Ground => plan.Ground;

    public string Socket { get; }

    public FleetRepository Repository { get; }

    public HubApi Api { get; }

    public IEnumerable<string> Regions => Repository.Sites.Select(site => site.Region).Distinct();

    public string LogOf(string node) => Path.Combine(Folder, "logs", $"{node}.log");

    public int ProcessOf(string node) => processes[node].Id;

    public string AddressOf(string node) => Ground.Listen(node);

    public string HomeOf(string node) => Path.Combine(Folder, node);

    /// <summary>Makes the repository, starts the hub, and lets every region and site join and start.</summary>
    public static Task<RunningFleet> StartAsync(string folder, int sites, Action<string> say, CancellationToken stop) =>
        StartAsync(new FleetPlan(Binaries.Find(), folder, sites), say, stop);

    /// <summary>The same with other executables, and with commits made before the hub looks.</summary>
    public static Task<RunningFleet> StartAsync(Binaries binaries, string folder, int sites,
        Func<FleetRepository, CancellationToken, Task> prepare, Action<string> say, CancellationToken stop) =>
        StartAsync(new FleetPlan(binaries, folder, sites) { Prepare = prepare }, say, stop);

    /// <summary>The same by a plan.</summary>
    public static async Task<RunningFleet> StartAsync(FleetPlan plan, Action<string> say, CancellationToken stop)
    {
        Directory.CreateDirectory(Path.Combine(plan.Folder, "logs"));
        var repository = await FleetRepository.CreateAsync(plan.Binaries, Path.Combine(plan.Folder, "fleet"), plan.Sites, stop);
        await plan.Prepare(repository, stop);
        var fleet = new RunningFleet(plan, repository);
        try
        {
            await plan.Ground.PrepareAsync(["hub", .. fleet.Regions, .. repository.Sites.Select(site => site.Name)], stop);
            await fleet.StartHubAsync(stop);
            say("hub started");
            await fleet.JoinAllAsync(stop);
            say($"{fleet.Regions.Count()} regions and {repository.Sites.Count} sites joined and started");
            return fleet;
        }
        catch
        {
            await fleet.DisposeAsync();
            throw;
        }
    }

    public async Task StartHubAsync(CancellationToken stop)
    {
        var home = HomeOf("hub");
        // The folder may be there already, as a file system of its own.
        if (!File.Exists(Path.Combine(home, "hub.db")))
            await CapillaryAsync(stop, "hub", "init", "--data", home, "--fleet", "medical-edge");
        Start("hub", Binaries.Capillary, ["hub", "run", "--data", home, "--repo", Repository.Folder, "--listen", Ground.Listen("hub"),
            .. plan.HubArguments]);
        await WaitAsync("the hub to answer", async () => (await Api.GetAsync("status", stop)).ValueKind == JsonValueKind.Object, TimeSpan.FromSeconds(60), stop);
        await WaitAsync("the hub to know its fleet", async () => (await Api.SitesAsync(stop)).Count > 0, TimeSpan.FromSeconds(60), stop);
    }

    public void StartRegion(string region, params string[] options) =>
        Start(region, Binaries.Capillary, ["region", "run", "--data", HomeOf(region), "--listen", Ground.Listen(region), .. options]);

    public void StartSite(string site) => Start(site, Binaries.Edge, "run", "--data", HomeOf(site));

    /// <summary>Whether a node's process was started and not ended by the harness.</summary>
    public bool IsStarted(string node) => processes.ContainsKey(node);

    /// <summary>Starts a node again, whatever its tier.</summary>
    public async Task StartAsync(string node, CancellationToken stop)
    {
        if (node == "hub") await StartHubAsync(stop);
        else if (Regions.Contains(node)) StartRegion(node);
        else StartSite(node);
    }

    /// <summary>SIGTERM, as an init system ends one node.</summary>
    public async Task StopAsync(string node)
    {
        if (processes.TryRemove(node, out var process)) await process.DisposeAsync();
    }

    /// <summary>kill -9 of one node; what a site's agent supervises runs on.</summary>
    public async Task KillAsync(string node)
    {
        if (processes.TryRemove(node, out var process))
        {
            await process.KillAsync();
            await process.DisposeAsync();
        }
    }

    public Task<string> CapillaryAsync(CancellationToken stop, params string[] arguments) => NodeProcess.RunAsync(Binaries.Capillary, arguments, stop);

    /// <summary>Waits until every site is healthy on what <paramref name="commit"/> wants of it.</summary>
    public async Task ConvergeAsync(string commit, TimeSpan deadline, CancellationToken stop)
    {
        try
        {
            await WaitAsync($"every site to be healthy on {commit[..8]}", () => IsConvergedAsync(commit, stop), deadline, stop);
        }
        catch (HarnessException e)
        {
            throw new HarnessException($"{e.Message}\n{await DescribeAsync(stop)}");
        }
    }

    /// <summary>Where the fleet stands, for whoever reads a failed run without its folder: rollout, sites, last words of the hub and the unsettled.</summary>
    private async Task<string> DescribeAsync(CancellationToken stop)
    {
        try
        {
            var sites = await Api.SitesAsync(stop);
            var waiting = sites.Where(site => !site.IsSettled).Select(site => site.Site).ToList();
            var logs = ((string[])["hub", .. waiting]).Where(node => File.Exists(LogOf(node)))
                .Select(node => $"-- {node}\n{string.Join('\n', File.ReadLines(LogOf(node)).TakeLast(25))}");
            return string.Join('\n', [(await Api.GetAsync("status", stop)).ToString(), .. sites.Select(site => site.ToString()), .. logs]);
        }
        catch (HttpRequestException e)
        {
            return $"the hub does not answer: {e.Message}";
        }
    }

    public async Task<bool> IsConvergedAsync(string commit, CancellationToken stop)
    {
        var status = await Api.GetAsync("status", stop);
        var rollout = status.GetProperty("rollout");
        // A release is known a moment before its rollout: "complete" may still speak of the one before.
        if (rollout.GetProperty("release").GetInt64() != status.GetProperty("release").GetInt64()) return false;
        if (status.GetProperty("commit").GetString() != commit || rollout.GetProperty("phase").GetString() != "complete") return false;
        var sites = await Api.SitesAsync(stop);
        return sites.Count == Repository.Sites.Count && sites.All(site => site.IsSettled);
    }

    /// <summary>Waits on a level, with a deadline; a node that died meanwhile ends the wait.</summary>
    public async Task WaitAsync(string what, Func<Task<bool>> holds, TimeSpan deadline, CancellationToken stop)
    {
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(stop);
        limit.CancelAfter(deadline);
        var last = "";
        while (true)
        {
            try
            {
                if (await holds()) return;
                await Task.Delay(50, limit.Token);
            }
            catch (Exception e) when (e is HttpRequestException or OperationCanceledException && !limit.IsCancellationRequested)
            {
                last = e.Message;
                await Task.Delay(50, CancellationToken.None);
            }
            catch (OperationCanceledException) when (!stop.IsCancellationRequested)
            {
                throw new HarnessException($"waited {deadline.TotalSeconds:0} s for {what}; {last} logs are in {Path.Combine(Folder, "logs")}");
            }
            if (processes.Values.FirstOrDefault(process => process.HasExited) is { } dead)
                throw new HarnessException($"{dead.Name} ended by itself while waiting for {what}; see {LogOf(dead.Name)}");
        }
    }

    public async ValueTask DisposeAsync()
    {
        Api.Dispose();
        await Task.WhenAll(processes.Values.Select(process => process.DisposeAsync().AsTask()));
        KillBelow(Folder);
    }

    /// <summary>kill -9 of a site's agent and of all it supervises, as a power cut does.</summary>
    public async Task CutPowerAsync(string site)
    {
        await KillAsync(site);
        KillBelow(HomeOf(site));
    }

    /// <summary>The process of a service, as the agent's own record has it.</summary>
    public int ServiceProcess(string site, string service)
    {
        using var json = JsonDocument.Parse(File.ReadAllBytes(Path.Combine(HomeOf(site), "apply", "services", $"{service}.json")));
        return json.RootElement.GetProperty("pid").GetInt32();
    }

    /// <summary>A file below the root of a site.</summary>
    public string RootFile(string site, string path) => Path.Combine(HomeOf(site), "root", path);

    /// <summary>The end of a node's log now.</summary>
    public long LogEnd(string node) => new FileInfo(LogOf(node)).Length;

    /// <summary>The log of a node from a place on, so that a test sees only what it caused.</summary>
    public string LogSince(string node, long from)
    {
        using var file = new FileStream(LogOf(node), FileMode.Open, FileAccess.Read, FileShare.ReadWrite);
        file.Position = from;
        using var reader = new StreamReader(file);
        return reader.ReadToEnd();
    }

    /// <summary>Supervised services outlive their agents by design; the harness ends those that work below a folder.</summary>
    private static void KillBelow(string folder)
    {
        foreach (var process in System.Diagnostics.Process.GetProcesses().Where(process => process.Id != Environment.ProcessId))
        {
            using (process)
            {
                if (WorksBelow(folder, process.Id)) process.Kill();
            }
        }
    }

    private static bool WorksBelow(string folder, int process)
    {
        try
        {
            return File.ResolveLinkTarget($"/proc/{process}/cwd", returnFinalTarget: false)?.FullName.StartsWith(folder + "/", StringComparison.Ordinal) ?? false;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return false;
        }
    }

    private async Task JoinAllAsync(CancellationToken stop)
    {
        foreach (var region in Regions)
        {
            var file = Path.Combine(Folder, $"{region}.join");
            await CapillaryAsync(stop, "region", "enroll", region, "--parent", Ground.Dial(region, "hub"), "--out", file, "--socket", Socket);
            var join = Ground.Command(region, Binaries.Capillary, ["region", "join", file, "--data", HomeOf(region)]);
            await NodeProcess.RunAsync(join.Program, join.Arguments, stop);
            StartRegion(region);
        }
        await Parallel.ForEachAsync(Repository.Sites, new ParallelOptions { MaxDegreeOfParallelism = 3, CancellationToken = stop }, async (site, token) =>
        {
            var file = Path.Combine(Folder, $"{site.Name}.join");
            await CapillaryAsync(token, "site", "enroll", site.Name, "--parent", Ground.Dial(site.Name, site.Region), "--out", file, "--socket", Socket);
            await JoinSiteAsync(site, file, token);
            StartSite(site.Name);
        });
    }

    /// <summary>Enrolls a site and starts its agent, which joins by itself and applies to a cluster.</summary>
    public async Task StartClusterAsync(DemoSite site, string kubeconfig, CancellationToken stop)
    {
        var file = Path.Combine(Folder, $"{site.Name}.join");
        await CapillaryAsync(stop, "site", "enroll", site.Name, "--parent", Ground.Dial(site.Name, site.Region), "--out", file,
            "--socket", Socket);
        Start(site.Name, Binaries.Edge, "run", "--data", HomeOf(site.Name), "--join", file, "--kubeconfig", kubeconfig);
    }

    public async Task JoinSiteAsync(DemoSite site, string file, CancellationToken stop)
    {
        // The site's own allow-list: on this machine the fleet's user "lab" is whoever runs the demo.
        string[] arguments = ["join", file, "--data", HomeOf(site.Name), "--user", $"lab={Environment.UserName}"];
        if (Environment.UserName == "root") arguments = [.. arguments, "--allow-root"];
        // A region that has just started may not have its link to the hub yet.
        var join = Ground.Command(site.Name, Binaries.Edge, arguments);
        await WaitAsync($"{site.Name} to join", async () =>
            (await NodeProcess.TryRunAsync(join.Program, join.Arguments, stop)).Code == 0, TimeSpan.FromSeconds(90), stop);
    }

    private void Start(string name, string program, params string[] arguments)
    {
        var command = Ground.Command(name, program, arguments);
        processes[name] = NodeProcess.Start(name, LogOf(name), command.Program, command.Arguments);
    }
}
