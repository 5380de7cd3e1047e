using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Net.Http.Headers;
using System.Text;
using System.Text.Json;
using Capillary.Tests.Kubernetes;

namespace Capillary.EndToEnd;

/// <summary>
/// The demo's scene of a site that is a Kubernetes cluster. It leaves the cluster as it found it, also when the demo is stopped.
/// </summary>
internal sealed class DemoCluster(RunningFleet fleet, string kubeconfig, Action<string> say) : IAsyncDisposable
{
    private const string Page = "/api/v1/namespaces/lab-portal/configmaps/page";
    private const string Moves = "The portal moves on Sunday.";
    private static readonly TimeSpan Deadline = TimeSpan.FromSeconds(150);

    // The app's own, and where an agent keeps its lists unless its pod says otherwise.
    private static readonly string[] Spaces = ["lab-portal", "capillary-system"];
    private static readonly DemoSite Site = FleetRepository.Cluster;
    private readonly HttpClient http = Kubeconfig.Connect(kubeconfig);
    private bool isOurs;

    /// <summary>What a person may try.</summary>
    public string Hint => $"""
          kubectl --kubeconfig {kubeconfig} -n lab-portal edit configmap page
                                                   {Site.Name} puts it back; capillary site show {Site.Name} says who it was

        """;

    /// <summary>Makes sure that the cluster holds nothing that the demo would take for its own.</summary>
    public async Task PrepareAsync(CancellationToken stop)
    {
        foreach (var space in Spaces)
        {
            if (await FindAsync($"/api/v1/namespaces/{space}", stop) is not null)
                throw new HarnessException($"the cluster has a namespace {space}, which the demo would remove; give another cluster");
        }
        isOurs = true;
    }

    /// <summary>One more site: it becomes healthy, puts back what a hand changed, and follows a commit.</summary>
    public async Task ShowAsync(CancellationToken stop)
    {
        fleet.Repository.DeclareCluster(fleet.Binaries);
        var commit = await fleet.Repository.CommitAsync("a cluster becomes a site", stop);
        await fleet.WaitAsync($"the hub to know {Site.Name}", async () => await RowAsync(stop) is not null, Deadline, stop);
        await fleet.StartClusterAsync(Site, kubeconfig, stop);
        await RunsAsync(commit, stop);
        say($"{Site.Name} is healthy: the objects of app lab-portal are on the cluster at {http.BaseAddress}");
        await EditAsync(stop);
        await ChangeAsync(stop);
    }

    /// <summary>The site is closed: its agent removes what it owns, and its key ends.</summary>
    public async Task RetireAsync(CancellationToken stop)
    {
        File.Delete(Path.Combine(fleet.Repository.Folder, Site.File));
        await fleet.Repository.CommitAsync("the cluster's site is closed", stop);
        await fleet.WaitAsync($"{Site.Name} to be retired", async () => (await NodeProcess.TryRunAsync(fleet.Binaries.Capillary,
            ["site", "retire", Site.Name, "--reason", "the demo is over", "--socket", fleet.Socket], stop)).Code == 0, Deadline, stop);
        await fleet.WaitAsync($"{Site.Name} to have removed what it owns", async () => await RowAsync(stop) is { State: "retired" },
            Deadline, stop);
        foreach (var path in (string[])[Page, "/api/v1/namespaces/capillary-system/configmaps/capillary-inventory-lab-portal"])
        {
            using var left = await FindAsync(path, stop);
            if (left is not null) throw new HarnessException($"{Site.Name} is retired, and {path} is still there");
        }
        say($"{Site.Name} is retired: what it owned left the cluster, and its key counts no more");
    }

    public async ValueTask DisposeAsync()
    {
        await fleet.StopAsync(Site.Name);
        if (isOurs) await CleanAsync();
        http.Dispose();
    }

    /// <summary>Somebody edits a live object; its site puts it back and tells who it was.</summary>
    private async Task EditAsync(CancellationToken stop)
    {
        var before = await PageAsync(stop);
        await PatchAsync($"{Page}?fieldManager=night-shift", """{"data":{"index.html":"edited by hand"}}""", stop);
        var since = Stopwatch.StartNew();
        await fleet.WaitAsync("the edited page to be put back", async () => await PageAsync(stop) == before, Deadline, stop);
        var seconds = since.Elapsed.TotalSeconds.ToString("0.0", CultureInfo.InvariantCulture);
        string? told = null;
        await fleet.WaitAsync($"{Site.Name} to tell it", async () =>
        {
            var shown = await fleet.Api.GetAsync($"sites/{Site.Name}", stop);
            told = shown.GetProperty("conditions").EnumerateArray().Where(one => one.GetProperty("code").GetString() == "DriftRepaired")
                .Select(one => one.GetProperty("text").GetString()).FirstOrDefault();
            return told is not null;
        }, Deadline, stop);
        if (!told!.Contains("'night-shift'", StringComparison.Ordinal))
            throw new HarnessException($"the repair does not name who it was: {told}");
        say($"an object that was edited in the cluster was put back after {seconds} s; the hub shows: {told}");
    }

    private async Task ChangeAsync(CancellationToken stop)
    {
        fleet.Repository.Edit(Site.File, text => text.TrimEnd() + $"\n    banner: \"{Moves}\"\n");
        var commit = await fleet.Repository.CommitAsync("another banner for the cluster's page", stop);
        await RunsAsync(commit, stop);
        if (!(await PageAsync(stop)).Contains(Moves, StringComparison.Ordinal))
            throw new HarnessException("the cluster's page is not as committed");
        say($"commit {commit[..8]} is healthy on {Site.Name}: its page has the new banner");
    }

    private Task RunsAsync(string commit, CancellationToken stop) => fleet.WaitAsync($"{Site.Name} to be healthy on {commit[..8]}",
        async () => await RowAsync(stop) is { IsSettled: true } row && row.DesiredCommit == commit, Deadline, stop);

    private async Task<SiteRow?> RowAsync(CancellationToken stop) =>
        (await fleet.Api.SitesAsync(stop)).FirstOrDefault(row => row.Site == Site.Name);

    private async Task<string> PageAsync(CancellationToken stop)
    {
        using var page = await FindAsync(Page, stop) ?? throw new HarnessException("the cluster has no page");
        return page.RootElement.GetProperty("data").GetProperty("index.html").GetString()!;
    }

    /// <summary>Whatever became of the scene: the namespaces that it began with, or brought, go.</summary>
    private async Task CleanAsync()
    {
        using var limit = new CancellationTokenSource(TimeSpan.FromSeconds(60));
        try
        {
            foreach (var space in Spaces)
            {
                using var _ = await http.DeleteAsync(new Uri($"/api/v1/namespaces/{space}", UriKind.Relative), limit.Token);
            }
            foreach (var space in Spaces)
            {
                while (await FindAsync($"/api/v1/namespaces/{space}", limit.Token) is { } left)
                {
                    left.Dispose();
                    await Task.Delay(100, limit.Token);
                }
            }
            say("the cluster is as it was");
        }
        catch (Exception e) when (e is HttpRequestException or OperationCanceledException)
        {
            say($"the cluster may still hold the namespaces {string.Join(" and ", Spaces)} ({e.Message}); look, and remove them by hand");
        }
    }

    private async Task<JsonDocument?> FindAsync(string path, CancellationToken stop)
    {
        using var answer = await http.GetAsync(new Uri(path, UriKind.Relative), stop);
        if (answer.StatusCode == HttpStatusCode.NotFound) return null;
        answer.EnsureSuccessStatusCode();
        return await JsonDocument.ParseAsync(await answer.Content.ReadAsStreamAsync(stop), cancellationToken: stop);
    }

    private async Task PatchAsync(string path, string body, CancellationToken stop)
    {
        using var content = new StringContent(body, Encoding.UTF8, new MediaTypeHeaderValue("application/merge-patch+json"));
        using var answer = await http.PatchAsync(new Uri(path, UriKind.Relative), content, stop);
        answer.EnsureSuccessStatusCode();
    }
}
