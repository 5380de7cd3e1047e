namespace Capillary.Node.Doctor;

/// <summary>How one check ended.</summary>
public enum CheckState
{
    Ok,

    /// <summary>Worth a look; nothing depends on it.</summary>
    Warning,

    /// <summary>The link cannot work before this does.</summary>
    Failed,

    /// <summary>Not needed here, or an earlier check failed.</summary>
    Skipped,
}

/// <summary>One thing that was tested, in words for a technician.</summary>
/// <param name="Name">Of <see cref="CheckNames"/>.</param>
/// <param name="State">How it ended.</param>
/// <param name="Seen">What was seen, in a sentence.</param>
/// <param name="Advice">What to do; null when there is nothing to do.</param>
public sealed record Check(string Name, CheckState State, string Seen, string? Advice = null)
{
    internal static Check Ok(string name, string seen) => new(name, CheckState.Ok, seen);

    internal static Check Failed(string name, string seen, string advice) => new(name, CheckState.Failed, seen, advice);

    internal static Check Warning(string name, string seen, string advice) => new(name, CheckState.Warning, seen, advice);

    internal static Check Skipped(string name, string why) => new(name, CheckState.Skipped, why);
}

/// <summary>The checks by name, in the order in which one needs the other.</summary>
public static class CheckNames
{
    public const string Dns = "dns";
    public const string Proxy = "proxy";
    public const string Port = "port";
    public const string Interception = "interception";
    public const string Parent = "parent";
    public const string Clock = "clock";
    public const string PathMtu = "path-mtu";

    public static IReadOnlyList<string> All { get; } = [Dns, Proxy, Port, Interception, Parent, Clock, PathMtu];
}

/// <summary>What the way to one parent looks like.</summary>
/// <param name="Parent">The parent as <c>host:port</c>.</param>
/// <param name="Proxy">The proxy on the way as <c>host:port</c>; null: none.</param>
/// <param name="Checks">One of each of <see cref="CheckNames"/>, in that order.</param>
public sealed record Diagnosis(string Parent, string? Proxy, IReadOnlyList<Check> Checks)
{
    /// <summary>The check that fails; null: the way is good.</summary>
    public Check? Failed => Checks.FirstOrDefault(check => check.State == CheckState.Failed);
}

/// <summary>What the doctor found, a diagnosis per parent.</summary>
/// <param name="Parents">In the order in which the node dials them; at least one.</param>
public sealed record DoctorReport(IReadOnlyList<Diagnosis> Parents)
{
    /// <summary>One good parent is enough for a link.</summary>
    public bool IsGood => Parents.Any(parent => parent.Failed is null);
}
