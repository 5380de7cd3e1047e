using System.Net.Sockets;
using Capillary.Node.Doctor;
using Xunit;

namespace Capillary.Tests.Node.Doctor;

/// <summary>Every word that the doctor can say, in one file to be read by people.</summary>
public sealed class VerdictTests
{
    private static readonly DateTimeOffset Now = new(2026, 11, 21, 12, 0, 0, TimeSpan.Zero);
    private readonly Verdicts straight = new("hub.lab.example", 443, null);
    private readonly Verdicts through = new("hub.lab.example", 443, "proxy.lab.example:3128");

    [Fact]
    public void What_the_doctor_says_is_golden() => GoldenFile.Check("doctor", string.Concat(
        All().Select(check => $"{check.State,-8} {check.Name}\n  {check.Seen}\n{(check.Advice is null ? "" : $"  > {check.Advice}\n")}")));

    [Fact]
    public void What_fails_always_says_what_to_do() =>
        Assert.All(All(), check => Assert.Equal(check.State is CheckState.Failed or CheckState.Warning, check.Advice is not null));

    private IEnumerable<Check> All()
    {
        IReadOnlyList<string> servers = ["10.0.0.1"];
        NameFinding[] names = [new NameFinding.Literal(), new NameFinding.Found(["10.0.0.7"]), new NameFinding.Found(["0.0.0.0"]),
            new NameFinding.Unknown(), new NameFinding.Silent()];
        foreach (var finding in names) yield return straight.OfName(finding, "hub.lab.example", servers);
        yield return straight.OfName(new NameFinding.Silent(), "hub.lab.example", []);
        yield return straight.OfProxy(new DialFinding.Open("10.0.0.7:443"), null);
        yield return straight.OfProxy(new DialFinding.Open("10.0.0.7:443"), "proxy.lab.example:3128");
        DialFinding[] dials = [new DialFinding.Open("10.0.0.7:443"), new DialFinding.Refused("10.0.0.7:443"), new DialFinding.Silent("10.0.0.7:443"),
            new DialFinding.NoRoute("10.0.0.7:443", SocketError.NetworkUnreachable), new DialFinding.ProxySaid(407, []),
            new DialFinding.ProxySaid(407, ["NTLM", "Negotiate"]), new DialFinding.ProxySaid(403, []), new DialFinding.ProxySaid(503, []),
            new DialFinding.NoProxyThere(null), new DialFinding.NoProxyThere("SSH-2.0-OpenSSH_9.2")];
        foreach (var finding in dials.Take(4)) yield return straight.OfPort(finding);
        foreach (var finding in dials)
        {
            yield return through.OfProxy(finding, null);
            yield return through.OfPort(finding);
        }
        TlsFinding[] shown = [new TlsFinding.Shown("CN=capillary", "CN=capillary", true, "Tls13", true),
            new TlsFinding.Shown("CN=capillary", "CN=capillary", true, "Tls12", false),
            new TlsFinding.Shown("CN=hub.lab.example", "CN=Hospital\u001b[31m CA", false, "Tls12", false), new TlsFinding.Silent(), new TlsFinding.Cut(),
            new TlsFinding.NotTls("Cannot determine the frame size or a corrupted frame was received.")];
        foreach (var finding in shown) yield return straight.OfTls(finding);
        ParentFinding[] met = [new ParentFinding.Serves("wards", null), new ParentFinding.Serves("wards", "eu-1"),
            new ParentFinding.OtherFleet("others", "wards"), new ParentFinding.Untrusted("the key on the wire is not that of 'eu-1'"),
            new ParentFinding.LongAnswerLost(), new ParentFinding.Strange("it names no fleet")];
        foreach (var finding in met) yield return straight.OfParent(finding);
        ClockFinding[] clocks = [new(Now, Now, Now), new(Now, null, null), new(DateTimeOffset.UnixEpoch, Now, null), new(Now.AddYears(10), Now, Now),
            new(Now.AddMinutes(-5), null, Now)];
        foreach (var finding in clocks) yield return Verdicts.OfClock(finding);
        PathFinding[] paths = [new PathFinding.Passed(16000), new PathFinding.Hole(1000, 16000), new PathFinding.Cut(16000, "reset"),
            new PathFinding.NoAnswer()];
        foreach (var finding in paths) yield return straight.OfPath(finding);
    }
}
