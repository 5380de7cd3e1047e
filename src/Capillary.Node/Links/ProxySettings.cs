namespace Capillary.Node.Links;

/// <summary>
/// An HTTP proxy that a node dials its parents through with CONNECT (RFC 9110 section 9.3.6). It carries the link and is part of nobody's
/// trust.
/// </summary>
/// <param name="Host">The proxy's name or address.</param>
/// <param name="Port">Its port.</param>
/// <param name="User">Basic authentication (RFC 7617); null: none.</param>
/// <param name="Password">With <paramref name="User"/>; a secret, never logged.</param>
public sealed record ProxySettings(string Host, int Port, string? User = null, string? Password = null)
{
    /// <summary>Without the password.</summary>
    public override string ToString() => $"{Host}:{Port}";
}
