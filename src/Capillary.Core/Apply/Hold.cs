using System.Collections.Immutable;
using System.Globalization;
using Capillary.Core.Identity;

namespace Capillary.Core.Apply;

/// <summary>
/// A workload's "not now" (the interlock). While one stands, no new attempt begins at its site. It ends by the workload's word, or by an
/// operator's once it is past its max; never by itself, for only the workload knows that its instrument has stopped.
/// </summary>
/// <param name="Name">A DNS label; a site has one hold of a name.</param>
/// <param name="Reason">For a person, 1 to <see cref="MostReason"/> characters; never patient data.</param>
/// <param name="MaxSeconds">From which age on an operator may override it, <see cref="LeastMax"/> to <see cref="MostMax"/>.</param>
/// <param name="Since">
/// When it began, by the site's clock; saying it again does not change it. It never lies in the future: where the clock was set back while
/// the agent was away, the age is counted anew from then.
/// </param>
public sealed record Hold(string Name, string Reason, int MaxSeconds, DateTimeOffset Since)
{
    /// <summary>The name of a hold that is given none.</summary>
    public const string DefaultName = "default";

    /// <summary>The max of a hold that is given none, in seconds.</summary>
    public const int DefaultMax = 3600;

    /// <summary>The least max, in seconds.</summary>
    public const int LeastMax = 60;

    /// <summary>The greatest max, in seconds.</summary>
    public const int MostMax = 24 * 3600;

    /// <summary>The longest reason, in characters.</summary>
    public const int MostReason = 200;

    /// <summary>The most holds that stand at one site.</summary>
    public const int MostHolds = 16;

    /// <summary>It is past its max: it stands all the same, and an operator may override it.</summary>
    public bool IsOverdue(DateTimeOffset now) => now - Since >= TimeSpan.FromSeconds(MaxSeconds);

    /// <summary>Why this cannot be taken as a hold; null: it can.</summary>
    /// <param name="standing">The holds that stand.</param>
    /// <param name="asked">What is asked for.</param>
    public static string? Refusal(ImmutableArray<Hold> standing, ApplyEvent.Held asked)
    {
        if (!DnsLabel.IsValid(asked.Name)) return $"'{asked.Name}' is no name: use 1 to 63 lower-case letters, digits and '-'";
        if (string.IsNullOrWhiteSpace(asked.Reason)) return "the reason is missing: say why now is no time for an update";
        if (asked.Reason.Length > MostReason) return $"the reason has {asked.Reason.Length} characters, at most {MostReason}";
        // It is shown on terminals and in logs.
        if (asked.Reason.Any(BreaksLines)) return "the reason holds a control character or a line break";
        if (asked.MaxSeconds is < LeastMax or > MostMax) return $"the max is {asked.MaxSeconds} s, expected {LeastMax} to {MostMax}";
        return standing.Length >= MostHolds && standing.All(hold => hold.Name != asked.Name)
            ? $"{MostHolds} holds stand already ({string.Join(", ", standing.Select(hold => hold.Name))}); end one first" : null;
    }

    private static bool BreaksLines(char c) => char.GetUnicodeCategory(c) is UnicodeCategory.Control
        or UnicodeCategory.LineSeparator or UnicodeCategory.ParagraphSeparator;

    /// <summary>For a person: <c>hold 'run' since 2026-11-29 10:00 UTC (max 2 h): run in progress</c>.</summary>
    public override string ToString() => $"hold '{Name}' since {SinceText} (max {Words(MaxSeconds)}): {Reason}";

    /// <summary>The same once it is overdue. Its age is told in whole hours, or minutes below one: a report seldom changes.</summary>
    internal string OverdueText(DateTimeOffset now)
    {
        var age = (long)(now - Since).TotalSeconds;
        var words = Words(age >= 2 * 86400 ? age / 86400 * 86400 : age >= 3600 ? age / 3600 * 3600 : age / 60 * 60);
        return $"hold '{Name}' stands for {words}, past its max of {Words(MaxSeconds)} (since {SinceText}): {Reason}";
    }

    /// <summary>A span in the largest unit that fits it: <c>90 min</c>, <c>2 h</c>.</summary>
    public static string Words(long seconds) => seconds switch
    {
        >= 2 * 86400 when seconds % 86400 == 0 => $"{seconds / 86400} days",
        >= 3600 when seconds % 3600 == 0 => $"{seconds / 3600} h",
        >= 60 when seconds % 60 == 0 => $"{seconds / 60} min",
        _ => $"{seconds} s",
    };

    private string SinceText => Since.UtcDateTime.ToString("yyyy-MM-dd HH:mm 'UTC'", CultureInfo.InvariantCulture);
}
