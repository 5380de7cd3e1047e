using System.Diagnostics;

namespace Capillary.EndToEnd.Systemd;

/// <summary>A container in which a real systemd is process 1, on the machine's own network. Removed when disposed.</summary>
internal sealed class Container : IAsyncDisposable
{
    private const string Image = "localhost/capillary-test-systemd:1";
    private const string Settings = """
        [containers]
        default_ulimits = ["nofile=20000:20000", "nproc=32768:32768"]
        [engine]
        runtime = "runc"
        cgroup_manager = "cgroupfs"
        events_logger = "file"

        """;

    private static readonly TimeSpan Deadline = TimeSpan.FromSeconds(90);
    private readonly string name;

    private Container(string name) => this.name = name;

    /// <summary>What this machine lacks; null: nothing.</summary>
    public static string? WhyNot()
    {
        if (!Environment.IsPrivilegedProcess) return "it needs root";
        var missing = ((string[])["podman", "runc", "debootstrap"]).Where(program => !File.Exists($"/usr/bin/{program}")
            && !File.Exists($"/usr/sbin/{program}")).ToList();
        return missing.Count > 0 ? $"{string.Join(", ", missing)} not installed (apt-get install podman runc debootstrap)" : null;
    }

    /// <summary>Starts one, with a folder of the machine in the same place in it.</summary>
    public static async Task<Container> StartAsync(string folder, Action<string> say, CancellationToken stop)
    {
        await EnsureImageAsync(folder, say, stop);
        var container = new Container($"capillary-systemd-{Environment.ProcessId}-{Guid.NewGuid():N}"[..40]);
        // Privileged, as the units' own walls (namespaces, capabilities) are to stand in it as on a machine.
        await PodmanAsync(stop, "run", "--detach", "--name", container.name, "--privileged", "--network", "host", "--systemd=always",
            "--volume", $"{folder}:{folder}:ro", "--volume", "/usr/share/dotnet:/usr/share/dotnet:ro", Image, "/lib/systemd/systemd");
        await container.BootedAsync(stop);
        return container;
    }

    /// <summary>Runs a command in it; its output when it ends with 0.</summary>
    /// <exception cref="HarnessException">It did not.</exception>
    public Task<string> RunAsync(CancellationToken stop, params string[] command) => PodmanAsync(stop, ["exec", name, .. command]);

    public Task<(int Code, string Output, string Errors)> TryRunAsync(CancellationToken stop, params string[] command) =>
        TryPodmanAsync(stop, ["exec", name, .. command]);

    /// <summary>Power off and on again.</summary>
    public async Task RebootAsync(CancellationToken stop)
    {
        await PodmanAsync(stop, "restart", "--time", "20", name);
        await BootedAsync(stop);
    }

    /// <summary>Waits on a level, with a deadline.</summary>
    public async Task WaitAsync(string what, Func<Task<bool>> holds, CancellationToken stop)
    {
        var clock = Stopwatch.StartNew();
        while (!await holds())
        {
            if (clock.Elapsed > Deadline)
            {
                var (_, journal, _) = await TryRunAsync(stop, "journalctl", "--no-pager", "-n", "60", "-u", "capillary-*");
                throw new HarnessException($"waited {Deadline.TotalSeconds:0} s for {what}; the journal:\n{journal}");
            }
            await Task.Delay(200, stop);
        }
    }

    public async ValueTask DisposeAsync() => await TryPodmanAsync(CancellationToken.None, "rm", "--force", "--time", "5", name);

    private Task BootedAsync(CancellationToken stop) => WaitAsync("systemd to have booted", async () =>
        (await TryRunAsync(stop, "systemctl", "is-system-running")).Output.Trim() is "running" or "degraded", stop);

    /// <summary>Made once per machine: it takes a minute, and nothing of the house is in it.</summary>
    private static async Task EnsureImageAsync(string folder, Action<string> say, CancellationToken stop)
    {
        if ((await TryPodmanAsync(stop, "image", "exists", Image)).Code == 0) return;
        var clock = Stopwatch.StartNew();
        var root = Path.Combine(folder, "image");
        try
        {
            await NodeProcess.RunAsync("debootstrap",
                ["--variant=minbase", "--include=systemd,systemd-sysv,dbus,util-linux,passwd,procps", "bookworm", root], stop);
            await NodeProcess.RunAsync("tar", ["--create", "--file", $"{root}.tar", "--directory", root, "."], stop);
            await PodmanAsync(stop, "import", $"{root}.tar", Image);
            say($"made {Image} in {clock.Elapsed.TotalSeconds:0} s");
        }
        finally
        {
            File.Delete($"{root}.tar");
            if (Directory.Exists(root)) Directory.Delete(root, recursive: true);
        }
    }

    private static async Task<string> PodmanAsync(CancellationToken stop, params string[] arguments)
    {
        var (code, output, errors) = await TryPodmanAsync(stop, arguments);
        return code == 0 ? output : throw new HarnessException($"podman {string.Join(' ', arguments)} exited with {code}: {errors}{output}");
    }

    public static async Task<(int Code, string Output, string Errors)> TryPodmanAsync(CancellationToken stop, params string[] arguments)
    {
        var settings = Path.Combine(Path.GetTempPath(), "capillary-test-containers.conf");
        if (!File.Exists(settings)) await File.WriteAllTextAsync(settings, Settings, stop);
        return await NodeProcess.TryRunAsync("env", [$"CONTAINERS_CONF={settings}", "podman", .. arguments], stop);
    }
}
