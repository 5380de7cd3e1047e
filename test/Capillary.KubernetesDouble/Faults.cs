using Capillary.KubernetesDouble.Http;

namespace Capillary.KubernetesDouble;

/// <summary>What the double does wrong on purpose.</summary>
public sealed class Faults
{
    private readonly Lock gate = new();
    private readonly List<Fault> planned = [];

    /// <summary>Every answer waits for this long; zero unless set.</summary>
    public TimeSpan Latency { get; set; }

    /// <summary>A watch from a forgotten revision is answered by HTTP 410, and not by an ERROR event.</summary>
    public bool GoneAsStatus { get; set; }

    /// <summary>The next requests get an answer that is no success.</summary>
    /// <param name="code">429, 500, 503 …</param>
    /// <param name="times">How many requests.</param>
    /// <param name="matches">Which; null: all.</param>
    /// <param name="retryAfter">Seconds for a <c>Retry-After</c> header; null: none.</param>
    public void Answer(int code, int times, Func<ApiCall, bool>? matches = null, int? retryAfter = null) =>
        Plan(new Fault(code, times, matches ?? (_ => true), retryAfter));

    /// <summary>The connections of the next requests are reset, with no answer.</summary>
    /// <param name="times">How many requests.</param>
    /// <param name="matches">Which; null: all.</param>
    public void Reset(int times, Func<ApiCall, bool>? matches = null) => Plan(new Fault(0, times, matches ?? (_ => true), null));

    /// <summary>The next requests are carried out, and then their connections are reset: the client cannot know.</summary>
    /// <param name="times">How many requests.</param>
    /// <param name="matches">Which; null: all.</param>
    public void ResetAfter(int times, Func<ApiCall, bool>? matches = null) => Plan(new Fault(1, times, matches ?? (_ => true), null));

    /// <summary>Plans nothing any more.</summary>
    public void Clear()
    {
        lock (gate) planned.Clear();
        (Latency, GoneAsStatus) = (TimeSpan.Zero, false);
    }

    internal Fault? Next(ApiCall call)
    {
        lock (gate)
        {
            if (planned.Find(fault => fault.Left > 0 && fault.Matches(call)) is not { } next) return null;
            if (--next.Left == 0) planned.Remove(next);
            return next;
        }
    }

    private void Plan(Fault fault)
    {
        lock (gate) planned.Add(fault);
    }

    internal sealed class Fault(int code, int times, Func<ApiCall, bool> matches, int? retryAfter)
    {
        public int Left { get; set; } = times;

        public Func<ApiCall, bool> Matches => matches;

        public bool IsReset => code == 0;

        public bool IsLateReset => code == 1;

        public ApiError ToError() => code switch
        {
            429 => new ApiError(429, "TooManyRequests", "too many requests, please try again later") { RetryAfter = retryAfter },
            503 => new ApiError(503, "ServiceUnavailable",
            "the server is currently unable to handle the request") { RetryAfter = retryAfter },
            _ => new ApiError(code, code == 500 ? "InternalError" : "", "an answer of the double's faults") { RetryAfter = retryAfter },
        };
    }
}
