using System.Text;
using Capillary.Core.Bundles;
using Capillary.Core.Identity;
using Capillary.Core.Protocol;
using Capillary.Core.Trust;
using Capillary.Tests.Core.Identity;
using Capillary.Tests.Core.Reports;
using Capillary.Tests.Core.Trust;
using Xunit;

namespace Capillary.Tests.Core.Protocol;

/// <summary>Every frame's JSON, and what is no frame.</summary>
public sealed class FrameTests
{
    private static Envelope SignedReport { get; } =
        SignedGoldens.Stored("report", PayloadTypes.Report, TestReports.Healthy.ToPayload(), TestKey.Named("basel"));

    private static Envelope SignedSuccession { get; } = SignedGoldens.Stored("succession", PayloadTypes.Succession,
        new Succession(1, TestFleet.Name, new(TestFleet.Basel.Value), TestKey.Named("basel").Public, TestKey.Named("lyon").Public).ToPayload(),
        TestKey.Named("basel"), TestKey.Named("lyon"));

    private static Envelope SignedEvents { get; } =
        SignedGoldens.Stored("events", PayloadTypes.Events, TestEvents.Batch.ToPayload(), TestKey.Named("basel"));

    private readonly ParentSession[] parents = [TestSessions.LiveParent(TestFleet.BaselRecord), TestSessions.LiveParent(TestFleet.EuRecord)];
    private ChildSession child = TestSessions.LiveChild();
    private TrustState? begun;

    private static readonly Dictionary<string, Frame> Frames = new()
    {
        ["trust-query"] = new Frame.TrustQuery(LinkProtocol.Version, new NodeName(TestFleet.Basel.Value), 1),
        ["trust"] = new Frame.TrustAnswer([SignedGoldens.Root2], SignedGoldens.Eu, SignedGoldens.Beacon),
        ["trust-without-beacon"] = new Frame.TrustAnswer([], SignedGoldens.Hub, null),
        ["hello-site"] = new Frame.Hello(7, null, "0.1.0", "boot"),
        ["hello-region"] = new Frame.Hello(7, Digest.Of("basel-lab-1 1\nlyon-lab-2 2\n"u8), "0.1.0", "boot"),
        ["desired"] = new Frame.Desired(SignedGoldens.Checkpoint, [TestFleet.Proof(0)], true),
        ["records"] = new Frame.RecordSet([SignedGoldens.Basel, SignedGoldens.Retired], true, true),
        ["beacon"] = new Frame.BeaconDown(SignedGoldens.Beacon),
        ["report"] = new Frame.ReportUp(SignedReport),
        ["ack"] = new Frame.ReportAck(SignedReport.Digest, null),
        ["ack-refused"] = new Frame.ReportAck(SignedReport.Digest, "the record is revoked"),
        ["alive"] = new Frame.Alive([TestFleet.Basel, TestFleet.Lyon]),
        ["beat"] = Frame.Beat.Instance,
        ["succession"] = new Frame.SuccessionUp(SignedSuccession),
        ["clones"] = new Frame.CloneUp([new(new(TestFleet.Basel.Value), TestKey.Named("basel").Id, CloneSign.OldKey, 2, TestFleet.Issued)]),
        ["records-query"] = Frame.RecordQuery.Instance,
        ["events"] = new Frame.EventsUp(SignedEvents),
        ["probe"] = new Frame.Probe(3),
        ["events-ack"] = new Frame.EventsAck(TestFleet.Basel, 1, 42),
        ["refused"] = new Frame.Refusal("not-enrolled", "'basel-lab-1' has no active record for this key"),
    };

    [Fact]
    public void Frames_are_written_to_the_bit()
    {
        foreach (var (name, frame) in Frames) GoldenFile.Check(name, frame.ToBytes());
    }

    [Fact]
    public void Frames_read_back()
    {
        foreach (var frame in Frames.Values) Assert.Equal(frame.ToBytes(), Frame.Parse(frame.ToBytes()).ToBytes());
    }

    [Fact]
    public void Every_kind_of_frame_has_a_golden_file() => Assert.Equal(
        typeof(Frame).GetNestedTypes().Select(type => type.Name).Order(), Frames.Values.Select(frame => frame.GetType().Name).Distinct().Order());

    /// <summary>The longest of everything still fits one frame.</summary>
    [Fact]
    public void The_longest_frames_fit()
    {
        var name = new string('x', DnsLabel.MaxLength);
        var leaf = (TestFleet.Plan[0] with { Fleet = new(name), Site = new(name), Since = long.MaxValue }).ToLeaf();
        var path = Enumerable.Repeat(new byte[32], 24).ToList();
        var lines = Enumerable.Repeat(new ProvenLine(leaf, 1 << 24, path), LinkProtocol.LinesPerFrame).ToList();
        Assert.InRange(new Frame.Desired(SignedGoldens.Checkpoint, lines, true).ToBytes().Length, 1, LinkProtocol.MaxFrameBytes);
        var record = TestFleet.Sign(TestFleet.BaselRecord with { Fleet = new(name), Node = new(name), Region = new(name), Version = long.MaxValue });
        var records = new Frame.RecordSet([.. Enumerable.Repeat(record, LinkProtocol.RecordsPerFrame)], true, true);
        Assert.InRange(records.ToBytes().Length, 1, LinkProtocol.MaxFrameBytes);
        // Records that name as many parents as they may take more frames, not longer ones.
        var parents = Enumerable.Repeat(new string('x', 299), NodeRecord.MaxParents).ToList();
        var longest = TestFleet.Sign(TestFleet.BaselRecord with { Parents = parents });
        var split = Frame.RecordSet.Split([.. Enumerable.Repeat(longest, LinkProtocol.RecordsPerFrame)], true).ToList();
        Assert.InRange(split.Count, 2, 10);
        Assert.Equal(LinkProtocol.RecordsPerFrame, split.Sum(frame => frame.Items.Count));
        Assert.All(split, frame => Assert.InRange(frame.ToBytes().Length, 1, LinkProtocol.MaxFrameBytes));
        Assert.Equal((true, false), (split[0].Full, split[0].Complete));
        Assert.Equal((false, true), (split[^1].Full, split[^1].Complete));
        Assert.Equal((true, true, 0), Frame.RecordSet.Split([], true).Select(frame => (frame.Full, frame.Complete, frame.Items.Count)).Single());
        var alive = new Frame.Alive([.. Enumerable.Repeat(new SiteId(name), LinkProtocol.SitesPerFrame)]);
        Assert.InRange(Frame.Parse(alive.ToBytes()).ToBytes().Length, 1, LinkProtocol.MaxFrameBytes);
    }

    /// <summary>Spoilt frames are refused, or are other frames that both sides take without falling over and without believing them.</summary>
    [Fact]
    public void Promise1_a_spoilt_frame_is_refused_or_handled_in_order()
    {
        foreach (var (name, frame) in Frames)
        {
            var bytes = frame.ToBytes();
            foreach (var spoilt in Tamper.Json(bytes).Concat(Tamper.Bytes(bytes).Where((_, i) => i % 7 == 0)))
            {
                if (Read(spoilt, name) is { } other) Handle(other, $"{name}: {spoilt.How}");
            }
        }
    }

    [Theory]
    [InlineData("")]
    [InlineData("null")]
    [InlineData("[]")]
    [InlineData("{}")]
    [InlineData("""{"t":"nonsense"}""")]
    [InlineData("""{"t":null}""")]
    [InlineData("""{"t":"beat"} {"t":"beat"}""")]
    [InlineData("""{"t":"hello","generation":1,"generation":2,"agent":"x"}""")]
    [InlineData("""{"t":"alive","sites":[null]}""")]
    [InlineData("""{"t":"alive","sites":["A"]}""")]
    [InlineData("""{"t":"ack"}""")]
    [InlineData("""{"t":"hello","agent":"x"}""")]
    [InlineData("""{"t":"trust?","protocol":1,"node":"basel"}""")]
    [InlineData("""{"t":"records","items":[]}""")]
    [InlineData("""{"t":"records","items":[null],"full":true}""")]
    [InlineData("""{"t":"beacon","beacon":{"payloadType":"x","payload":"","signatures":[null]}}""")]
    public void What_is_no_frame_is_refused(string text) =>
        Assert.Throws<ProtocolException>(() => Frame.Parse(Encoding.UTF8.GetBytes(text)));

    [Fact]
    public void Frames_beyond_a_limit_are_refused()
    {
        var deep = Encoding.UTF8.GetBytes("""{"t":"beat","x":""" + new string('[', 100_000) + new string(']', 100_000) + "}");
        Assert.Throws<ProtocolException>(() => Frame.Parse(deep));
        Assert.Throws<ProtocolException>(() => Frame.Parse(new byte[LinkProtocol.MaxFrameBytes + 1]));
        var alive = new Frame.Alive([.. Enumerable.Repeat(TestFleet.Basel, LinkProtocol.SitesPerFrame + 1)]);
        Assert.Throws<ProtocolException>(() => Frame.Parse(alive.ToBytes()));
        var records = new Frame.RecordSet([.. Enumerable.Repeat(SignedGoldens.Basel, LinkProtocol.RecordsPerFrame + 1)], true, true);
        Assert.Throws<ProtocolException>(() => Frame.Parse(records.ToBytes()));
    }

    [Fact]
    public void Enrollment_messages_are_written_to_the_bit()
    {
        var nonce = Enumerable.Range(0, EnrollmentTranscript.NonceBytes).Select(i => (byte)i).ToArray();
        var start = new EnrollRequest(1, NodeKind.Site, "0123456789abcdef0123456789abcdef", TestKey.Named("basel").Public,
            TestKey.Named("lyon").Public, nonce, new(TestFleet.Basel.Value));
        GoldenFile.Check("enroll-start", start.ToBytes());
        GoldenFile.Check("enroll-prove", (start with { HubNonce = nonce, Proof = nonce }).ToBytes());
        var first = new EnrollAnswer(null, TestFleet.Name, [SignedGoldens.Root1], SignedGoldens.Hub, nonce, nonce, Node: new(TestFleet.Basel.Value));
        GoldenFile.Check("enroll-start-answer", first.ToBytes());
        GoldenFile.Check("enroll-prove-answer", new EnrollAnswer(null, Record: SignedGoldens.Basel).ToBytes());
        GoldenFile.Check("enroll-refused", new EnrollAnswer("the join code was used").ToBytes());

        Assert.Equal(start.ToBytes(), EnrollRequest.Parse(start.ToBytes()).ToBytes());
        Assert.Throws<ProtocolException>(() =>
            EnrollRequest.Parse(Encoding.UTF8.GetBytes(Encoding.UTF8.GetString(start.ToBytes()).Replace("\"kind\":\"site\",", ""))));
        foreach (var spoilt in Tamper.Json(start.ToBytes()).Concat(Tamper.Bytes(start.ToBytes())))
            Refused(() => EnrollRequest.Parse(spoilt.Bytes), spoilt.How);
        foreach (var spoilt in Tamper.Json(first.ToBytes()).Concat(Tamper.Bytes(first.ToBytes())))
        {
            if (Refused(() => EnrollAnswer.Parse(spoilt.Bytes), spoilt.How) is not { } answer) continue;
            foreach (var envelope in answer.TrustRoots ?? [])
                Assert.True(envelope.CountSigners(PayloadTypes.TrustRoot, TestFleet.Root1.RootKeys) >= 0, spoilt.How);
        }
    }

    private static Frame? Read(Spoilt spoilt, string name) => Refused(() => Frame.Parse(spoilt.Bytes), $"{name}: {spoilt.How}");

    private static T? Refused<T>(Func<T> read, string how) where T : class
    {
        try
        {
            return read();
        }
        catch (ProtocolException)
        {
            return null;
        }
        catch (Exception e)
        {
            throw new InvalidOperationException($"{how}: {e.GetType().Name} instead of {nameof(ProtocolException)}: {e.Message}", e);
        }
    }

    private void Handle(Frame frame, string how)
    {
        // A session that learned something is replaced, so that each frame meets the same one.
        if (child.Trust != begun) child = TestSessions.LiveChild();
        var before = begun = child.Trust;
        var outputs = child.OnFrame(frame, TestFleet.Issued);
        foreach (var kept in outputs.OfType<ChildOutput.KeepTrust>())
            Assert.True(kept.Trust.Root.Version >= before.Root.Version && kept.NewRoots.All(root => root.Digest == SignedGoldens.Root2.Digest), how);
        foreach (var lines in outputs.OfType<ChildOutput.Lines>())
        {
            Assert.True(lines.Checkpoint.Digest == SignedGoldens.Checkpoint.Digest, how);
            foreach (var line in lines.Items)
            {
                if (Acceptance.Accept(AcceptedLine.None, TestFleet.Basel, lines.Checkpoint, line) is AcceptResult.Accepted)
                    Assert.True(line.Leaf.AsSpan().SequenceEqual(TestFleet.Plan[0].ToLeaf()), how);
            }
        }
        foreach (var parent in parents.Append(new ParentSession("0000000000000000")))
            Assert.NotNull(parent.OnFrame(frame, TestSessions.State).ToList());
    }
}
