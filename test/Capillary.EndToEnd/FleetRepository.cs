using System.Net;
using System.Net.Sockets;
using System.Text.RegularExpressions;

namespace Capillary.EndToEnd;

/// <summary>One site of the harness's fleet.</summary>
internal sealed record DemoSite(string Name, string Region, string File, int MllpPort, int HttpPort);

/// <summary>A real Git repository made from examples/medical-edge, with the gateway's program and free ports.</summary>
internal sealed partial class FleetRepository
{
    /// <summary>The example's site that is a cluster. It is declared only when there is one.</summary>
    public static readonly DemoSite Cluster = new("zurich-cluster-1", "eu-central", "sites/eu-central/zurich-cluster-1.yaml", 0, 0);

    private FleetRepository(string folder, IReadOnlyList<DemoSite> sites) => (Folder, Sites) = (folder, sites);

    public string Folder { get; }

    public IReadOnlyList<DemoSite> Sites { get; private set; }

    /// <summary>Makes the repository with its first commit.</summary>
    public static async Task<FleetRepository> CreateAsync(Binaries binaries, string folder, int sites, CancellationToken stop)
    {
        Copy(Path.Combine(binaries.Repository, "examples", "medical-edge"), folder);
        var artifacts = Directory.CreateDirectory(Path.Combine(folder, "apps", "instrument-gateway", "artifacts")).FullName;
        File.Copy(binaries.Gateway, Path.Combine(artifacts, "instrument-gateway"));
        // The example ignores the program, as it is built, not written; here it is part of the fleet.
        File.Delete(Path.Combine(folder, "apps", "instrument-gateway", ".gitignore"));
        var repository = new FleetRepository(folder, ChooseSites(folder, sites));
        repository.SetDotnetRoot();
        await repository.GitAsync(stop, "init", "--quiet", "--initial-branch=main");
        await repository.CommitAsync("the first state of the fleet", stop);
        return repository;
    }

    /// <summary>Declares the site that is a cluster; call before the commit.</summary>
    public void DeclareCluster(Binaries binaries) =>
        File.Copy(Path.Combine(binaries.Repository, "examples", "medical-edge", Cluster.File), Path.Combine(Folder, Cluster.File));

    /// <summary>Commits all that was changed; the commit's id.</summary>
    public async Task<string> CommitAsync(string message, CancellationToken stop)
    {
        await GitAsync(stop, "add", "--all");
        await GitAsync(stop, "-c", "user.name=Demo", "-c", "user.email=demo@example.org", "-c", "commit.gpgsign=false", "commit", "--quiet", "--message", message);
        return (await GitAsync(stop, "rev-parse", "HEAD")).Trim();
    }

    /// <summary>The newest commit's id.</summary>
    public async Task<string> HeadAsync(CancellationToken stop) => (await GitAsync(stop, "rev-parse", "HEAD")).Trim();

    /// <summary>Makes the work tree what it was at a commit, and commits that when anything differs; the newest commit's id.</summary>
    public async Task<string> ReturnToAsync(string commit, CancellationToken stop)
    {
        await GitAsync(stop, "read-tree", "--reset", "-u", commit);
        await GitAsync(stop, "clean", "--quiet", "--force", "-d", "-x");
        var changed = await GitAsync(stop, "status", "--porcelain");
        return changed.Length == 0 ? await HeadAsync(stop) : await CommitAsync("back to the first state", stop);
    }

    public Task<string> GitAsync(CancellationToken stop, params string[] arguments) => NodeProcess.RunAsync("git", ["-C", Folder, .. arguments], stop);

    /// <summary>Edits one file as a person would.</summary>
    public void Edit(string file, Func<string, string> change)
    {
        var path = Path.Combine(Folder, file);
        var before = File.ReadAllText(path);
        var after = change(before);
        if (after == before) throw new HarnessException($"the edit of {file} changed nothing");
        File.WriteAllText(path, after);
    }

    /// <summary>Lets the gateway's app bring a file of this many random bytes to <c>share/model.bin</c>.</summary>
    public void AddArtifact(int size)
    {
        var bytes = new byte[size];
        new Random(1).NextBytes(bytes);
        File.WriteAllBytes(Path.Combine(Folder, "apps", "instrument-gateway", "artifacts", "model"), bytes);
        Edit("apps/instrument-gateway/app.yaml", text =>
            text.Replace("  artifacts:\n", "  artifacts:\n    model:\n      path: artifacts/model\n"));
        Edit("apps/instrument-gateway/templates/gateway.yaml", text => """
            apiVersion: capillary.dev/v1
            kind: File
            metadata:
              name: model
            spec:
              path: share/model.bin
              contentFrom:
                artifact: model
            ---

            """ + text);
    }

    /// <summary>Gives a site's gateway other ports; call before the commit.</summary>
    public DemoSite MoveToFreePorts(DemoSite site)
    {
        var moved = site with { MllpPort = FreePort() };
        Edit(site.File, text => MllpPort().Replace(text, $"mllp_port: {moved.MllpPort}"));
        Sites = [.. Sites.Select(item => item.Name == site.Name ? moved : item)];
        return moved;
    }

    private const int FirstPort = 20_000;
    private const int LastPort = 32_000;
    private static int lastPort = Random.Shared.Next(FirstPort, LastPort);

    /// <summary>
    /// A port that nobody else is given while this process lives. Below those that the system gives to whoever dials: what is free now must
    /// still be free when a node listens there, also after a restart.
    /// </summary>
    public static int FreePort()
    {
        while (true)
        {
            var port = FirstPort + (Interlocked.Increment(ref lastPort) - FirstPort) % (LastPort - FirstPort);
            try
            {
                using var listener = new TcpListener(IPAddress.Loopback, port);
                listener.Start();
                return port;
            }
            catch (SocketException)
            {
                // Somebody listens there.
            }
        }
    }

    private static List<DemoSite> ChooseSites(string folder, int count)
    {
        var root = Path.Combine(folder, "sites");
        File.Delete(Path.Combine(folder, Cluster.File));
        var files = Directory.EnumerateFiles(root, "*.yaml", SearchOption.AllDirectories).Order(StringComparer.Ordinal).ToList();
        foreach (var extra in files.Skip(count)) File.Delete(extra);
        // More sites than the example has are copies of it under new names.
        for (var i = files.Count; i < count; i++)
        {
            var model = files[i % 6];
            var name = $"{Path.GetFileNameWithoutExtension(model)}-copy-{i / 6}";
            var copy = Path.Combine(Path.GetDirectoryName(model)!, $"{name}.yaml");
            File.WriteAllText(copy, File.ReadAllText(model).Replace($"name: {Path.GetFileNameWithoutExtension(model)}\n", $"name: {name}\n").Replace("wave: canary", "wave: later"));
            files.Add(copy);
        }
        return [.. files.Take(count).Select(file => WithFreePorts(folder, file))];
    }

    private static DemoSite WithFreePorts(string folder, string file)
    {
        var site = new DemoSite(Path.GetFileNameWithoutExtension(file), Path.GetFileName(Path.GetDirectoryName(file)!),
            Path.GetRelativePath(folder, file), FreePort(), FreePort());
        var text = MllpPort().Replace(File.ReadAllText(file), $"mllp_port: {site.MllpPort}");
        File.WriteAllText(file, HttpPort().Replace(text, $"http_port: {site.HttpPort}"));
        return site;
    }

    /// <summary>The gateway runs on this machine's .NET, wherever it was installed.</summary>
    private void SetDotnetRoot()
    {
        var root = Path.GetFullPath(Path.Combine(System.Runtime.InteropServices.RuntimeEnvironment.GetRuntimeDirectory(), "..", "..", ".."));
        Edit("fleet.yaml", text => text.Replace("  variables:\n", $"  variables:\n    dotnet_root: {root.TrimEnd('/')}\n"));
    }

    private static void Copy(string from, string to)
    {
        foreach (var file in Directory.EnumerateFiles(from, "*", SearchOption.AllDirectories))
        {
            var target = Path.Combine(to, Path.GetRelativePath(from, file));
            Directory.CreateDirectory(Path.GetDirectoryName(target)!);
            File.Copy(file, target);
        }
    }

    [GeneratedRegex(@"mllp_port: \d+")]
    private static partial Regex MllpPort();

    [GeneratedRegex(@"http_port: \d+")]
    private static partial Regex HttpPort();
}
