using System.Security.Cryptography.X509Certificates;

namespace Capillary.Node.Links;

/// <summary>Who says that they made a peer's certificate. It names an interceptor, and decides nothing: what counts is the key.</summary>
/// <param name="Issuer">Short, and without control characters: it comes from outside.</param>
/// <param name="SelfMade">Nodes make their certificates themselves, so another issuer is somebody else's work.</param>
internal sealed record ShownCertificate(string Issuer, bool SelfMade)
{
    public static ShownCertificate Of(X509Certificate2 certificate)
    {
        var name = certificate.GetNameInfo(X509NameType.SimpleName, forIssuer: true);
        return new(ConnectTunnel.Shown(name.Length > 0 ? name : certificate.IssuerName.Name),
            certificate.SubjectName.RawData.AsSpan().SequenceEqual(certificate.IssuerName.RawData));
    }
}

/// <summary>The sentences for what answers in a parent's place.</summary>
internal static class Interception
{
    /// <summary>A certificate whose key no Capillary node has.</summary>
    public static LinkException Certificate(string parent, ShownCertificate shown, Exception inner) => new(LinkProblem.Intercepted,
        shown.SelfMade
            ? $"TLS to {parent} is intercepted: the certificate shown is made by '{shown.Issuer}', with a key that no Capillary node has; "
                + Remedy(parent)
            : By(parent, shown, ""), inner);

    /// <summary>A key that nodes could have, which the parent's record does not hold.</summary>
    public static string WrongKey(string parent, ShownCertificate? shown) => shown is { SelfMade: false }
        ? By(parent, shown, ", and its key is not the parent's")
        : $"TLS to {parent} is intercepted, or another node answers there: the key shown is not the parent's; {Remedy(parent)}";

    /// <summary>What went wrong after a handshake with a certificate that no node made.</summary>
    public static LinkException Broken(string parent, ShownCertificate shown, string what, Exception? inner) =>
        new(LinkProblem.Intercepted, By(parent, shown, $", and {what}"), inner);

    public static LinkException NoTls13(string parent, Exception inner) => new(LinkProblem.Intercepted,
        $"TLS to {parent} is intercepted, or no Capillary parent answers there: it does not offer TLS 1.3; {Remedy(parent)}", inner);

    public static LinkException NoHttp2(string parent, Exception? inner) => new(LinkProblem.Intercepted,
        $"TLS to {parent} is intercepted, or no Capillary parent answers there: it does not offer HTTP/2; {Remedy(parent)}", inner);

    public static LinkException NotTls(string parent, bool http, Exception inner) => new(LinkProblem.NotAParent, http
        ? $"{parent} answers in plain HTTP, not in TLS: a login page of this network, or the wrong port; log in with a browser or ask the "
            + "network's people, and check the port"
        : $"{parent} does not answer in TLS: check the address and port", inner);

    private static string By(string parent, ShownCertificate shown, string more) =>
        $"TLS to {parent} is intercepted: the certificate shown is issued by '{shown.Issuer}'{more}; {Remedy(parent)}";

    private static string Remedy(string parent) => $"ask the network's people for a bypass rule (no inspection) for {parent}";
}
