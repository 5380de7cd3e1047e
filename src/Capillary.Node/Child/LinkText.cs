namespace Capillary.Node.Child;

/// <summary>How a link stands, in words.</summary>
public static class LinkText
{
    /// <param name="link">What is known of it; null: nothing.</param>
    /// <param name="now">The time.</param>
    public static string Of(LinkStatus? link, DateTimeOffset now) => link switch
    {
        null => "down: not dialled yet, or nothing runs",
        { IsLive: true } => $"up for {Age(now - link.Since)}",
        _ => $"down for {Age(now - link.Since)}: {link.Problem ?? "not known why"}",
    };

    // What another process wrote while this one looked is a moment younger than "now".
    private static readonly TimeSpan Now = TimeSpan.FromSeconds(-5);

    /// <summary>A length of time as people say it.</summary>
    public static string Age(TimeSpan age) => age switch
    {
        _ when age < Now => "an unknown time (the clock was set back)",
        { Ticks: < 0 } => "0 s",
        { TotalDays: >= 2 } => $"{age.TotalDays:0} days",
        { TotalHours: >= 2 } => $"{age.TotalHours:0} hours",
        { TotalMinutes: >= 2 } => $"{age.TotalMinutes:0} minutes",
        _ => $"{age.TotalSeconds:0} s",
    };
}
