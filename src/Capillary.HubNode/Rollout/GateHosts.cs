using System.Collections.Immutable;
using Capillary.Fleet.Rollouts;
using Microsoft.Extensions.Logging;

namespace Capillary.HubNode.Rollout;

/// <summary>
/// Asks the hosts of HTTP gates, each every <see cref="AskEvery"/> while a wave waits for it. Only hosts on the hub's own list: whoever may
/// write to Git must not thereby make the hub call wherever they like.
/// </summary>
internal sealed partial class GateHosts : IDisposable
{
    private static readonly TimeSpan AskEvery = TimeSpan.FromSeconds(10);
    private static readonly TimeSpan AnswerWithin = TimeSpan.FromSeconds(10);
    private const int MostGates = 64;

    private readonly HashSet<string> allowed;
    private readonly HttpClient client;
    private readonly TimeProvider time;
    private readonly ILogger log;
    private readonly SemaphoreSlim wake = new(0, 1);
    private volatile ImmutableDictionary<string, string> wanted = ImmutableDictionary<string, string>.Empty;
    private ImmutableDictionary<string, HostAnswer> answers = ImmutableDictionary<string, HostAnswer>.Empty;

    /// <param name="hosts">Names of hosts, each with a port when it is not 443.</param>
    /// <param name="handler">Sends the questions; it must not follow redirects.</param>
    /// <param name="time">The clock.</param>
    /// <param name="log">Event 2221.</param>
    public GateHosts(IEnumerable<string> hosts, HttpMessageHandler handler, TimeProvider time, ILogger<GateHosts> log)
    {
        allowed = new(hosts, StringComparer.OrdinalIgnoreCase);
        client = new HttpClient(handler) { Timeout = AnswerWithin, MaxResponseContentBufferSize = 64 << 10 };
        (this.time, this.log) = (time, log);
    }

    /// <summary>What each said last, by wave.</summary>
    public IReadOnlyDictionary<string, HostAnswer> Answers => Volatile.Read(ref answers);

    /// <summary>Called when an answer changed.</summary>
    public Action Changed { get; set; } = () => { };

    /// <summary>From now on, exactly what the waves of this status wait for is asked.</summary>
    public void Ask(RolloutStatus status)
    {
        var next = status.Waves.Where(wave => wave.Asks is not null).Take(MostGates)
            .ToImmutableDictionary(wave => $"{status.Rollout}:{RolloutState.KeyOf(wave.Policy, wave.Name)}", wave => wave.Asks!);
        var before = wanted;
        if (next.Count == before.Count && next.All(one => before.TryGetValue(one.Key, out var url) && url == one.Value)) return;
        wanted = next;
        ImmutableInterlocked.Update(ref answers, known => known.Clear());
        Wake();
    }

    public async Task RunAsync(CancellationToken stop)
    {
        await using var again = time.CreateTimer(_ => Wake(), null, Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
        while (true)
        {
            await wake.WaitAsync(stop);
            var now = wanted;
            if (now.IsEmpty) continue;
            await Task.WhenAll(now.Select(one => AskAsync(one.Key[(one.Key.IndexOf(':') + 1)..], one.Value, stop)));
            again.Change(AskEvery, Timeout.InfiniteTimeSpan);
        }
    }

    private void Wake()
    {
        try
        {
            wake.Release();
        }
        catch (SemaphoreFullException)
        {
            // It is awake already.
        }
    }

    private async Task AskAsync(string wave, string url, CancellationToken stop)
    {
        var answer = await AnswerAsync(new Uri(url), stop);
        var before = answers.GetValueOrDefault(wave);
        ImmutableInterlocked.AddOrUpdate(ref answers, wave, answer, (_, _) => answer);
        if (answer == before) return;
        LogAnswer(wave, answer.Text);
        Changed();
    }

    private async Task<HostAnswer> AnswerAsync(Uri url, CancellationToken stop)
    {
        if (!allowed.Contains(url.IsDefaultPort ? url.Host : url.Authority))
            return new(false, $"'{url.Authority}' is not on this hub's list of hosts: capillary hub run --gate-host {url.Authority}");
        try
        {
            using var response = await client.GetAsync(url, HttpCompletionOption.ResponseHeadersRead, stop);
            return new(response.IsSuccessStatusCode, $"{url.Authority} answered {(int)response.StatusCode}");
        }
        catch (Exception e) when (e is HttpRequestException || (e is OperationCanceledException && !stop.IsCancellationRequested))
        {
            return new(false, $"{url.Authority} did not answer: {(e is HttpRequestException ? e.Message : "it took too long")}");
        }
    }

    public void Dispose()
    {
        client.Dispose();
        wake.Dispose();
    }

    [LoggerMessage(EventId = 2221, Level = LogLevel.Information, Message = "gate of wave {Wave}: {Answer}")]
    private partial void LogAnswer(string wave, string answer);
}
