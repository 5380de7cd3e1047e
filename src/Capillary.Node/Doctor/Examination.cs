using System.Net;
using System.Net.Sockets;
using Capillary.Core.Protocol;
using Capillary.Core.Trust;
using Capillary.Node.Keys;

namespace Capillary.Node.Doctor;

/// <summary>
/// Goes the way from this machine to each parent, step by step, as a link would, and stops at the step that fails. Needs no privilege,
/// changes nothing, and uses a key of its own, so that it may run beside a live agent.
/// </summary>
public sealed class Examination
{
    // The longest message that every parent reads to its end where a node enrolls.
    private const int LongMessage = 16_000;
    private const int ShortMessage = 100;
    private static readonly int[] Between = [1300, 1000, 600];

    private readonly DoctorTarget target;
    private readonly DoctorLimits limits;
    private readonly TimeProvider time;

    internal Examination(DoctorTarget target, DoctorLimits limits, TimeProvider time) =>
        (this.target, this.limits, this.time) = (target, limits, time);

    /// <summary>Looks at every parent, one after the other; a minute each at most.</summary>
    /// <param name="target">Whose way.</param>
    /// <param name="time">The clock that is looked at.</param>
    /// <param name="stop">Ends it.</param>
    public static Task<DoctorReport> RunAsync(DoctorTarget target, TimeProvider time, CancellationToken stop) =>
        new Examination(target, new DoctorLimits(), time).RunAsync(stop);

    internal async Task<DoctorReport> RunAsync(CancellationToken stop)
    {
        using var key = SigningKey.Create();
        var parents = new List<Diagnosis>();
        foreach (var parent in target.Parents) parents.Add(await ExamineAsync(parent, key, stop));
        return new DoctorReport(parents);
    }

    private async Task<Diagnosis> ExamineAsync(DnsEndPoint parent, SigningKey key, CancellationToken stop)
    {
        var verdicts = new Verdicts(parent.Host, parent.Port, target.Proxy?.ToString());
        var checks = new List<Check>();
        await foreach (var check in StepsAsync(parent, verdicts, key, stop)) checks.Add(check);
        var failed = checks.Find(check => check.State == CheckState.Failed);
        foreach (var name in CheckNames.All.Where(name => checks.All(check => check.Name != name)))
            checks.Add(name == CheckNames.Clock ? Clock(null, null) : Check.Skipped(name, $"'{failed!.Name}' failed"));
        return new Diagnosis($"{parent.Host}:{parent.Port}", target.Proxy?.ToString(),
            [.. CheckNames.All.Select(name => checks.First(check => check.Name == name))]);
    }

    /// <summary>Ends after the first step that fails.</summary>
    private async IAsyncEnumerable<Check> StepsAsync(DnsEndPoint parent, Verdicts verdicts, SigningKey key,
        [System.Runtime.CompilerServices.EnumeratorCancellation] CancellationToken stop)
    {
        var hop = target.Proxy?.Host ?? parent.Host;
        var name = verdicts.OfName(await LookUpAsync(hop, stop), hop, NameServers());
        yield return name;
        if (name.State == CheckState.Failed) yield break;

        var (dialled, stream) = await new Dialler(parent, target.Proxy, limits).DialAsync(stop);
        await using var open = stream;
        yield return verdicts.OfProxy(dialled, EnvironmentProxy());
        yield return verdicts.OfPort(dialled);
        if (stream is null) yield break;

        var tls = verdicts.OfTls(await Handshake.LookAsync(stream, parent.Host, key, limits.Answer, stop));
        yield return tls;
        if (tls.State == CheckState.Failed) yield break;

        var probe = new ParentProbe(parent, target.Proxy, key, limits);
        var (found, said, signed) = await MeetAsync(probe, stop);
        var met = verdicts.OfParent(found);
        yield return met;
        yield return Clock(signed, said);
        if (met.State == CheckState.Failed) yield break;
        yield return verdicts.OfPath(await MeasureAsync(probe, stop));
    }

    private async Task<NameFinding> LookUpAsync(string host, CancellationToken stop)
    {
        if (IPAddress.TryParse(host, out _)) return new NameFinding.Literal();
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(stop);
        limit.CancelAfter(limits.Connect);
        try
        {
            var found = await Dns.GetHostAddressesAsync(host, limit.Token);
            return found.Length == 0 ? new NameFinding.Unknown() : new NameFinding.Found([.. found.Select(address => $"{address}")]);
        }
        catch (SocketException e)
        {
            return e.SocketErrorCode is SocketError.HostNotFound or SocketError.NoData
                ? new NameFinding.Unknown() : new NameFinding.Silent();
        }
        catch (OperationCanceledException) when (!stop.IsCancellationRequested)
        {
            return new NameFinding.Silent();
        }
    }

    private async Task<(ParentFinding Found, DateTimeOffset? Said, DateTimeOffset? Signed)> MeetAsync(ParentProbe probe,
        CancellationToken stop)
    {
        DateTimeOffset? said = null;
        try
        {
            (var fleet, said) = await probe.AskFleetAsync(stop);
            if (fleet is not { } serves) return (new ParentFinding.Strange("it names no fleet"), said, null);
            if (target.Fleet is { } ours && ours != serves) return (new ParentFinding.OtherFleet(serves.Value, ours.Value), said, null);
            if (target.Joined is not var (self, trust)) return (new ParentFinding.Serves(serves.Value, null), said, null);
            var (parent, now) = await probe.ProveAsync(self, trust, stop);
            return (new ParentFinding.Serves(serves.Value, parent.Node.Value), said, now.Beacon?.IssuedAt);
        }
        catch (TrustFormatException e)
        {
            return (new ParentFinding.Untrusted(e.Message), said, null);
        }
        catch (Exception e) when (e is HttpRequestException or ProtocolException or IOException)
        {
            return (new ParentFinding.Strange(e.InnerException?.Message ?? e.Message), said, null);
        }
        catch (OperationCanceledException) when (!stop.IsCancellationRequested)
        {
            // The question about the fleet is short both ways; the trust chain fills several packets.
            return (said is null ? new ParentFinding.Strange("no answer in time") : new ParentFinding.LongAnswerLost(), said, null);
        }
    }

    private static async Task<PathFinding> MeasureAsync(ParentProbe probe, CancellationToken stop)
    {
        var sending = ShortMessage;
        try
        {
            if (!await probe.SendAsync(ShortMessage, stop)) return new PathFinding.NoAnswer();
            sending = LongMessage;
            if (await probe.SendAsync(LongMessage, stop)) return new PathFinding.Passed(LongMessage);
            foreach (var size in Between)
            {
                sending = size;
                if (await probe.SendAsync(size, stop)) return new PathFinding.Hole(size, LongMessage);
            }
            return new PathFinding.Hole(ShortMessage, LongMessage);
        }
        catch (Exception e) when (e is HttpRequestException or IOException)
        {
            return new PathFinding.Cut(sending, e.InnerException?.Message ?? e.Message);
        }
    }

    private Check Clock(DateTimeOffset? signed, DateTimeOffset? said)
    {
        var held = target.Joined?.Trust.Beacon?.IssuedAt;
        return Verdicts.OfClock(new ClockFinding(time.GetUtcNow(), held > signed || signed is null ? held : signed, said));
    }

    private static List<string> NameServers()
    {
        try
        {
            return [.. File.ReadLines("/etc/resolv.conf")
                .Select(line => line.Split((char[])[' ', '\t'], StringSplitOptions.RemoveEmptyEntries))
                .Where(words => words is ["nameserver", _, ..]).Select(words => words[1]).Take(3)];
        }
        catch (IOException)
        {
            return [];
        }
    }

    /// <summary>Without what may be a password in it.</summary>
    private static string? EnvironmentProxy() =>
        (Environment.GetEnvironmentVariable("https_proxy") ?? Environment.GetEnvironmentVariable("HTTPS_PROXY")) is { Length: > 0 } url
        && Uri.TryCreate(url, UriKind.Absolute, out var proxy) ? $"{proxy.Host}:{proxy.Port}" : null;
}
