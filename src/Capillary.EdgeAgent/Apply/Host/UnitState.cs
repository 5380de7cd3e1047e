using System.Globalization;

namespace Capillary.EdgeAgent.Apply.Host;

/// <summary>What systemd says of a unit (<c>systemctl show</c>, org.freedesktop.systemd1(5)).</summary>
/// <param name="Load"><c>loaded</c>, <c>masked</c>, <c>not-found</c>, <c>bad-setting</c>, <c>error</c>.</param>
/// <param name="Active"><c>active</c>, <c>inactive</c>, <c>failed</c>, <c>activating</c>, <c>deactivating</c>, <c>reloading</c>.</param>
/// <param name="Sub">More of it, such as <c>auto-restart</c>.</param>
/// <param name="Pid">Its first process; 0: none.</param>
/// <param name="Ends">How often it ended by itself since somebody started it.</param>
/// <param name="ExitCode">How its last first process ended, 128 and more: by a signal; null: not known.</param>
/// <param name="NeedsReload">Its files are newer than what systemd has read.</param>
internal sealed record UnitState(string Load, string Active, string Sub, int Pid, int Ends, int? ExitCode, bool NeedsReload)
{
    /// <summary>What to ask for.</summary>
    public const string Properties =
        "--property=LoadState,ActiveState,SubState,MainPID,ExecMainCode,ExecMainStatus,NRestarts,NeedDaemonReload";

    public bool IsUp => Active is "active" or "reloading" or "refreshing";

    /// <summary>On its way from one state to the other by itself, such as waiting for its next start.</summary>
    public bool IsMoving => Active is "activating" or "deactivating";

    public bool IsBroken => Load is "bad-setting" or "error";

    public static UnitState Parse(string text)
    {
        var values = new Dictionary<string, string>(StringComparer.Ordinal);
        foreach (var line in text.Split('\n'))
        {
            if (line.IndexOf('=') is > 0 and var end) values[line[..end]] = line[(end + 1)..].TrimEnd('\r');
        }
        var status = Number("ExecMainStatus");
        int? code = Number("ExecMainCode") switch { 1 => status, 2 or 3 => 128 + status, _ => null };
        // The one that it waits to be started again after is not counted yet.
        var ends = Number("NRestarts") + (Word("SubState") == "auto-restart" ? 1 : 0);
        return new UnitState(Word("LoadState"), Word("ActiveState"), Word("SubState"), Number("MainPID"), ends, code,
            Word("NeedDaemonReload") == "yes");

        string Word(string name) => values.GetValueOrDefault(name, "");

        int Number(string name) => int.TryParse(Word(name), CultureInfo.InvariantCulture, out var number) ? number : 0;
    }
}
