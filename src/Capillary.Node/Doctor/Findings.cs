using System.Net.Sockets;

namespace Capillary.Node.Doctor;

/// <summary>What the resolver said of a name.</summary>
internal abstract record NameFinding
{
    private NameFinding() { }

    /// <summary>An address was given, there is nothing to look up.</summary>
    public sealed record Literal : NameFinding;

    public sealed record Found(IReadOnlyList<string> Addresses) : NameFinding;

    /// <summary>The name server answered that there is no such name.</summary>
    public sealed record Unknown : NameFinding;

    /// <summary>No name server answered.</summary>
    public sealed record Silent : NameFinding;
}

/// <summary>What became of the way to a port: the parent's, or the proxy's.</summary>
internal abstract record DialFinding
{
    private DialFinding() { }

    /// <summary>Connected; <paramref name="Address"/> is the last hop that is seen: the parent, or the proxy.</summary>
    public sealed record Open(string Address) : DialFinding;

    /// <summary>Somebody said no at once.</summary>
    public sealed record Refused(string Address) : DialFinding;

    /// <summary>Nobody said anything.</summary>
    public sealed record Silent(string Address) : DialFinding;

    /// <summary>This machine or a router has no way to there.</summary>
    public sealed record NoRoute(string Address, SocketError Error) : DialFinding;

    /// <summary>The proxy answered CONNECT with something else than yes.</summary>
    /// <param name="Status">Its HTTP status.</param>
    /// <param name="Schemes">The logins it offers, such as <c>Basic</c>, <c>NTLM</c>.</param>
    public sealed record ProxySaid(int Status, IReadOnlyList<string> Schemes) : DialFinding;

    /// <summary>What stands at the proxy's address speaks no HTTP, or nothing at all.</summary>
    /// <param name="Said">How its answer began; null: it said nothing.</param>
    public sealed record NoProxyThere(string? Said) : DialFinding;
}

/// <summary>What was seen when TLS began.</summary>
internal abstract record TlsFinding
{
    private TlsFinding() { }

    /// <summary>A certificate was shown.</summary>
    /// <param name="Subject">Its subject.</param>
    /// <param name="Issuer">Its issuer.</param>
    /// <param name="IsP256">Whether it is around a P-256 key, as ours are.</param>
    /// <param name="Protocol">Such as <c>Tls13</c>.</param>
    /// <param name="Http2">Whether HTTP/2 was agreed on.</param>
    public sealed record Shown(string Subject, string Issuer, bool IsP256, string Protocol, bool Http2) : TlsFinding;

    /// <summary>The port is open and then says nothing.</summary>
    public sealed record Silent : TlsFinding;

    /// <summary>The connection was ended as soon as TLS began.</summary>
    public sealed record Cut : TlsFinding;

    /// <summary>An answer that is no TLS.</summary>
    public sealed record NotTls(string Reason) : TlsFinding;
}

/// <summary>What stands at the other end.</summary>
internal abstract record ParentFinding
{
    private ParentFinding() { }

    /// <summary>It serves this fleet; <paramref name="Proven"/> names the node whose signed record holds its key, if we can tell.</summary>
    public sealed record Serves(string Fleet, string? Proven) : ParentFinding;

    /// <summary>It serves another fleet than ours.</summary>
    public sealed record OtherFleet(string Fleet, string Ours) : ParentFinding;

    /// <summary>No signed record holds the key that it shows.</summary>
    public sealed record Untrusted(string Reason) : ParentFinding;

    /// <summary>It answers short questions; its first long answer never came.</summary>
    public sealed record LongAnswerLost : ParentFinding;

    /// <summary>It does not speak as a parent does.</summary>
    public sealed record Strange(string Reason) : ParentFinding;
}

/// <summary>What tells of the time.</summary>
/// <param name="Here">This machine's clock.</param>
/// <param name="Signed">A time that the hub signed and that has passed for certain; null: none is known.</param>
/// <param name="Said">What the parent says, unsigned; null: nothing.</param>
internal sealed record ClockFinding(DateTimeOffset Here, DateTimeOffset? Signed, DateTimeOffset? Said);

/// <summary>What became of messages of different lengths.</summary>
internal abstract record PathFinding
{
    private PathFinding() { }

    public sealed record Passed(int Bytes) : PathFinding;

    /// <summary>Messages up to about <paramref name="Passes"/> bytes are answered, longer ones vanish.</summary>
    public sealed record Hole(int Passes, int Vanishes) : PathFinding;

    /// <summary>Something ends the connection when a long message comes.</summary>
    public sealed record Cut(int Bytes, string Reason) : PathFinding;

    /// <summary>Not even the shortest was answered.</summary>
    public sealed record NoAnswer : PathFinding;
}
