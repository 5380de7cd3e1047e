using System.Text;
using Capillary.Core.Apply;
using Capillary.Node.Install;

namespace Capillary.EdgeAgent.Apply.Host;

/// <summary>A service as systemd is told of it.</summary>
/// <param name="Text">The unit file. Everybody on the machine may read it, so it holds no value of a variable.</param>
/// <param name="Variables">Its environment file; root's alone.</param>
/// <param name="Enabled">Whether the machine's next boot starts it.</param>
internal sealed record ServiceUnit(string Text, string Variables, bool Enabled)
{
    /// <summary>The first version that knows growing waits (RestartSteps).</summary>
    private const int GrowingWaits = 254;

    private static readonly string Path =
        Environment.GetEnvironmentVariable("PATH") ?? "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

    private static readonly string Lang = Environment.GetEnvironmentVariable("LANG") ?? "C.UTF-8";

    /// <summary>All three are DNS labels, so the dots between them make the name one service's alone; nothing is to be escaped.</summary>
    public static string NameOf(string site, string app, string name) => $"capillary-{site}.{app}.{name}.service";

    /// <param name="service">As the bundle has it; nothing in it is believed.</param>
    /// <param name="place">What this machine adds.</param>
    /// <exception cref="StepException">systemd has no words for it.</exception>
    public static ServiceUnit Of(ServiceObject service, UnitPlace place)
    {
        var plain = service.Environment.Where(variable => IsPlain(variable.Key, variable.Value)).ToList();
        var odd = service.Environment.Where(variable => !IsPlain(variable.Key, variable.Value)).Select(v => $"{v.Key}={v.Value}");
        var program = service.Command[0];
        // By env, as a program without a folder is looked for in the service's own PATH, and as systemd takes few names of variables.
        string[] command =
        [
            place.Env, "--", .. odd, program.Contains('/') ? BundleContent.Absolute(place.Root, program) : program,
            .. service.Command.Skip(1),
        ];
        var folder = service.WorkingDirectory is { } given ? BundleContent.Absolute(place.Root, given) : place.Root;
        return new ServiceUnit(
            $"""
            # Written by the Capillary edge agent, which repairs it within seconds: what this service is comes from the fleet repository.
            [Unit]
            Description=Capillary service {place.Key} of site {place.Site}
            After=network.target
            # However often it ends, it is started again as its policy says.
            StartLimitIntervalSec=0

            [Service]
            Type=exec
            ExecStart={command[0]} {string.Join(' ', command.Skip(1).Select(UnitText.Exact))}
            User={Whole(place.Account, place.Key)}
            WorkingDirectory={Whole(folder, place.Key)}
            EnvironmentFile={Whole(place.VariablesPath, place.Key)}
            StandardOutput=append:{Whole(place.LogPath, place.Key)}
            StandardError=inherit
            {Restarts(service.Restart, place.Version)}
            TimeoutStopSec={service.StopSeconds}
            # Only its first process counts, as it is without systemd.
            OOMPolicy=continue
            TasksMax=infinity
            LimitNOFILE=65536
            {Walls(place)}
            [Install]
            WantedBy=multi-user.target

            """,
            File([new("PATH", Path), new("LANG", Lang), .. plain]),
            place.Enabled);
    }

    /// <summary>systemd takes some ends for clean that the fleet language does not; they are named, so that both mean the same.</summary>
    private static string Restarts(RestartPolicy policy, int version)
    {
        var text = new StringBuilder(policy.When switch
        {
            RestartWhen.Always => "Restart=always",
            RestartWhen.OnFailure => "Restart=on-failure\nRestartForceExitStatus=SIGHUP SIGINT SIGTERM SIGPIPE",
            _ => "Restart=no",
        });
        text.Append($"\nRestartSec={policy.BackoffSeconds}");
        if (version < GrowingWaits || policy.MaxBackoffSeconds <= policy.BackoffSeconds) return text.ToString();
        var steps = (int)Math.Ceiling(Math.Log2((double)policy.MaxBackoffSeconds / policy.BackoffSeconds));
        return text.Append($"\nRestartSteps={steps}\nRestartMaxDelaySec={policy.MaxBackoffSeconds}").ToString();
    }

    /// <summary>No service loses by becoming a unit what it had as a process of the agent, and none gains.</summary>
    private static string Walls(UnitPlace place)
    {
        var keep = place.MayBindPort ? "CAP_NET_BIND_SERVICE" : "";
        var capabilities = place.IsRoot ? AgentWalls.Capabilities : $"CapabilityBoundingSet={keep}\nAmbientCapabilities={keep}";
        return $"{capabilities}\n{AgentWalls.Others}\n";
    }

    /// <summary>A setting's whole value.</summary>
    private static string Whole(string text, string service)
    {
        if (text.Any(char.IsControl) || text.Trim() != text || text.EndsWith('\\'))
            throw new StepException(ConditionCodes.ApplyFailed, service, $"'{text}' cannot stand in a systemd unit", true);
        return UnitText.Path(text);
    }

    private static bool IsPlain(string name, string value) => !char.IsAsciiDigit(name[0])
        && name.All(c => char.IsAsciiLetterOrDigit(c) || c == '_') && !value.Any(c => char.IsControl(c) && c is not ('\t' or '\n'));

    private static string File(IEnumerable<KeyValuePair<string, string>> variables)
    {
        var text = new StringBuilder();
        foreach (var (name, value) in variables)
        {
            text.Append(name).Append("=\"");
            foreach (var c in value) _ = c is '"' or '\\' or '`' or '$' ? text.Append('\\').Append(c) : text.Append(c);
            text.Append("\"\n");
        }
        return text.ToString();
    }
}

/// <summary>What this machine adds to a service to make it a unit.</summary>
internal sealed record UnitPlace
{
    public required string Site { get; init; }

    /// <summary><c>app/name</c>.</summary>
    public required string Key { get; init; }

    /// <summary>Where relative paths begin.</summary>
    public required string Root { get; init; }

    /// <summary>The local account.</summary>
    public required string Account { get; init; }

    /// <summary>Whether that account is root.</summary>
    public bool IsRoot { get; init; }

    /// <summary>Whether the site lets it listen on the privileged port that its health names.</summary>
    public bool MayBindPort { get; init; }

    public required string LogPath { get; init; }

    public required string VariablesPath { get; init; }

    /// <summary>The program <c>env</c>.</summary>
    public string Env { get; init; } = "/usr/bin/env";

    /// <summary>systemd's; 0: not known.</summary>
    public int Version { get; init; }

    public bool Enabled { get; init; } = true;
}

/// <summary>What the agent's own unit limits, and so every service that it starts.</summary>
internal static class AgentWalls
{
    public const string Capabilities = """
        CapabilityBoundingSet=CAP_CHOWN CAP_DAC_OVERRIDE CAP_DAC_READ_SEARCH CAP_FOWNER CAP_FSETID CAP_SETUID CAP_SETGID CAP_SETPCAP
        CapabilityBoundingSet=CAP_KILL CAP_SYS_PTRACE CAP_NET_BIND_SERVICE
        """;

    public const string Others = """
        NoNewPrivileges=yes
        RestrictSUIDSGID=yes
        LockPersonality=yes
        ProtectKernelTunables=yes
        ProtectKernelModules=yes
        ProtectKernelLogs=yes
        ProtectHostname=yes
        """;
}
