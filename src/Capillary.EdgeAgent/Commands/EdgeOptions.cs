namespace Capillary.EdgeAgent.Commands;

/// <summary>
/// A command line as it was typed. Parsed by hand: a command-line library would cost more memory than the rest of the agent's start.
/// </summary>
/// <param name="Command">Its first word.</param>
internal sealed record EdgeOptions(string Command)
{
    public const string DefaultFolder = "/var/lib/capillary-edge";

    public static IReadOnlyList<string> Commands { get; } =
        ["doctor", "join", "install", "status", "hold", "unhold", "holds", "import", "receipts", "uninstall", "run", "version"];

    /// <summary>The one argument that is no option: a file or a code.</summary>
    public string? File { get; init; }

    /// <summary>What is wrong with the command line; null: nothing.</summary>
    public string? Wrong { get; init; }

    /// <summary>Help is asked for.</summary>
    public bool Help { get; init; }

    public string Data { get; init; } = DefaultFolder;

    public string Bin { get; init; } = "/usr/local/bin";

    public IReadOnlyList<string> Roots { get; init; } = [];

    public IReadOnlyDictionary<string, string> Users { get; init; } = new Dictionary<string, string>();

    public IReadOnlyList<string> Parents { get; init; } = [];

    public string? Proxy { get; init; }

    public string? ProxyPasswordFile { get; init; }

    public string? MaxRate { get; init; }

    public string? QuietHours { get; init; }

    public bool AllowRoot { get; init; }

    public bool Verbose { get; init; }

    public bool Print { get; init; }

    public bool Purge { get; init; }

    public bool NoStart { get; init; }

    public bool Json { get; init; }

    public bool Wait { get; init; }

    public TimeSpan WaitFor { get; init; } = TimeSpan.FromMinutes(10);

    /// <summary>Of a hold.</summary>
    public string? Name { get; init; }

    /// <summary>Why a hold is.</summary>
    public string? Reason { get; init; }

    /// <summary>Of a hold; null: the usual.</summary>
    public int? MaxSeconds { get; init; }

    /// <summary>To show the holds.</summary>
    public bool List { get; init; }

    /// <summary>Of <c>run</c>: the file to join with, while the folder has not joined.</summary>
    public string? JoinFile { get; init; }

    /// <summary>The cluster to apply to; null: the host.</summary>
    public string? Kubeconfig { get; init; }

    /// <summary>To apply to the cluster of the pod that this runs in.</summary>
    public bool InCluster { get; init; }

    /// <summary>What the options say of a cluster; null: nothing.</summary>
    public ClusterSettings? Cluster => Kubeconfig is null && !InCluster ? null
        : new ClusterSettings { Kubeconfig = Kubeconfig is null ? null : Path.GetFullPath(Kubeconfig) };

    /// <summary>Whether something of the site's allow-list is given.</summary>
    public bool HasAllowList => Roots.Count > 0 || Users.Count > 0 || AllowRoot || Cluster is not null;

    public static EdgeOptions Parse(string[] arguments)
    {
        if (arguments.Length == 0 || arguments[0] is "--help" or "-h" or "help") return new EdgeOptions("help") { Help = true };
        var options = new EdgeOptions(arguments[0] == "--version" ? "version" : arguments[0]);
        for (var i = 1; i < arguments.Length && options.Wrong is null; i++)
        {
            if (options.WithFlag(arguments[i]) is { } flagged)
            {
                options = flagged;
                continue;
            }
            if (arguments[i] == "-" || !arguments[i].StartsWith('-'))
            {
                options = options.File is null ? options with { File = arguments[i] }
                    : options with { Wrong = $"'{arguments[i]}' is one argument too many" };
                continue;
            }
            options = options.WithValue(arguments[i], i + 1 < arguments.Length ? arguments[i + 1] : null);
            i++;
        }
        return options;
    }

    private EdgeOptions? WithFlag(string argument) => argument switch
    {
        "--help" or "-h" => this with { Help = true },
        "--allow-root" => this with { AllowRoot = true },
        "--verbose" => this with { Verbose = true },
        "--print" => this with { Print = true },
        "--purge" => this with { Purge = true },
        "--no-start" => this with { NoStart = true },
        "--wait" => this with { Wait = true },
        "--in-cluster" => this with { InCluster = true },
        "--list" => this with { List = true },
        _ => null,
    };

    private EdgeOptions WithValue(string option, string? value) => (option, value) switch
    {
        ("--data" or "--bin" or "--root" or "--user" or "--parent" or "--proxy" or "--proxy-password-file" or "--max-rate"
            or "--quiet-hours" or "--minutes" or "--join" or "--kubeconfig" or "--name" or "--reason" or "--max" or "-o"
            or "--output", null) =>
                this with { Wrong = $"{option} needs a value" },
        ("--data", _) => this with { Data = value },
        ("--bin", _) => this with { Bin = value },
        ("--root", _) => this with { Roots = [.. Roots, value] },
        ("--parent", _) => this with { Parents = [.. Parents, value] },
        ("--proxy", _) => this with { Proxy = value },
        ("--proxy-password-file", _) => this with { ProxyPasswordFile = value },
        ("--max-rate", _) => this with { MaxRate = value },
        ("--quiet-hours", _) => this with { QuietHours = value },
        ("--join", _) => this with { JoinFile = value },
        ("--kubeconfig", _) => this with { Kubeconfig = value },
        ("--name", _) => this with { Name = value },
        ("--reason", _) => this with { Reason = value },
        ("--max", _) => HoldCommands.Seconds(value) is { } seconds ? this with { MaxSeconds = seconds }
            : this with { Wrong = $"--max {value}: expected 1m to 24h, such as 90m or 2h" },
        ("--minutes", _) => int.TryParse(value, out var minutes) && minutes is > 0 and <= 24 * 60
            ? this with { Wait = true, WaitFor = TimeSpan.FromMinutes(minutes) }
            : this with { Wrong = "--minutes is 1 to 1440" },
        ("-o" or "--output", "json") => this with { Json = true },
        ("-o" or "--output", "text") => this with { Json = false },
        ("-o" or "--output", _) => this with { Wrong = $"{option} {value}: there is no such format; use text, json" },
        ("--user", _) => value.Split('=') is [{ Length: > 0 } name, { Length: > 0 } account]
            ? this with { Users = new Dictionary<string, string>(Users) { [name] = account } }
            : this with { Wrong = $"--user {value}: expected NAME=ACCOUNT, such as --user lab=labuser" },
        _ => this with { Wrong = $"there is no option '{option}'" },
    };
}
