namespace Capillary.Core.Apply;

/// <summary>
/// One object that a bundle asks for on a site of platform <c>host</c>: <see cref="FileObject"/> or <see cref="ServiceObject"/>.
/// </summary>
/// <param name="Name">A DNS label, unique per kind within its app.</param>
public abstract record HostObject(string Name)
{
    /// <summary>The document's <c>kind</c>.</summary>
    public abstract string Kind { get; }
}

/// <summary>A regular file that must exist with this content, owner and mode.</summary>
/// <param name="Name">A DNS label.</param>
/// <param name="Path">Relative to the site's root, or absolute below a root that the site allows; no <c>..</c>, no NUL.</param>
/// <param name="Mode">Permission bits, 0 to 0777 (octal text in YAML; default 0644).</param>
/// <param name="Owner">A user name of the site's allow-list; null: the agent's own account.</param>
/// <param name="Source">Where the bytes come from.</param>
public sealed record FileObject(string Name, string Path, int Mode, string? Owner, FileSource Source) : HostObject(Name)
{
    public override string Kind => "File";
}

/// <summary>Where a file's bytes come from.</summary>
public abstract record FileSource
{
    private FileSource() { }

    /// <summary>Text that stands in the object itself; written as UTF-8.</summary>
    public sealed record Inline(string Content) : FileSource;

    /// <summary>A rendered plain file of the same app layer.</summary>
    public sealed record Rendered(string File) : FileSource;

    /// <summary>An artifact of the bundle, by the digest of its blob (compile resolves the artifact's name to it).</summary>
    public sealed record Artifact(Bundles.Digest Digest) : FileSource;
}

/// <summary>A process that the edge agent supervises and that runs on without it.</summary>
/// <param name="Name">A DNS label.</param>
/// <param name="User">A user name of the site's allow-list; required.</param>
/// <param name="Command">Program and arguments; a relative program with a <c>/</c> is taken from the site's root.</param>
/// <param name="Environment">Variables; the agent's own are not inherited except PATH and LANG.</param>
/// <param name="WorkingDirectory">Relative to the site's root; null: the root.</param>
/// <param name="Restart">When and how fast it is started again.</param>
/// <param name="Logs">How much of its output is kept.</param>
/// <param name="Health">How its health is known; null: healthy while it runs.</param>
/// <param name="StopSeconds">From SIGTERM to SIGKILL, 1 to 600 (default 10).</param>
public sealed record ServiceObject(
    string Name,
    string User,
    IReadOnlyList<string> Command,
    IReadOnlyDictionary<string, string> Environment,
    string? WorkingDirectory,
    RestartPolicy Restart,
    LogPolicy Logs,
    HealthProbe? Health,
    int StopSeconds) : HostObject(Name)
{
    public override string Kind => "Service";
}

/// <summary>When a service that ended is started again.</summary>
/// <param name="When">Always (default), on failure only, or never.</param>
/// <param name="BackoffSeconds">First delay, 1 to 3,600 (default 1); doubles with each failure in a row.</param>
/// <param name="MaxBackoffSeconds">Longest delay, up to 86,400 (default 60).</param>
public sealed record RestartPolicy(RestartWhen When, int BackoffSeconds, int MaxBackoffSeconds)
{
    public static RestartPolicy Default { get; } = new(RestartWhen.Always, 1, 60);
}

/// <summary>See <see cref="RestartPolicy"/>.</summary>
public enum RestartWhen
{
    Always,
    OnFailure,
    Never,
}

/// <summary>How much of a service's output is kept.</summary>
/// <param name="MaxBytes">Size at which the log is rotated, 4 KiB to 1 GiB (default 10 MiB).</param>
/// <param name="Keep">Rotated files kept, 0 to 100 (default 3).</param>
public sealed record LogPolicy(long MaxBytes, int Keep)
{
    public static LogPolicy Default { get; } = new(10 << 20, 3);
}

/// <summary>How a service's health is asked.</summary>
/// <param name="IntervalSeconds">Between two probes, 1 to 3,600 (default 5).</param>
/// <param name="TimeoutSeconds">For one probe, 1 to 300 (default 2).</param>
/// <param name="FailureThreshold">Failures in a row until it counts as unhealthy, 1 to 100 (default 3).</param>
public abstract record HealthProbe(int IntervalSeconds, int TimeoutSeconds, int FailureThreshold)
{
    /// <summary>GET on the loopback address; 200 to 399 is healthy.</summary>
    public sealed record Http(int Port, string Path, int IntervalSeconds, int TimeoutSeconds, int FailureThreshold)
        : HealthProbe(IntervalSeconds, TimeoutSeconds, FailureThreshold);

    /// <summary>A connection to the loopback address that is accepted is healthy.</summary>
    public sealed record Tcp(int Port, int IntervalSeconds, int TimeoutSeconds, int FailureThreshold)
        : HealthProbe(IntervalSeconds, TimeoutSeconds, FailureThreshold);

    /// <summary>A command run as the service's user; exit code 0 is healthy.</summary>
    public sealed record Exec(IReadOnlyList<string> Command, int IntervalSeconds, int TimeoutSeconds, int FailureThreshold)
        : HealthProbe(IntervalSeconds, TimeoutSeconds, FailureThreshold);
}
