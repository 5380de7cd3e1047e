using System.Globalization;

namespace Capillary.Node.Links;

/// <summary>A part of each day by the local clock.</summary>
/// <param name="From">Its first minute.</param>
/// <param name="To">Its end, not within; before <paramref name="From"/>: on the next day.</param>
public sealed record QuietWindow(TimeOnly From, TimeOnly To)
{
    public bool Holds(TimeOnly at) => From < To ? at >= From && at < To : at >= From || at < To;
}

/// <summary>
/// When big blobs wait, so that the network is the ward's. A rule on the local wall clock: an hour that a clock change skips is not quiet,
/// one that comes twice is so twice.
/// </summary>
/// <param name="Windows">1 to 16.</param>
public sealed record QuietHours(IReadOnlyList<QuietWindow> Windows)
{
    private const int MostWindows = 16;
    private const int MinutesOfTwoDays = 2 * 24 * 60;

    /// <summary>From this size on a blob is big; in bytes, default 16 MiB.</summary>
    public long BigBytes { get; init; } = 16 << 20;

    /// <summary>Reads <c>07:00-19:00</c>, or several with commas between.</summary>
    /// <exception cref="InvalidDataException">It is no such list; says which part.</exception>
    public static QuietHours Parse(string text, string place)
    {
        var windows = new List<QuietWindow>();
        foreach (var part in text.Split(','))
        {
            var ends = part.Trim().Split('-');
            if (ends.Length != 2 || At(ends[0]) is not { } from || At(ends[1]) is not { } to)
                throw new InvalidDataException(
                    $"{place}: '{part.Trim()}' are not quiet hours; expected such as 07:00-19:00 or 22:00-06:00");
            windows.Add(new QuietWindow(from, to));
        }
        var hours = new QuietHours(windows);
        hours.Validate(place);
        return hours;
    }

    /// <exception cref="InvalidDataException">A member is out of its range, or no minute of the day is left; says which.</exception>
    public void Validate(string place)
    {
        if (Windows.Count is < 1 or > MostWindows) throw new InvalidDataException($"{place}: 1 to {MostWindows} quiet hours are expected");
        if (BigBytes < 1) throw new InvalidDataException($"{place}: the size of a big blob is 1 byte or more");
        if (Windows.FirstOrDefault(window => window.From == window.To) is { } empty)
            throw new InvalidDataException($"{place}: quiet hours from {empty.From:HH\\:mm} to {empty.To:HH\\:mm} are none; "
                + "for all but a minute write such as 00:00-23:59");
        if (Enumerable.Range(0, 24 * 60).All(minute => Holds(new TimeOnly(minute / 60, minute % 60))))
            throw new InvalidDataException($"{place}: the quiet hours cover the whole day, so big blobs would never come");
    }

    /// <summary>The end of the quiet hours that hold at <paramref name="now"/>; null when none do.</summary>
    /// <param name="now">The time.</param>
    /// <param name="zone">Where the wall clock hangs.</param>
    public DateTimeOffset? QuietUntil(DateTimeOffset now, TimeZoneInfo zone)
    {
        if (!HoldsAt(now, zone)) return null;
        // Minute by minute: windows and clock changes fall on whole minutes, so no case is special.
        var minute = now.AddTicks(-(now.Ticks % TimeSpan.TicksPerMinute));
        for (var i = 1; i <= MinutesOfTwoDays; i++)
        {
            if (!HoldsAt(minute.AddMinutes(i), zone)) return minute.AddMinutes(i);
        }
        return minute.AddMinutes(MinutesOfTwoDays);
    }

    private bool HoldsAt(DateTimeOffset at, TimeZoneInfo zone) => Holds(TimeOnly.FromDateTime(TimeZoneInfo.ConvertTime(at, zone).DateTime));

    private bool Holds(TimeOnly at) => Windows.Any(window => window.Holds(at));

    private static TimeOnly? At(string text) => text.Trim() is "24:00" ? TimeOnly.MinValue
        : TimeOnly.TryParseExact(text.Trim(), "HH:mm", CultureInfo.InvariantCulture, DateTimeStyles.None, out var at) ? at : null;
}
