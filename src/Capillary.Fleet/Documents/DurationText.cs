using System.Globalization;

namespace Capillary.Fleet.Documents;

/// <summary>Times as people write them: a whole number and a unit.</summary>
public static class DurationText
{
    private const int MostDigits = 9;

    private static readonly (char Unit, TimeSpan Length)[] Units =
        [('d', TimeSpan.FromDays(1)), ('h', TimeSpan.FromHours(1)), ('m', TimeSpan.FromMinutes(1)), ('s', TimeSpan.FromSeconds(1))];

    /// <summary>Reads <c>90s</c>, <c>30m</c>, <c>2h</c> or <c>7d</c>.</summary>
    public static bool TryParse(string text, out TimeSpan duration)
    {
        duration = default;
        if (text.Length is < 2 or > MostDigits + 1) return false;
        var length = Array.Find(Units, one => one.Unit == text[^1]).Length;
        if (length == default || !int.TryParse(text.AsSpan(0, text.Length - 1), NumberStyles.None, CultureInfo.InvariantCulture,
            out var number)) return false;
        duration = number * length;
        return true;
    }

    /// <summary>In the largest unit that is exact, as <see cref="TryParse"/> reads it; parts of a second are left out.</summary>
    public static string Of(TimeSpan duration)
    {
        foreach (var (unit, length) in Units)
        {
            if (duration >= length && duration.Ticks % length.Ticks == 0)
                return string.Create(CultureInfo.InvariantCulture, $"{duration.Ticks / length.Ticks}{unit}");
        }
        return string.Create(CultureInfo.InvariantCulture, $"{(long)duration.TotalSeconds}s");
    }

    /// <summary>Roughly, for a person who waits: <c>14 min</c>.</summary>
    public static string Roughly(TimeSpan duration) => duration.TotalMinutes switch
    {
        < 1 => string.Create(CultureInfo.InvariantCulture, $"{Math.Ceiling(duration.TotalSeconds):0} s"),
        < 120 => string.Create(CultureInfo.InvariantCulture, $"{Math.Ceiling(duration.TotalMinutes):0} min"),
        < 2880 => string.Create(CultureInfo.InvariantCulture, $"{Math.Ceiling(duration.TotalHours):0} h"),
        _ => string.Create(CultureInfo.InvariantCulture, $"{Math.Ceiling(duration.TotalDays):0} d"),
    };
}
