using Capillary.Core.Trust;
using Capillary.Tests.Core.Identity;
using Xunit;

namespace Capillary.Tests.Core.Trust;

/// <summary>A succession holds when both keys signed it, for this node of this fleet, and its old key stands in the newest record.</summary>
public sealed class SuccessionTests
{
    private static readonly TestKey Old = TestKey.Named("basel");
    private static readonly TestKey Next = TestKey.Named("lyon");
    private static readonly NodeRecord Record = TestFleet.BaselRecord;

    private static readonly Succession Genuine = new(1, TestFleet.Name, Record.Node, Old.Public, Next.Public);

    private static Envelope Sign(Succession succession, params TestKey[] by) =>
        TestFleet.Sign(PayloadTypes.Succession, succession.ToPayload(), by);

    [Fact]
    public void Promise1_a_succession_signed_by_both_keys_holds()
    {
        Assert.Equal(Next.Public, Succession.Verify(Sign(Genuine, Old, Next), Record).Next);
        Assert.Equal(Record.Node, Succession.ClaimedNode(Sign(Genuine, Old, Next)));
    }

    [Fact]
    public void Promise1_one_signature_is_not_enough()
    {
        Throws(Sign(Genuine, Old));
        Throws(Sign(Genuine, Next));
        Throws(Sign(Genuine));
        Throws(Sign(Genuine, Old, TestFleet.Stranger));
        Throws(Sign(Genuine, TestFleet.Stranger, Next));
        Throws(TestFleet.Sign(PayloadTypes.Report, Genuine.ToPayload(), Old, Next) with { PayloadType = PayloadTypes.Succession });
    }

    [Fact]
    public void Promise1_a_succession_of_another_is_refused()
    {
        Throws(Sign(Genuine with { Fleet = new("other") }, Old, Next));
        Throws(Sign(Genuine with { Node = TestFleet.LyonRecord.Node }, Old, Next));
        Throws(Sign(Genuine with { V = 2 }, Old, Next));
        Throws(Sign(Genuine with { Next = Old.Public }, Old));
        Throws(Sign(Genuine, Old, Next), Record with { State = RecordState.Revoked });
    }

    /// <summary>Once the next record stands, the same bytes do nothing more: nobody can bring the old key back, or the next one twice.</summary>
    [Fact]
    public void Promise1_a_replayed_succession_is_refused()
    {
        var after = Record with { IdentityKey = Next.Public, Previous = Old.Id, Version = 2 };
        Throws(Sign(Genuine, Old, Next), after);
        // The thief of an old key cannot begin a branch of its own.
        Throws(Sign(Genuine with { Next = TestFleet.Stranger.Public }, Old, TestFleet.Stranger), after);
    }

    [Fact]
    public void Promise1_a_spoilt_succession_is_refused()
    {
        var genuine = Sign(Genuine, Old, Next);
        foreach (var spoilt in Tamper.Bytes(genuine.Payload))
        {
            Throws(genuine with { Payload = spoilt.Bytes });
            _ = Succession.ClaimedNode(genuine with { Payload = spoilt.Bytes });
        }
        foreach (var spoilt in Tamper.Bytes(genuine.Signatures[1].Sig))
            Throws(genuine with { Signatures = [genuine.Signatures[0], genuine.Signatures[1] with { Sig = spoilt.Bytes }] });
        foreach (var spoilt in Tamper.Json(genuine.Payload))
        {
            var signed = TestFleet.Sign(PayloadTypes.Succession, spoilt.Bytes, Old, Next);
            _ = Succession.ClaimedNode(signed);
            try
            {
                Assert.Equal(Next.Public, Succession.Verify(signed, Record).Next);
            }
            catch (TrustFormatException)
            {
                // Refused in order.
            }
        }
    }

    private static void Throws(Envelope envelope, NodeRecord? record = null) =>
        Assert.Throws<TrustFormatException>(() => Succession.Verify(envelope, record ?? Record));
}
