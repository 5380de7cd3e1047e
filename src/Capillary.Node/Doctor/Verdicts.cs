using System.Net.Sockets;

namespace Capillary.Node.Doctor;

/// <summary>
/// What a finding means, in words for a technician who knows neither TLS nor this program. Pure: findings in, checks out.
/// </summary>
/// <param name="host">The parent's name.</param>
/// <param name="port">Its port.</param>
/// <param name="proxy">The proxy on the way as <c>host:port</c>; null: none.</param>
internal sealed partial class Verdicts(string host, int port, string? proxy)
{
    private string Parent => $"{host}:{port}";

    private string Rule => $"outgoing TCP to {Parent}";

    /// <param name="finding">What the resolver said of the name of the first hop.</param>
    /// <param name="hop">That name: the parent's, or the proxy's.</param>
    /// <param name="servers">The name servers that this machine asks.</param>
    public Check OfName(NameFinding finding, string hop, IReadOnlyList<string> servers)
    {
        var asked = servers.Count > 0 ? $"DNS {string.Join(", ", servers)}" : "this machine's DNS";
        return finding switch
        {
            NameFinding.Literal => Check.Skipped(CheckNames.Dns, $"{hop} is an address; there is no name to look up"),
            NameFinding.Found { Addresses: ["0.0.0.0" or "::", ..] } => Check.Failed(CheckNames.Dns,
                $"{asked} answers with an address that leads nowhere for {hop}: a DNS filter blocks the name.",
                $"Ask the network's people to let {asked} answer for {hop}."),
            NameFinding.Found found => Check.Ok(CheckNames.Dns, $"{hop} is {string.Join(", ", found.Addresses)}"),
            NameFinding.Unknown => Check.Failed(CheckNames.Dns, $"The name {hop} cannot be found.",
                $"Compare the name with your papers. If it is right, ask the network's people whether {asked} knows it."),
            _ => Check.Failed(CheckNames.Dns, $"The name {hop} cannot be looked up: {asked} does not answer.",
                servers.Count > 0
                    ? "Check the network cable. Then ask the network's people whether "
                        + $"{string.Join(", ", servers)} is the right DNS server here."
                    : "This machine has no DNS server (/etc/resolv.conf names none). Ask the network's people for its address."),
        };
    }

    /// <param name="finding">What became of dialling; null: it was not tried.</param>
    /// <param name="hint">A proxy that the environment names and that nobody told us to use; null: none.</param>
    public Check OfProxy(DialFinding? finding, string? hint) => (proxy, finding) switch
    {
        (null, _) => Check.Skipped(CheckNames.Proxy,
            hint is null ? "none is set" : $"none is set (the environment names {hint}; it is not used)"),
        (_, null) => Check.Skipped(CheckNames.Proxy, "its name was not found"),
        (_, DialFinding.Open or DialFinding.ProxySaid { Status: >= 500 and <= 504 }) =>
            Check.Ok(CheckNames.Proxy, $"{proxy} answers"),
        (_, DialFinding.Refused or DialFinding.Silent or DialFinding.NoRoute) => Check.Failed(CheckNames.Proxy,
            $"The proxy {proxy} cannot be reached: {Why(finding)}.",
            $"Ask the network's people whether {proxy} is the right proxy, and whether this machine may use it."),
        (_, DialFinding.NoProxyThere none) => Check.Failed(CheckNames.Proxy,
            none.Said is null ? $"{proxy} takes the connection and says nothing." : $"{proxy} is no HTTP proxy; it says: {none.Said}",
            "Ask the network's people for the address and port of the HTTP proxy."),
        (_, DialFinding.ProxySaid { Status: 407 } said) => OfLogin(said.Schemes),
        (_, DialFinding.ProxySaid said) => Check.Failed(CheckNames.Proxy,
            $"The proxy {proxy} does not let us through to {Parent} (HTTP status {said.Status}).",
            $"Ask the network's people to allow CONNECT to {Parent} at the proxy, without a look into it (TLS inspection)."),
        var other => throw new InvalidOperationException($"unknown finding {other}"),
    };

    public Check OfPort(DialFinding finding)
    {
        const string Name = CheckNames.Port;
        var through = proxy is null ? "" : $" through the proxy {proxy}";
        return finding switch
        {
            DialFinding.Open open => Check.Ok(Name, proxy is null ? $"{open.Address} is open" : $"{Parent} is open{through}"),
            DialFinding.ProxySaid { Status: >= 500 and <= 504 } said => Check.Failed(Name,
                $"The proxy {proxy} cannot reach {Parent} (HTTP status {said.Status}): it finds no such name, or nobody answers there.",
                $"Compare the address with your papers. Then ask the network's people whether the proxy may reach {Parent}."),
            _ when proxy is not null => Check.Skipped(Name, "the proxy lets nothing through"),
            DialFinding.Refused refused => Check.Failed(Name,
                $"{refused.Address} says no at once: nothing listens at that port, or a firewall refuses.",
                $"Compare the port with your papers. Ask whether the parent runs; then ask the network's people to allow {Rule}."),
            DialFinding.Silent silent => Check.Failed(Name,
                $"{silent.Address} does not answer: a firewall drops the packets, or the machine is off.",
                $"Ask the network's people to allow {Rule}. If machines here must use a proxy, ask for its address and give it with "
                + "--proxy."),
            _ => Check.Failed(Name, $"There is no way from this machine to {host}: {Why(finding)}.",
                "Check the network cable, this machine's address and its default gateway (ip route)."),
        };
    }

    public Check OfTls(TlsFinding finding)
    {
        const string Name = CheckNames.Interception;
        return finding switch
        {
            TlsFinding.Shown shown when IsOurs(shown) => Check.Ok(Name, "nobody looks into the link"),
            // Our names on it: a capillary parent, and something on the way that takes away what we need.
            TlsFinding.Shown { Subject: Ours, Issuer: Ours, IsP256: true } shown => Check.Failed(Name,
                $"The parent is reached, but only with {Version(shown)}{(shown.Http2 ? "" : " and without HTTP/2")}.",
                $"A device on the way changes how TLS begins. {BypassRule}"),
            TlsFinding.Shown shown => Check.Failed(Name,
                $"The certificate shown is not the parent's: it was issued by '{Short(shown.Issuer)}' for '{Short(shown.Subject)}'. "
                + $"A device on the way opens the encryption (TLS inspection), or {Parent} is the address of another server.",
                $"{BypassRule} If they inspect nothing, compare the address with your papers."),
            TlsFinding.Silent => Check.Failed(Name,
                $"{Parent} takes the connection and then says nothing: something on the way answers in the parent's place, or the parent "
                + "hangs.",
                $"Ask whether the parent runs. {BypassRule}"),
            TlsFinding.Cut => Check.Failed(Name, $"The connection to {Parent} is ended as soon as encryption begins.",
                $"A firewall that looks into connections does this. {BypassRule}"),
            TlsFinding.NotTls not => Check.Failed(Name, $"{Parent} is open but does not speak TLS: {not.Reason}",
                "Compare the address and the port with your papers: this is another server."),
            var other => throw new InvalidOperationException($"unknown finding {other}"),
        };
    }

    private const string Ours = "CN=capillary";

    private string BypassRule => $"Ask the network's people for a bypass rule: no TLS inspection for {Parent}.";

    private static string Version(TlsFinding.Shown shown) => shown.Protocol.Replace("Tls1", "TLS 1.", StringComparison.Ordinal);

    private static bool IsOurs(TlsFinding.Shown shown) =>
        shown is { Subject: Ours, Issuer: Ours, IsP256: true, Protocol: "Tls13", Http2: true };

    private Check OfLogin(IReadOnlyList<string> schemes)
    {
        var basic = schemes.Count == 0 || schemes.Contains("Basic", StringComparer.OrdinalIgnoreCase);
        return basic
            ? Check.Failed(CheckNames.Proxy, $"The proxy {proxy} wants a user and a password, or those given are wrong.",
                "Ask the network's people for a user and a password at the proxy, and give them with --proxy http://USER@HOST:PORT and "
                + "--proxy-password-file FILE.")
            : Check.Failed(CheckNames.Proxy,
                $"The proxy {proxy} wants a login that this program does not speak ({string.Join(", ", schemes)}).",
                $"Ask the network's people for a Basic login, or for a rule that lets this machine through to {Parent} without one.");
    }

    private static string Why(DialFinding finding) => finding switch
    {
        DialFinding.Refused refused => $"{refused.Address} says no at once",
        DialFinding.Silent silent => $"{silent.Address} does not answer",
        DialFinding.NoRoute { Error: SocketError.NetworkUnreachable } => "the network is unreachable",
        DialFinding.NoRoute { Error: SocketError.HostUnreachable } none => $"{none.Address} is unreachable",
        DialFinding.NoRoute none => $"{none.Address}: {none.Error}",
        _ => "for an unknown reason",
    };

    /// <summary>What a stranger's certificate says goes onto a terminal: short, and without control characters.</summary>
    private static string Short(string text) => new([.. text.Where(c => !char.IsControl(c)).Take(120)]);
}
