using System.Diagnostics;
using Capillary.Core.Apply;

namespace Capillary.EdgeAgent.Apply.Host;

/// <summary>
/// Starts a service's program in its own session, as its own user, with its output appended to a file, so that it needs nothing of the
/// agent afterwards. The chain <c>sh, setsid, setpriv, env, program</c> replaces itself at each link: one process, one number.
/// </summary>
/// <remarks>
/// What comes from a bundle is never text of a script and never in the environment while privileges are held (LD_PRELOAD, PATH): the
/// declared variables are arguments of <c>env</c>, which already runs as the service's user.
/// </remarks>
internal sealed class ServiceLauncher(HostApplyOptions options, Accounts accounts)
{
    private const string Redirect = "exec \"$@\" </dev/null >>\"$0\" 2>&1";

    private static readonly string Path =
        Environment.GetEnvironmentVariable("PATH") ?? "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

    private static readonly string Lang = Environment.GetEnvironmentVariable("LANG") ?? "C.UTF-8";

    /// <exception cref="StepException">The user is not allowed, or a tool is missing.</exception>
    /// <exception cref="System.ComponentModel.Win32Exception">The working directory is missing, or no process can be made.</exception>
    public Process Start(ServiceObject service, IReadOnlyList<string> command, string? mark, string log)
    {
        var root = options.Roots[0];
        var start = new ProcessStartInfo("/bin/sh")
        {
            UseShellExecute = false,
            WorkingDirectory = service.WorkingDirectory is { } folder ? BundleContent.Absolute(root, folder) : root,
        };
        start.Environment.Clear();
        Add(start, "-c", Redirect, log, Tool("setsid"), Tool("setpriv"));
        Drop(start, service);
        Add(start, "--", Tool("env"), "-i", "--", $"PATH={Path}", $"LANG={Lang}");
        foreach (var (key, value) in service.Environment) Add(start, $"{key}={value}");
        if (mark is not null)
        {
            start.Environment[ProcTable.MarkVariable] = mark;
            Add(start, $"{ProcTable.MarkVariable}={mark}");
        }
        var program = command[0];
        Add(start, program.Contains('/') ? BundleContent.Absolute(root, program) : program);
        for (var i = 1; i < command.Count; i++) Add(start, command[i]);
        return Process.Start(start)!;
    }

    /// <summary>What a unit of this service needs to know of this machine.</summary>
    /// <exception cref="StepException">The user is not allowed, or a tool is missing.</exception>
    public UnitPlace PlaceOf(ServiceObject service, string key, string log, string variables) => new()
    {
        Site = options.Site,
        Key = key,
        Root = options.Roots[0],
        IsRoot = accounts.Ids(service.User).User == 0,
        Account = options.Users[service.User],
        MayBindPort = MayBindPort(service),
        LogPath = log,
        VariablesPath = variables,
        Env = Tool("env"),
        Version = options.Units?.Version ?? 0,
    };

    private bool MayBindPort(ServiceObject service) =>
        SiteAllowList.PortOf(service) is > 0 and < 1024 and var port && options.PrivilegedPorts.Contains(port);

    private void Drop(ProcessStartInfo start, ServiceObject service)
    {
        var (user, group) = accounts.Ids(service.User);
        Add(start, "--no-new-privs");
        if (!accounts.IsRoot) return;
        Add(start, $"--reuid={user}", $"--regid={group}", user == 0 ? "--keep-groups" : "--init-groups");
        if (user == 0) return;
        var keep = MayBindPort(service) ? "-all,+net_bind_service" : "-all";
        Add(start, $"--inh-caps={keep}", $"--ambient-caps={keep}", $"--bounding-set={keep}");
    }

    private static void Add(ProcessStartInfo start, params ReadOnlySpan<string> arguments)
    {
        foreach (var argument in arguments) start.ArgumentList.Add(argument);
    }

    private static string Tool(string name) => File.Exists($"/usr/bin/{name}") ? $"/usr/bin/{name}"
        : File.Exists($"/bin/{name}") ? $"/bin/{name}"
        : throw new StepException(ConditionCodes.ApplyFailed, name, $"'{name}' of util-linux or coreutils is not installed", true);
}
