using InstrumentGateway.Hl7;
using InstrumentGateway.Storage;

namespace InstrumentGateway.Intake;

/// <summary>
/// One message in, one acknowledgement out. AA is built only after the log has answered that the message is on the disk;
/// whatever is not accepted is kept as rejected, for a person to look at.
/// </summary>
internal sealed partial class MessageIntake(
    DeclaredSenders senders, MessageLog store, ResultBoard board, TimeProvider time, ILogger<MessageIntake> log)
{
    /// <summary>How much of a message that is too large is kept.</summary>
    public const int KeptOfTooLarge = 64 << 10;

    private int acknowledged;

    public async Task<byte[]> HandleAsync(ListenerTally listener, ReadOnlyMemory<byte> content)
    {
        var parsed = MessageParser.Parse(content.Span);
        var (outcome, fault) = parsed switch
        {
            Parsed.Good good when !senders.May(good.Message, listener.Listener) => await RejectAsync(
                listener, content, new(AckCode.AR, 204, "MSH^1^3", "the sender is not declared at this gateway")),
            Parsed.Good good => await AcceptAsync(listener, content, good.Message),
            Parsed.Bad bad => await RejectAsync(listener, content, bad.Fault),
            _ => throw new InvalidOperationException($"{parsed.GetType()} is not handled"),
        };
        return Answer(listener, parsed.Header, outcome, fault);
    }

    /// <summary>Answers a message of which only the beginning was read.</summary>
    public async Task<byte[]> HandleTooLargeAsync(ListenerTally listener, ReadOnlyMemory<byte> beginning, int limit)
    {
        var kept = beginning[..Math.Min(beginning.Length, KeptOfTooLarge)];
        var (outcome, fault) = await RejectAsync(
            listener, kept, new(AckCode.AR, 207, "", $"larger than {limit} bytes, only the first {kept.Length} are kept"));
        return Answer(listener, MessageHeader.Read(kept.Span), outcome, fault);
    }

    private async Task<(Outcome, Fault?)> AcceptAsync(ListenerTally listener, ReadOnlyMemory<byte> content, Hl7Message message)
    {
        var now = time.GetUtcNow();
        var id = LogRecord.IdOf(message.SendingApplication, message.SendingFacility, message.ControlId);
        switch (await store.AppendAsync(LogRecord.Accepted(now, listener.Listener, id, content)))
        {
            case AppendOutcome.Stored:
                board.Add(LabResults.Of(message, now, listener.Listener));
                return (Outcome.Stored, null);
            case AppendOutcome.Duplicate:
                return (Outcome.Duplicate, null);
            case AppendOutcome.Conflict:
                var fault = new Fault(AckCode.AE, 205, "MSH^1^10", "duplicate control id with other content");
                var (outcome, _) = await RejectAsync(listener, content, fault);
                return (outcome == Outcome.Failed ? Outcome.Failed : Outcome.Conflict, fault);
            default:
                return (Outcome.Failed, new(AckCode.AE, 207, "", "the gateway can't store messages now, send again later"));
        }
    }

    // The fault stands even if the disk refuses to keep the message: the sender must hear what is wrong with it.
    private async Task<(Outcome, Fault?)> RejectAsync(ListenerTally listener, ReadOnlyMemory<byte> content, Fault fault)
    {
        var kept = await store.AppendAsync(LogRecord.Rejected(time.GetUtcNow(), listener.Listener, fault.Reason, content));
        return (kept == AppendOutcome.Failed ? Outcome.Failed : fault.Code == AckCode.AR ? Outcome.Refused : Outcome.Invalid, fault);
    }

    private byte[] Answer(ListenerTally listener, MessageHeader? header, Outcome outcome, Fault? fault)
    {
        listener.Count(outcome);
        var controlId = Printable(header?.ControlId ?? "");
        if (fault is null)
            LogTaken(log, listener.Listener, controlId, outcome);
        else
            LogNotTaken(log, listener.Listener, controlId, outcome, fault.Code, fault.Reason);
        var now = time.GetUtcNow();
        // 20 characters, which every version of HL7 allows.
        var own = $"{now:yyyyMMddHHmmss}{(uint)Interlocked.Increment(ref acknowledged) % 1_000_000:D6}";
        return Acknowledgement.Build(header, fault, own, now);
    }

    // A control id comes from outside: it must not write lines of its own into the log.
    private static string Printable(string controlId) =>
        new([.. controlId.Take(64).Select(c => c is > ' ' and <= '~' ? c : '?')]);

    [LoggerMessage(201, LogLevel.Information, "{Listener}: message '{ControlId}' {Outcome}")]
    private static partial void LogTaken(ILogger log, string listener, string controlId, Outcome outcome);

    [LoggerMessage(202, LogLevel.Warning, "{Listener}: message '{ControlId}' {Outcome}, {Code}: {Reason}")]
    private static partial void LogNotTaken(
        ILogger log, string listener, string controlId, Outcome outcome, AckCode code, string reason);
}
