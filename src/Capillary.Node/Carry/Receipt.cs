using System.Text.Json;
using Capillary.Core.Identity;
using Capillary.Core.Trust;

namespace Capillary.Node.Carry;

/// <summary>
/// <c>receipts/SITE.json</c>: what a site sends back on the stick. Its envelopes are signed by the site, so the file itself needs no
/// protection; it is not secret.
/// </summary>
/// <param name="V">Format version, 1.</param>
/// <param name="Fleet">The fleet.</param>
/// <param name="Site">The site.</param>
/// <param name="Reports">Its newest signed reports, at most <see cref="MaxReports"/>; now one.</param>
/// <param name="Events">The place of signed batches of events, at most <see cref="MaxEvents"/>; nothing writes them yet.</param>
public sealed record Receipt(int V, FleetName Fleet, SiteId Site, IReadOnlyList<Envelope> Reports, IReadOnlyList<Envelope>? Events = null)
{
    /// <summary>The folder of receipts on a stick.</summary>
    public const string FolderName = "receipts";

    /// <summary>The most reports in one receipt.</summary>
    public const int MaxReports = 16;

    /// <summary>The most batches of events in one receipt.</summary>
    public const int MaxEvents = 1_000;

    /// <summary>The longest receipt that is read, in bytes.</summary>
    public const int MaxBytes = 4 << 20;

    public byte[] ToBytes() => JsonSerializer.SerializeToUtf8Bytes(this, CarryJson.Default.Receipt);

    /// <exception cref="InvalidDataException">The bytes are no receipt; says why.</exception>
    public static Receipt Parse(ReadOnlySpan<byte> bytes, string place)
    {
        var receipt = CarryJson.Parse(bytes, place, CarryJson.Default.Receipt);
        if (receipt.V != 1) throw new InvalidDataException($"{place}: format version {receipt.V}, this program understands 1; upgrade it");
        if (receipt is not { Fleet.Value: not null, Site.Value: not null, Reports.Count: > 0 and <= MaxReports }
            || receipt.Events is { Count: > MaxEvents } || receipt.Reports.Concat(receipt.Events ?? []).Any(CarryJson.IsBroken))
            throw new InvalidDataException($"{place}: is no receipt of a site");
        return receipt;
    }
}
