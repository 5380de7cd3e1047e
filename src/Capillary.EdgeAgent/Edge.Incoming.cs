using Capillary.Core.Protocol;
using Capillary.Core.Trust;
using Capillary.Node.Carry;
using Capillary.Node.Child;
using Microsoft.Extensions.Logging;

namespace Capillary.EdgeAgent;

/// <content>What a stick brought is taken by the rules of a link: trust, then blobs, then the line, then apply.</content>
internal sealed partial class Edge
{
    private static readonly TimeSpan LookEvery = TimeSpan.FromSeconds(2);
    private static readonly TimeSpan RetryEvery = TimeSpan.FromSeconds(30);

    private async Task TakeIncomingAsync(CancellationToken stop)
    {
        while (true)
        {
            var wait = LookEvery;
            try
            {
                if (incoming.IsThere) TakeIncoming();
            }
            catch (Exception e) when (e is IOException or UnauthorizedAccessException)
            {
                IncomingWaits(log, e.Message);
                wait = RetryEvery;
            }
            await Task.Delay(wait, time, stop);
        }
    }

    private void TakeIncoming()
    {
        var refusal = JudgeIncoming();
        if (refusal is not null) IncomingRefused(log, refusal);
        incoming.Remove(refusal);
        idle.Change(QuietFor, Timeout.InfiniteTimeSpan);
    }

    /// <summary>Null when all of it is taken and durable; else why not, and nothing of it is.</summary>
    private string? JudgeIncoming()
    {
        lock (taking)
        {
            CarryProof proof;
            try
            {
                proof = incoming.Read();
            }
            catch (InvalidDataException e)
            {
                return e.Message;
            }
            switch (CarryCheck.Judge(proof, trusted, accepted, site, identity.Keys.Held))
            {
                case CarryVerdict.Refused refused:
                    return refused.Reason;
                case CarryVerdict.Holds holds:
                    incoming.MoveBlobs(blobs);
                    var line = holds.Next.Assignment;
                    if (!BlobFetcher.IsComplete(blobs, line.Bundle)
                        || (line.Fallback is { } fallback && !BlobFetcher.IsComplete(blobs, fallback)))
                        return "a blob that it left out is not here any more; export again with --full";
                    KeepTrust(holds.Trust, holds.NewRoots);
                    TakeRecords([holds.Own]);
                    Take(holds.Next);
                    return null;
                default:
                    throw new InvalidOperationException("unknown verdict");
            }
        }
    }

    /// <summary>A stick may have brought what the link does not know yet: what is held never gets older.</summary>
    private void KeepNewer(TrustState heard, IReadOnlyList<Envelope> newRoots)
    {
        lock (taking)
        {
            var next = trusted.WithChain(newRoots);
            // The beacon that is held already may be signed by a key that the new root retired.
            if (heard is { BeaconEnvelope: { } beacon, Beacon: { } word } && word.IssuedAt > next.TimeFloor
                && heard.Root.Version >= next.Root.Version) next = next.WithBeacon(beacon);
            home.KeepTrust(next, newRoots);
            trusted = next;
        }
    }

    [LoggerMessage(4110, LogLevel.Error, "what a stick brought is refused: {Reason}")]
    private static partial void IncomingRefused(ILogger log, string reason);

    [LoggerMessage(4111, LogLevel.Warning, "what a stick brought waits: {Reason}")]
    private static partial void IncomingWaits(ILogger log, string reason);
}
