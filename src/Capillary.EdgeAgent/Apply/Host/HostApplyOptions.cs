using System.Collections.Frozen;
using Capillary.Core.Apply;

namespace Capillary.EdgeAgent.Apply.Host;

/// <summary>The site's own settings of apply on a host. They are local: no commit and no hub can change them.</summary>
internal sealed record HostApplyOptions
{
    /// <summary>The site's name; part of the mark by which its services are found again.</summary>
    public required string Site { get; init; }

    /// <summary>Absolute folder for durable state and logs, 0700, made when missing.</summary>
    public required string StateFolder { get; init; }

    /// <summary>Absolute, existing folders below which files may be; the first is the root of relative paths. At least one.</summary>
    public required IReadOnlyList<string> Roots { get; init; }

    /// <summary>Fleet user name to local account name. A user that is not here cannot be named by a bundle.</summary>
    public IReadOnlyDictionary<string, string> Users { get; init; } = new Dictionary<string, string>();

    /// <summary>Whether a user may be root here. Default: no.</summary>
    public bool AllowRoot { get; init; }

    /// <summary>Ports below 1024 that a service may listen on. Default: none.</summary>
    public IReadOnlySet<int> PrivilegedPorts { get; init; } = new HashSet<int>();

    /// <summary>Space that is left free beside what a bundle needs, in bytes. Default: 8 MiB.</summary>
    public long SpaceMargin { get; init; } = 8 << 20;

    /// <summary>How often services are looked at, unless said otherwise.</summary>
    public static readonly TimeSpan UsualBeat = TimeSpan.FromMilliseconds(500);

    /// <summary>How often services are looked at. Default: 500 ms.</summary>
    public TimeSpan Beat { get; init; } = UsualBeat;

    /// <summary>How often files are looked at. Default: 3 s.</summary>
    public TimeSpan DriftInterval { get; init; } = TimeSpan.FromSeconds(3);

    /// <summary>The systemd that services become units of; null (default): they are the agent's own processes.</summary>
    public UnitHost? Units { get; init; }

    /// <exception cref="ArgumentException">A setting is wrong; the text says which.</exception>
    public void Validate()
    {
        if (Roots.Count == 0) throw new ArgumentException("roots: name at least one folder");
        foreach (var folder in Roots.Append(StateFolder))
        {
            if (!folder.StartsWith('/') || (folder != "/" && HostObjectReader.PathProblem(folder) is not null))
                throw new ArgumentException($"'{folder}' is not an absolute, plain folder path");
        }
        if (Beat <= TimeSpan.Zero || DriftInterval < Beat) throw new ArgumentException("the drift interval is shorter than the beat");
    }

    /// <summary>The rules that a bundle is checked against, with each user looked up on this machine.</summary>
    public SiteAllowList ToAllowList(Accounts accounts) => new(
        Roots, [StateFolder], Users.Keys.ToFrozenDictionary(user => user, accounts.Problem), PrivilegedPorts.ToFrozenSet());
}
