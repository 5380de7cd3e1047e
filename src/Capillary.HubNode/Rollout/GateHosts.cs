using System.Collections.Immutable;
using Capillary.Fleet.Rollouts;
using Capillary.Node.Hosting;
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
    private readonly WakeSignal wake = new(atOnce: false);
    private readonly Lock gate = new();
    private volatile Questions asked = Questions.None;

    /// <summary>What is asked, and what was answered to exactly that; a new set of questions has no answers.</summary>
    private sealed record Questions(long Rollout, ImmutableDictionary<string, string> Urls, ImmutableDictionary<string, HostAnswer> Answers)
    {
        public static Questions None { get; } =
            new(0, ImmutableDictionary<string, string>.Empty, ImmutableDictionary<string, HostAnswer>.Empty);

        public bool AreSame(long rollout, ImmutableDictionary<string, string> urls) => Rollout == rollout && Urls.Count == urls.Count
            && urls.All(one => Urls.TryGetValue(one.Key, out var url) && url == one.Value);
    }

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
    public IReadOnlyDictionary<string, HostAnswer> Answers => asked.Answers;

    /// <summary>Called when an answer changed.</summary>
    public Action Changed { get; set; } = () => { };

    /// <summary>Whether its host is on the list.</summary>
    public bool MayAsk(Uri url) => allowed.Contains(NameOf(url));

    private static string NameOf(Uri url) => url.IsDefaultPort ? url.Host : url.Authority;

    /// <summary>From now on, exactly what the waves of this status wait for is asked.</summary>
    public void Ask(RolloutStatus status)
    {
        var urls = status.Waves.Where(wave => wave.Asks is not null).Take(MostGates)
            .ToImmutableDictionary(wave => RolloutState.KeyOf(wave.Policy, wave.Name), wave => wave.Asks!);
        lock (gate)
        {
            if (asked.AreSame(status.Rollout, urls)) return;
            asked = Questions.None with { Rollout = status.Rollout, Urls = urls };
        }
        wake.Wake();
    }

    public async Task RunAsync(CancellationToken stop)
    {
        await using var again = time.CreateTimer(_ => wake.Wake(), null, Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
        while (true)
        {
            await wake.WaitAsync(stop);
            var now = asked;
            if (now.Urls.IsEmpty) continue;
            await Task.WhenAll(now.Urls.Select(one => AskAsync(now, one.Key, stop)));
            again.Change(AskEvery, Timeout.InfiniteTimeSpan);
        }
    }

    private async Task AskAsync(Questions question, string wave, CancellationToken stop)
    {
        var answer = await AnswerAsync(new Uri(question.Urls[wave]), stop);
        lock (gate)
        {
            // An answer to what is no longer asked says nothing of what is asked now.
            if (!ReferenceEquals(asked.Urls, question.Urls) || asked.Answers.GetValueOrDefault(wave) == answer) return;
            asked = asked with { Answers = asked.Answers.SetItem(wave, answer) };
        }
        LogAnswer(wave, answer.Text);
        Changed();
    }

    private async Task<HostAnswer> AnswerAsync(Uri url, CancellationToken stop)
    {
        if (!MayAsk(url))
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

    public void Dispose() => client.Dispose();

    [LoggerMessage(EventId = 2221, Level = LogLevel.Information, Message = "gate of wave {Wave}: {Answer}")]
    private partial void LogAnswer(string wave, string answer);
}
