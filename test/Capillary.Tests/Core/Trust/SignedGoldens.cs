using Capillary.Core.Trust;
using Capillary.Tests.Core.Identity;

namespace Capillary.Tests.Core.Trust;

/// <summary>The stored envelopes. ECDSA signs anew each time, so a signature is kept as long as payload and keys are the same.</summary>
internal static class SignedGoldens
{
    public static Envelope Root1 { get; } = Stored("trust-root-1", PayloadTypes.TrustRoot, TestFleet.Root1.ToPayload(), TestFleet.Roots[0], TestFleet.Roots[1]);

    public static Envelope Root2 { get; } = Stored("trust-root-2", PayloadTypes.TrustRoot, TestFleet.Root2.ToPayload(), TestFleet.Roots[1], TestFleet.Roots[2]);

    public static Envelope Hub { get; } = Record("record-hub", TestFleet.HubRecord);

    public static Envelope Eu { get; } = Record("record-region", TestFleet.EuRecord);

    public static Envelope Basel { get; } = Record("record-site", TestFleet.BaselRecord);

    public static Envelope Retired { get; } = Record("record-revoked", TestFleet.LyonRecord with { State = RecordState.Revoked, Version = 2 });

    public static Envelope Checkpoint { get; } = Stored("checkpoint", PayloadTypes.Checkpoint, TestFleet.Checkpoint.ToPayload(), TestFleet.Release);

    public static Envelope Beacon { get; } = Stored("beacon", PayloadTypes.Beacon, TestFleet.Beacon.ToPayload(), TestFleet.BeaconKey);

    public static Envelope Stored(string name, string type, byte[] payload, params TestKey[] by) =>
        Envelope.Parse(Golden.Keep($"{name}.envelope", bytes => Holds(bytes, type, payload, by), () => TestFleet.Sign(type, payload, by).ToBytes()));

    private static Envelope Record(string name, NodeRecord record) => Stored(name, PayloadTypes.Record, record.ToPayload(), TestFleet.Release);

    private static bool Holds(byte[] stored, string type, byte[] payload, TestKey[] by)
    {
        var envelope = Envelope.Parse(stored);
        return envelope.Payload.AsSpan().SequenceEqual(payload) && envelope.ToBytes().AsSpan().SequenceEqual(stored)
            && envelope.Signatures.Count == by.Length && envelope.CountSigners(type, by.Select(key => key.Public)) == by.Length;
    }
}
