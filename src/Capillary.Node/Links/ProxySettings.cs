using System.Globalization;
using System.Text;

namespace Capillary.Node.Links;

/// <summary>
/// An HTTP proxy that a node dials its parents through with CONNECT (RFC 9110 section 9.3.6). It carries the link and is part of nobody's
/// trust.
/// </summary>
/// <param name="Host">The proxy's name or address; an IPv6 address without brackets.</param>
/// <param name="Port">Its port, 1 to 65,535.</param>
/// <param name="User">Basic authentication (RFC 7617), without ':'; null: none.</param>
/// <param name="Password">With <paramref name="User"/>; a secret, never logged.</param>
public sealed record ProxySettings(string Host, int Port, string? User = null, string? Password = null)
{
    private const int MostCredentialBytes = 1024;
    private const string Expected = "expected http://HOST:PORT or http://USER:PASSWORD@HOST:PORT";

    /// <summary>
    /// Reads <c>http://host:port</c>, <c>http://user:password@host:port</c> or <c>host:port</c>; user and password are percent-decoded, an
    /// IPv6 address stands in brackets.
    /// </summary>
    /// <param name="text">What a person wrote. It may hold a password, so no error repeats it.</param>
    /// <param name="place">Where it stands, for the error.</param>
    /// <exception cref="InvalidDataException">It is none of these; says why.</exception>
    public static ProxySettings Parse(string text, string place)
    {
        var rest = text.Trim();
        if (rest.IndexOf("://", StringComparison.Ordinal) is var scheme and >= 0)
        {
            if (!rest.AsSpan(0, scheme).Equals("http", StringComparison.OrdinalIgnoreCase))
                throw Wrong(place, "is not an http:// address; TLS to the proxy and SOCKS are not supported");
            rest = rest[(scheme + 3)..];
        }
        if (rest.EndsWith('/')) rest = rest[..^1];
        var at = rest.LastIndexOf('@');
        var (user, password) = at < 0 ? (null, null) : Credentials(rest[..at], place);
        var (host, port) = Address(rest[(at + 1)..], place);
        var proxy = new ProxySettings(host, port, user, password);
        proxy.Validate(place);
        return proxy;
    }

    /// <summary>Checks what came from a file.</summary>
    /// <exception cref="InvalidDataException">A member is out of its range; says which, and never the password.</exception>
    public void Validate(string place)
    {
        if (Host is not { Length: > 0 and <= 253 } || Uri.CheckHostName(Host) == UriHostNameType.Unknown)
            throw Wrong(place, "has no valid host");
        if (Port is < 1 or > 65_535) throw Wrong(place, "has no port of 1 to 65535");
        if (User is null && Password is not null) throw Wrong(place, "has a password without a user");
        if (User is { Length: 0 }) throw Wrong(place, "has an empty user");
        if (User?.Contains(':') ?? false) throw Wrong(place, "has a user with a colon, which Basic authentication cannot carry");
        if (Encoding.UTF8.GetByteCount($"{User}{Password}") > MostCredentialBytes)
            throw Wrong(place, "has a user or password that is too long");
        if (HasControl(User) || HasControl(Password)) throw Wrong(place, "has a control character in its user or password");
    }

    /// <summary>Without the password.</summary>
    public override string ToString() => Host.Contains(':') ? $"[{Host}]:{Port}" : $"{Host}:{Port}";

    private static (string User, string? Password) Credentials(string text, string place)
    {
        var colon = text.IndexOf(':');
        return (Decoded(colon < 0 ? text : text[..colon], place), colon < 0 ? null : Decoded(text[(colon + 1)..], place));
    }

    private static string Decoded(string text, string place)
    {
        for (var i = text.IndexOf('%'); i >= 0; i = text.IndexOf('%', i + 1))
        {
            if (i + 2 >= text.Length || !char.IsAsciiHexDigit(text[i + 1]) || !char.IsAsciiHexDigit(text[i + 2]))
                throw Wrong(place, "has a '%' without two hex digits in its user or password; write a percent sign as %25");
        }
        return Uri.UnescapeDataString(text);
    }

    private static (string Host, int Port) Address(string text, string place)
    {
        if (text.AsSpan().ContainsAny("/?#"))
            throw Wrong(place, "has something after its port; in a user or password write '/' as %2F, '?' as %3F, '#' as %23");
        var colon = text.LastIndexOf(':');
        var bracket = text.LastIndexOf(']');
        if (colon <= bracket) throw Wrong(place, "has no port");
        if (!int.TryParse(text.AsSpan(colon + 1), NumberStyles.None, CultureInfo.InvariantCulture, out var port))
            throw Wrong(place, "has no port of 1 to 65535");
        var host = text[..colon];
        if (host.StartsWith('[') && host.EndsWith(']')) return (host[1..^1], port);
        if (host.Contains(':')) throw Wrong(place, "has an IPv6 address without brackets");
        return (host, port);
    }

    private static bool HasControl(string? text) => text?.Any(char.IsControl) ?? false;

    private static InvalidDataException Wrong(string place, string reason) => new($"{place}: the proxy {reason}; {Expected}");
}
