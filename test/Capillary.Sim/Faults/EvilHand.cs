using Capillary.Core.Identity;
using Capillary.Core.Protocol;
using Capillary.Core.Trust;
using Capillary.Sim.Machine;

namespace Capillary.Sim.Faults;

/// <summary>
/// A region in the hands of somebody who wants sites to run what the hub did not decide: tampers with, withholds, replays and mixes what
/// passes through. It has no key that counts.
/// </summary>
internal sealed class EvilHand(Prng chance)
{
    private const int Remembered = 64;
    private readonly List<Frame.Desired> lines = [];
    private readonly Dictionary<SiteId, Envelope> reports = [];

    /// <summary>What goes down instead of this frame.</summary>
    public IEnumerable<Frame> Outgoing(LinkEnd end, Frame frame) => frame switch
    {
        Frame.Desired desired => Lines(desired),
        Frame.BeaconDown beacon => chance.Below(8) switch
        {
            0 => [],
            1 => [new Frame.BeaconDown(Flip(beacon.Beacon))],
            _ => [frame],
        },
        Frame.Beat when lines.Count > 0 && chance.Chance(0.3) => [frame, chance.Pick(lines)],
        _ => [frame],
    };

    /// <summary>What is served instead of this blob.</summary>
    public byte[]? Blob(byte[]? content) =>
        content is { Length: > 0 } && chance.Chance(0.2) ? Flip(content) : chance.Chance(0.1) ? null : content;

    /// <summary>What goes up instead of this report.</summary>
    public Envelope Report(Envelope report)
    {
        if (Core.Reports.Report.ClaimedSite(report) is not { } site) return report;
        var older = reports.GetValueOrDefault(site);
        if (chance.Chance(0.3)) reports[site] = report;
        return chance.Below(8) switch
        {
            0 => Flip(report),
            1 when older is not null => older,
            _ => report,
        };
    }

    private List<Frame> Lines(Frame.Desired desired)
    {
        if (lines.Count == Remembered) lines.RemoveAt(chance.Below(Remembered));
        lines.Add(desired);
        var other = chance.Pick(lines);
        return chance.Below(7) switch
        {
            0 => [],
            1 => [desired with { Lines = [.. desired.Lines.Select(line => line with { Leaf = Flip(line.Leaf) })] }],
            2 => [desired with { Lines = other.Lines }, desired with { Lines = [.. other.Lines, .. desired.Lines] }],
            3 => [desired with { Checkpoint = other.Checkpoint }, desired],
            4 => [desired, other],
            5 => [other],
            _ => [desired],
        };
    }

    private Envelope Flip(Envelope envelope) => envelope with { Payload = Flip(envelope.Payload) };

    /// <summary>One digit or letter becomes another, so that what comes out may still be well formed.</summary>
    private byte[] Flip(byte[] bytes)
    {
        var copy = (byte[])bytes.Clone();
        for (var tries = 0; tries < 20; tries++)
        {
            var place = chance.Below(copy.Length);
            if (!char.IsAsciiHexDigitLower((char)copy[place])) continue;
            copy[place] = copy[place] == (byte)'1' ? (byte)'2' : (byte)'1';
            return copy;
        }
        copy[0] ^= 1;
        return copy;
    }
}
