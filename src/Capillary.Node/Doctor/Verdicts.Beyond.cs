using System.Globalization;

namespace Capillary.Node.Doctor;

/// <summary>What lies beyond the handshake: the parent itself, the time, and long messages.</summary>
internal sealed partial class Verdicts
{
    /// <summary>Differences up to this are of no interest to people.</summary>
    private static readonly TimeSpan ClockTolerance = TimeSpan.FromMinutes(2);

    private const string SetClock =
        "Set it: timedatectl set-ntp true, or timedatectl set-time 'YYYY-MM-DD HH:MM:SS'. The link works all the same; logs and "
        + "reports show wrong times.";

    public Check OfParent(ParentFinding finding)
    {
        const string Name = CheckNames.Parent;
        return finding switch
        {
            ParentFinding.Serves { Proven: { } node } serves => Check.Ok(Name,
                $"it is '{node}' of fleet {serves.Fleet}, proven by the hub's signature"),
            ParentFinding.Serves serves => Check.Ok(Name, $"it serves fleet {serves.Fleet}"),
            ParentFinding.OtherFleet other => Check.Failed(Name,
                $"{Parent} belongs to fleet '{Short(other.Fleet)}', and this machine is for fleet '{other.Ours}'.",
                "The address or the join file is the wrong one. Ask the people who made the join file."),
            ParentFinding.Untrusted untrusted => Check.Failed(Name,
                $"{Parent} cannot prove that it belongs to this fleet: {untrusted.Reason}",
                "Do not go on. Tell the people who run the hub: the parent was made anew, or it is somebody else's."),
            ParentFinding.LongAnswerLost => Check.Failed(Name,
                $"{Parent} answers short questions, but its first long answer never arrives: long packets towards this machine vanish.",
                PathAdvice(1200)),
            ParentFinding.Strange strange => Check.Failed(Name, $"{Parent} does not answer as a parent does: {Short(strange.Reason)}",
                "Ask the people who run the parent whether its version fits this one."),
            var other => throw new InvalidOperationException($"unknown finding {other}"),
        };
    }

    public static Check OfClock(ClockFinding finding)
    {
        const string Name = CheckNames.Clock;
        var here = Time(finding.Here);
        if (finding.Signed is { } signed && finding.Here < signed - ClockTolerance)
        {
            return Check.Warning(Name, $"This machine's clock says {here}; the hub signed {Time(signed)}: the clock is behind by at least "
                + $"{Span(signed - finding.Here)}.", SetClock);
        }
        if (finding.Said is { } said && (finding.Here - said).Duration() > ClockTolerance)
        {
            var behind = finding.Here < said;
            return Check.Warning(Name, $"This machine's clock says {here}; the parent says {Time(said)} (unsigned): the clock seems "
                + $"{(behind ? "behind" : "ahead")} by {Span((finding.Here - said).Duration())}.", SetClock);
        }
        return finding.Signed is null && finding.Said is null
            ? Check.Skipped(Name, $"nobody told us the time; this machine's clock says {here}")
            : Check.Ok(Name, here);
    }

    public Check OfPath(PathFinding finding)
    {
        const string Name = CheckNames.PathMtu;
        return finding switch
        {
            PathFinding.Passed passed => Check.Ok(Name, $"messages of {passed.Bytes} bytes arrive"),
            PathFinding.Hole hole => Check.Failed(Name,
                $"Short messages arrive (up to about {hole.Passes} bytes), one of {hole.Vanishes} bytes does not: long packets vanish "
                + "on the way and nobody says so (a path MTU black hole).", PathAdvice(hole.Passes)),
            PathFinding.Cut cut => Check.Failed(Name, $"The connection ends when {cut.Bytes} bytes are sent at once: {Short(cut.Reason)}",
                $"A firewall that looks into connections does this. {BypassRule}"),
            PathFinding.NoAnswer => Check.Failed(Name, $"{Parent} did not answer a short message.",
                "Run this again; then ask whether the parent runs."),
            var other => throw new InvalidOperationException($"unknown finding {other}"),
        };
    }

    private static string PathAdvice(int passes)
    {
        // IP, TCP with timestamps, a TLS record and an HTTP/2 frame around the bytes.
        var mtu = Math.Clamp(passes + 90, 576, 1400);
        return "Ask the network's people to let ICMP 'fragmentation needed' (IPv6: 'packet too big') through, or to clamp the MSS at the "
            + $"router or VPN. Until then, on this machine: ip link set dev INTERFACE mtu {mtu.ToString(CultureInfo.InvariantCulture)}";
    }

    private static string Time(DateTimeOffset time) => time.UtcDateTime.ToString("yyyy-MM-dd HH:mm:ss 'UTC'", CultureInfo.InvariantCulture);

    private static string Span(TimeSpan span) => span switch
    {
        { TotalDays: >= 2 } => $"{span.TotalDays:0} days",
        { TotalHours: >= 2 } => $"{span.TotalHours:0} hours",
        { TotalMinutes: >= 2 } => $"{span.TotalMinutes:0} minutes",
        _ => $"{span.TotalSeconds:0} seconds",
    };
}
