using System.Globalization;
using Capillary.Node.Install;

namespace Capillary.EdgeAgent.Apply.Host;

/// <summary>The systemd of this machine, where the agent may manage it.</summary>
/// <param name="Folder">Where a system's own units stand.</param>
/// <param name="Version">Such as 252; 0: it does not say.</param>
internal sealed record UnitHost(string Folder, int Version)
{
    public const string UsualFolder = "/etc/systemd/system";

    private const int WriteAllowed = 2;

    /// <summary>What services become units of; null: they are the agent's own processes.</summary>
    /// <param name="wanted"><c>systemd</c>, <c>own</c>, or null: units where systemd started this agent and it may manage them.</param>
    /// <param name="setting">What the setting is called, for the error.</param>
    /// <exception cref="InvalidDataException">No such word, or units are wanted and cannot be had.</exception>
    public static UnitHost? Find(string? wanted, string setting)
    {
        if (wanted is not (null or "systemd" or "own")) throw new InvalidDataException($"{setting}: '{wanted}' is not one of systemd, own");
        // An agent that somebody started by hand, as for a look, leaves nothing in the machine's own folders.
        if (wanted == "own" || (wanted is null && Libc.ParentProcess() != 1)) return null;
        if (Obstacle() is not { } obstacle)
        {
            var (_, said) = Systemctl.AskAsync(CancellationToken.None, "--version").GetAwaiter().GetResult();
            return new UnitHost(UsualFolder, VersionOf(said));
        }
        return wanted is null ? null : throw new InvalidDataException($"{setting}: 'systemd', but {obstacle}");
    }

    /// <summary>From a first line such as <c>systemd 252 (252.38-1~deb12u1)</c>.</summary>
    public static int VersionOf(string said)
    {
        var words = said.Split([' ', '\n', '.', '~', '-'], StringSplitOptions.RemoveEmptyEntries);
        return words.Length > 1 && int.TryParse(words[1], CultureInfo.InvariantCulture, out var version) ? version : 0;
    }

    private static string? Obstacle() =>
        !Systemctl.IsHere ? "systemd does not run this machine"
        : Libc.EffectiveUser() != 0 ? "the agent is not root"
        : Libc.Access(UsualFolder, WriteAllowed) != 0 ? $"{UsualFolder} cannot be written to"
        : null;
}
