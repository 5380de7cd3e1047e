using System.Net;
using Capillary.Core.Protocol;

namespace Capillary.Node.Parent;

/// <summary>Where a parent listens.</summary>
/// <param name="Listen">Address and port; port 0 takes a free one.</param>
/// <param name="MaxChildren">Most sessions at once (1 to 1,000,000, default 20,000).</param>
public sealed record ParentOptions(IPEndPoint Listen, int MaxChildren = 20_000)
{
    /// <summary>Who stays when two processes are at work with one key (default: the newest).</summary>
    public TwoSessionsPolicy TwoSessions { get; init; } = TwoSessionsPolicy.NewestStays;

    /// <summary>What one identity may take of this parent.</summary>
    public ParentLimits Limits { get; init; } = new();

    /// <exception cref="ArgumentException">A number is out of its range; says which.</exception>
    internal void Validate()
    {
        ParentLimits.Require(MaxChildren, 1, 1_000_000, nameof(MaxChildren));
        Limits.Validate();
    }
}

/// <summary>
/// What one identity may take of a parent, so that one broken or evil child cannot take what the others need. They count by the key that
/// was proven in TLS (and enrollments also by the join code), never by IP address: a thousand children may share one.
/// </summary>
public sealed record ParentLimits
{
    /// <summary>Sessions of one key at once (1 to 100, default 4: a new one may come before an old one is known to be dead).</summary>
    public int SessionsPerKey { get; init; } = 4;

    /// <summary>Connections of one known key at once (1 to 1,000, default 16).</summary>
    public int ConnectionsPerKey { get; init; } = 16;

    /// <summary>Content requests of one key that are served at once (1 to 1,000, default 16).</summary>
    public int ContentPerKey { get; init; } = 16;

    /// <summary>Content requests a second that one key may go on making (1 to 100,000, default 200).</summary>
    public int RequestsPerSecond { get; init; } = 200;

    /// <summary>
    /// Content requests that one key may make at once before <see cref="RequestsPerSecond"/> holds it back (1 to 1,000,000, default 10,000:
    /// a new region fetches all that its sites need).
    /// </summary>
    public int RequestBurst { get; init; } = 10_000;

    /// <summary>Enrollment requests a minute of one key that has no session, and of one join code (1 to 10,000, default 20).</summary>
    public int EnrollmentsPerMinute { get; init; } = 20;

    /// <summary>
    /// Enrollment requests a minute of one key with a live session: a region passes its sites' on (1 to 100,000, default 1,000).
    /// </summary>
    public int RelayedEnrollmentsPerMinute { get; init; } = 1000;

    /// <summary>Connections at once whose keys stand in no record (1 to 100,000, default 256).</summary>
    public int Strangers { get; init; } = 256;

    /// <summary>Of these, connections of one key (1 to 100, default 8: a doctor knocks several times).</summary>
    public int ConnectionsPerStranger { get; init; } = 8;

    /// <summary>A connection without a session and without a request is closed after this (1 s to 10 min, default 15 s).</summary>
    public TimeSpan SessionWithin { get; init; } = TimeSpan.FromSeconds(15);

    /// <summary>Keys and codes that are counted at once (100 to 10,000,000, default 100,000); those unused for longest leave.</summary>
    public int MostCounted { get; init; } = 100_000;

    /// <exception cref="ArgumentException">A number is out of its range; says which.</exception>
    internal void Validate()
    {
        Require(SessionsPerKey, 1, 100, nameof(SessionsPerKey));
        Require(ConnectionsPerKey, 1, 1000, nameof(ConnectionsPerKey));
        Require(ContentPerKey, 1, 1000, nameof(ContentPerKey));
        Require(RequestsPerSecond, 1, 100_000, nameof(RequestsPerSecond));
        Require(RequestBurst, 1, 1_000_000, nameof(RequestBurst));
        Require(EnrollmentsPerMinute, 1, 10_000, nameof(EnrollmentsPerMinute));
        Require(RelayedEnrollmentsPerMinute, 1, 100_000, nameof(RelayedEnrollmentsPerMinute));
        Require(Strangers, 1, 100_000, nameof(Strangers));
        Require(ConnectionsPerStranger, 1, 100, nameof(ConnectionsPerStranger));
        Require(MostCounted, 100, 10_000_000, nameof(MostCounted));
        Require(SessionWithin.TotalSeconds, 1, 600, nameof(SessionWithin));
    }

    internal static void Require(double value, double least, double most, string name)
    {
        if (value < least || value > most) throw new ArgumentException($"{name} is {value}; it may be {least} to {most}", name);
    }
}
