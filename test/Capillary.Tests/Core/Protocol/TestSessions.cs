using System.Collections.Immutable;
using Capillary.Core.Bundles;
using Capillary.Core.Identity;
using Capillary.Core.Protocol;
using Capillary.Core.Trust;
using Capillary.Tests.Core.Trust;

namespace Capillary.Tests.Core.Protocol;

/// <summary>Sessions of the test fleet.</summary>
internal static class TestSessions
{
    public static readonly DateTimeOffset Now = TestFleet.Issued;

    /// <summary>What the hub offers: all records, the lines of generation 7.</summary>
    public static DesiredState State { get; } = new([SignedGoldens.Root1], Signed(TestFleet.HubRecord), SignedGoldens.Beacon,
        new[] { TestFleet.EuRecord, TestFleet.UsRecord, TestFleet.BaselRecord, TestFleet.LyonRecord, TestFleet.BostonRecord }
            .ToImmutableDictionary(record => record.Node, Signed),
        Lines(TestFleet.Plan, TestFleet.Signed(7, TestFleet.Plan)), 7, []);

    public static SignedRecord Signed(NodeRecord record) => new(record, TestFleet.Sign(record));

    public static ImmutableDictionary<SiteId, OfferedLine> Lines(IReadOnlyList<Assignment> plan, VerifiedCheckpoint checkpoint) =>
        plan.Select((line, i) => new OfferedLine(line, line.Site == TestFleet.Boston ? TestFleet.Us : TestFleet.Eu,
            TestFleet.Proof(plan, i), checkpoint)).ToImmutableDictionary(line => line.Assignment.Site);

    public static ChildSession NewChild(string parentKey = "hub", TrustState? trust = null)
    {
        var child = new ChildSession(new(TestFleet.Basel.Value), trust ?? TrustState.Begin(SignedGoldens.Root1), TestKey.Named(parentKey).Id,
            () => new ChildHello(0, null, "test", "boot"));
        _ = child.Start(Now);
        return child;
    }

    public static ChildSession LiveChild()
    {
        var child = NewChild();
        child.OnFrame(new Frame.TrustAnswer([], SignedGoldens.Hub, null), Now);
        return child;
    }

    public static ParentSession LiveParent(NodeRecord child, Digest? records = null, DesiredState? state = null)
    {
        var parent = new ParentSession(child.IdentityKey.Id);
        _ = parent.OnFrame(new Frame.TrustQuery(LinkProtocol.Version, child.Node, 1), state ?? State).ToList();
        _ = parent.OnFrame(new Frame.Hello(0, records, "test", "boot"), state ?? State).ToList();
        return parent;
    }
}
