using System.Globalization;

namespace Capillary.Node.Links;

/// <summary>What a site's people allow the link to take of their network. It bounds blob content; sessions and reports are small.</summary>
/// <param name="MaxBytesPerSecond">All blobs of the link together, 10,000 or more; null: no limit.</param>
/// <param name="QuietHours">When big blobs wait; null: never.</param>
public sealed record LinkLimits(long? MaxBytesPerSecond = null, QuietHours? QuietHours = null)
{
    /// <summary>Slower, a link would not bring a bundle in a day.</summary>
    public const long LeastBytesPerSecond = 10_000;

    /// <summary>What may be on its way of one transfer: bytes on their way come whatever the rate is.</summary>
    public int Window => MaxBytesPerSecond is { } rate ? (int)Math.Clamp(rate / 8, 64 << 10, LinkConnection.DefaultWindow)
        : LinkConnection.DefaultWindow;

    /// <summary>Of two texts as people write them; null: neither is given.</summary>
    /// <exception cref="InvalidDataException">One is not such a text; says which.</exception>
    public static LinkLimits? Parse(string? rate, string? quietHours, string ratePlace, string quietPlace) =>
        (rate, quietHours) is (null, null) ? null : new LinkLimits(rate is null ? null : ParseRate(rate, ratePlace),
            quietHours is null ? null : QuietHours.Parse(quietHours, quietPlace));

    /// <exception cref="InvalidDataException">A member is out of its range; says which.</exception>
    public void Validate(string place)
    {
        if (MaxBytesPerSecond is { } rate) CheckRate(rate, place);
        QuietHours?.Validate(place);
    }

    /// <summary>
    /// Reads bytes per second: a number with <c>k</c>, <c>M</c>, <c>G</c> (thousands) or <c>Ki</c>, <c>Mi</c>, <c>Gi</c> (1,024s), then
    /// <c>B</c> and <c>/s</c> if one likes: <c>2MB/s</c>, <c>500k</c>, <c>1.5Mi</c>.
    /// </summary>
    /// <exception cref="InvalidDataException">It is no rate, or less than 10 kB/s.</exception>
    public static long ParseRate(string text, string place)
    {
        var amount = text.Trim();
        if (amount.EndsWith("/s", StringComparison.OrdinalIgnoreCase)) amount = amount[..^2];
        if (amount.EndsWith("bit", StringComparison.OrdinalIgnoreCase) || amount.EndsWith("bps", StringComparison.OrdinalIgnoreCase))
            throw new InvalidDataException($"{place}: '{text}' counts bits; give bytes per second, an eighth of it, such as 2MB/s");
        var rate = ParseBytes(amount) ?? throw new InvalidDataException($"{place}: '{text}' is not a rate; expected such as 500k or 2MB/s");
        CheckRate(rate, place);
        return rate;
    }

    /// <summary>Reads a size in bytes, written as a rate without <c>/s</c>: <c>16Mi</c>, <c>500k</c>.</summary>
    /// <exception cref="InvalidDataException">It is no size.</exception>
    public static long ParseSize(string text, string place) => ParseBytes(text.Trim())
        ?? throw new InvalidDataException($"{place}: '{text}' is not a size; expected such as 500k or 16Mi");

    private static void CheckRate(long rate, string place)
    {
        if (rate < LeastBytesPerSecond)
            throw new InvalidDataException($"{place}: {rate} bytes per second is too slow for bundles; give 10k or more");
    }

    private static long? ParseBytes(string text)
    {
        var number = text.AsSpan(0, text.AsSpan().LastIndexOfAnyInRange('0', '9') + 1);
        if (Unit(text[number.Length..].TrimStart()) is not { } unit) return null;
        if (!decimal.TryParse(number, NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out var count)) return null;
        return count <= long.MaxValue / unit ? (long)(count * unit) : null;
    }

    private static long? Unit(string name) => name.TrimEnd('B', 'b') switch
    {
        "" => 1,
        "k" or "K" => 1000,
        "M" or "m" => 1_000_000,
        "G" or "g" => 1_000_000_000,
        "Ki" or "ki" => 1L << 10,
        "Mi" or "mi" => 1L << 20,
        "Gi" or "gi" => 1L << 30,
        _ => null,
    };
}
