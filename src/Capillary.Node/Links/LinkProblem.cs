namespace Capillary.Node.Links;

/// <summary>
/// Why a link is not live: what a technician, <c>doctor</c> and health codes tell apart. docs/operations/networks.md says what to do.
/// </summary>
public enum LinkProblem
{
    /// <summary>The parent's name has no address here.</summary>
    DnsFailed,

    /// <summary>No TCP connection to the parent.</summary>
    Unreachable,

    /// <summary>No TCP connection to the proxy, or its name has no address.</summary>
    ProxyUnreachable,

    /// <summary>The proxy wants a user and password, other ones, or a scheme other than Basic.</summary>
    ProxyAuthentication,

    /// <summary>The proxy forbids this host or port.</summary>
    ProxyRefused,

    /// <summary>The proxy answered something else: it does not reach the parent, or it is no HTTP proxy.</summary>
    ProxyFailed,

    /// <summary>Something between ends the parent's TLS and shows a certificate of its own.</summary>
    Intercepted,

    /// <summary>What answers there is no Capillary parent: a login page, another server, another port.</summary>
    NotAParent,

    /// <summary>It connects, and no answer comes in time.</summary>
    NoAnswer,

    /// <summary>The parent refuses this node by name, or this node does not trust it.</summary>
    Refused,

    /// <summary>The connection or the session was cut.</summary>
    Cut,
}

/// <summary>A link that could not be opened or used. Its message is for a person: what happened, and what to do.</summary>
public sealed class LinkException : HttpRequestException
{
    public LinkException(LinkProblem problem, string message, Exception? inner = null)
        : base(message, inner) => Problem = problem;

    public LinkProblem Problem { get; }
}
