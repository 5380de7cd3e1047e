using System.Text.Json;
using System.Text.Json.Serialization;
using Capillary.Core.Bundles;
using Capillary.Core.Identity;
using Capillary.Core.Trust;

namespace Capillary.Core.Protocol;

/// <summary>The link protocol's version.</summary>
public static class LinkProtocol
{
    // History, newest last:
    // 1  (2026-11) first: trust, hello, desired, records, beacon, report, alive, beat.
    // 2  (2026-11) hello proves its generation and names its process; records end with `complete`, go to sites too and, when asked for, up;
    //    succession, sightings, events, probes. Never released beside 1.
    public const int Version = 2;

    /// <summary>The longest frame, in bytes.</summary>
    public const int MaxFrameBytes = 4 << 20;

    /// <summary>Lines in one <see cref="Frame.Desired"/> at most; about 1 KB each.</summary>
    public const int LinesPerFrame = 1000;

    /// <summary>Records in one <see cref="Frame.RecordSet"/> at most; fewer when they are long.</summary>
    public const int RecordsPerFrame = 1000;

    /// <summary>The longest text of a refusal, an acknowledgement or an agent's version, in characters.</summary>
    public const int MaxText = 1024;

    /// <summary>A text for the other side, cut to <see cref="MaxText"/>.</summary>
    public static string Cut(string text) => text.Length <= MaxText ? text : text[..MaxText];

    /// <summary>Sites in one <see cref="Frame.Alive"/> at most.</summary>
    public const int SitesPerFrame = 10_000;

    /// <summary>Sightings in one <see cref="Frame.CloneUp"/> at most.</summary>
    public const int SightingsPerFrame = 100;

    /// <summary>The longest name of a process in a <see cref="Frame.Hello"/>, in characters.</summary>
    public const int MaxBoot = 64;

    /// <summary>Between two heartbeats of a child.</summary>
    public static TimeSpan BeatEvery { get; } = TimeSpan.FromSeconds(30);

    /// <summary>A link with no frame for this long is dead.</summary>
    public static TimeSpan DeadAfter { get; } = TimeSpan.FromSeconds(45);

    /// <summary>Between two beacons of the hub.</summary>
    public static TimeSpan BeaconEvery { get; } = TimeSpan.FromMinutes(5);

    /// <summary>The session stream's path.</summary>
    public const string SessionPath = "/capillary/v1/session";

    /// <summary>Where enrollment is asked for; see docs/link-protocol.md.</summary>
    public const string EnrollPath = "/capillary/v1/enroll";

    /// <summary>The OCI repository name under which a parent serves blobs.</summary>
    public const string Repository = "capillary/bundles";
}

/// <summary>One message of the session stream; JSON with the type in <c>t</c>.</summary>
[JsonPolymorphic(TypeDiscriminatorPropertyName = "t")]
[JsonDerivedType(typeof(TrustQuery), "trust?")]
[JsonDerivedType(typeof(TrustAnswer), "trust")]
[JsonDerivedType(typeof(Hello), "hello")]
[JsonDerivedType(typeof(Desired), "desired")]
[JsonDerivedType(typeof(RecordSet), "records")]
[JsonDerivedType(typeof(BeaconDown), "beacon")]
[JsonDerivedType(typeof(ReportUp), "report")]
[JsonDerivedType(typeof(ReportAck), "ack")]
[JsonDerivedType(typeof(Alive), "alive")]
[JsonDerivedType(typeof(Beat), "beat")]
[JsonDerivedType(typeof(Refusal), "refused")]
[JsonDerivedType(typeof(SuccessionUp), "succession")]
[JsonDerivedType(typeof(CloneUp), "clones")]
[JsonDerivedType(typeof(RecordQuery), "records?")]
[JsonDerivedType(typeof(EventsUp), "events")]
[JsonDerivedType(typeof(EventsAck), "events-ack")]
[JsonDerivedType(typeof(Probe), "probe")]
public abstract record Frame
{
    private Frame() { }

    /// <summary>Child, first: what is newer than the trust root I hold, who are you, and what is the beacon?</summary>
    public sealed record TrustQuery(int Protocol, NodeName Node, [property: JsonRequired] long RootVersion) : Frame;

    /// <summary>Parent: the trust roots after the asked version, its own record, the newest beacon.</summary>
    public sealed record TrustAnswer(IReadOnlyList<Envelope> Chain, Envelope Record, Envelope? Beacon) : Frame;

    /// <summary>
    /// Child, once its parent is proven: the generation it has fully taken, the digest of the records it holds (a region: of its sites and
    /// its own; a site: its own), its version, and a random name of this process, by which two of them are told from one that dialled
    /// again. A region proves its generation with the checkpoint.
    /// </summary>
    public sealed record Hello([property: JsonRequired] long Generation, Digest? Records, string Agent, string Boot,
        Envelope? Checkpoint = null) : Frame;

    /// <summary>
    /// Parent: lines newer than the child's generation, all proven by one checkpoint. <c>Complete</c> stands in the last of a batch.
    /// </summary>
    public sealed record Desired(Envelope Checkpoint, IReadOnlyList<ProvenLine> Lines, [property: JsonRequired] bool Complete) : Frame;

    /// <summary>
    /// Parent: records of the child and of the sites below it. <c>Full</c> begins a whole set, and <c>Complete</c> ends what this time
    /// is sent: then what is not in a whole set no longer counts. A region: its records, when asked by <see cref="RecordQuery"/>.
    /// </summary>
    public sealed record RecordSet(IReadOnlyList<Envelope> Items, [property: JsonRequired] bool Full,
        [property: JsonRequired] bool Complete)
        : Frame
    {
        // Base64 makes four bytes of three; the rest of a frame is small beside what is left of its limit.
        private const int PayloadPerFrame = LinkProtocol.MaxFrameBytes / 2;

        /// <summary>Records in as many frames as they need, at least one.</summary>
        public static IEnumerable<RecordSet> Split(IReadOnlyList<Envelope> items, bool full)
        {
            for (var at = 0; at == 0 || at < items.Count;)
            {
                var (begin, bytes) = (at, 0L);
                while (at < items.Count && at - begin < LinkProtocol.RecordsPerFrame)
                {
                    bytes += LengthOf(items[at]);
                    if (at > begin && bytes > PayloadPerFrame) break;
                    at++;
                }
                yield return new RecordSet([.. items.Skip(begin).Take(at - begin)], full && begin == 0, at >= items.Count);
                if (items.Count == 0) yield break;
            }
        }

        private static int LengthOf(Envelope item) =>
            item.Payload.Length + item.Signatures.Sum(signature => signature.Sig.Length + signature.Keyid.Length) + 256;
    }

    /// <summary>Hub to region: send me the records you hold; a restored hub may have lost some.</summary>
    public sealed record RecordQuery : Frame
    {
        public static RecordQuery Instance { get; } = new();
    }

    /// <summary>Child: a <see cref="Trust.Succession"/>, its own or one that it relays; answered with <see cref="ReportAck"/>.</summary>
    public sealed record SuccessionUp(Envelope Succession) : Frame;

    /// <summary>Region: the signs of copied keys that it saw.</summary>
    public sealed record CloneUp(IReadOnlyList<CloneSighting> Sightings) : Frame;

    /// <summary>Child: a signed batch of a site's events, its own or one that it relays.</summary>
    public sealed record EventsUp(Envelope Batch) : Frame;

    /// <summary>Parent: the hub keeps this site's events up to this number of this incarnation.</summary>
    public sealed record EventsAck(SiteId Site, [property: JsonRequired] long Incarnation, [property: JsonRequired] long Seq) : Frame;

    /// <summary>
    /// Parent: are you still there? The child says the same back at once. Asked of the older session when another process came with the
    /// same
    /// key: who answers lives, however late its earlier frames arrive.
    /// </summary>
    public sealed record Probe([property: JsonRequired] long Number) : Frame;

    /// <summary>Parent: the newest beacon.</summary>
    public sealed record BeaconDown(Envelope Beacon) : Frame;

    /// <summary>Child: a site's report, its own or one that it relays.</summary>
    public sealed record ReportUp(Envelope Report) : Frame;

    /// <summary>Parent: this report (by payload digest) is durable here, or was refused for good.</summary>
    public sealed record ReportAck(Digest Report, string? Refused) : Frame;

    /// <summary>Region: these sites' links live.</summary>
    public sealed record Alive(IReadOnlyList<SiteId> Sites) : Frame;

    /// <summary>Either: I am here.</summary>
    public sealed record Beat : Frame
    {
        public static Beat Instance { get; } = new();
    }

    /// <summary>Parent, last: why it ends the session.</summary>
    public sealed record Refusal(string Code, string Text) : Frame;

    /// <summary>The frame's JSON, UTF-8, without its length prefix.</summary>
    public byte[] ToBytes() => JsonSerializer.SerializeToUtf8Bytes(this, ProtocolJson.Default.Frame);

    /// <exception cref="ProtocolException">The bytes are not a frame of this protocol.</exception>
    public static Frame Parse(ReadOnlySpan<byte> bytes)
    {
        if (bytes.Length > LinkProtocol.MaxFrameBytes) throw new ProtocolException("frame-too-long", $"a frame of {bytes.Length} bytes");
        try
        {
            var frame = JsonSerializer.Deserialize(bytes, ProtocolJson.Default.Frame);
            return frame is not null && frame.IsWhole ? frame : throw new ProtocolException("bad-frame", "a frame lacks a required member");
        }
        catch (Exception e) when (e is JsonException or NotSupportedException)
        {
            throw new ProtocolException("bad-frame", $"not a frame of link protocol {LinkProtocol.Version}: {e.Message}", e);
        }
    }

    private bool IsWhole => this switch
    {
        TrustQuery query => query.Node.Value is not null,
        TrustAnswer answer => answer is { Chain: not null, Record: not null } && answer.Chain.Append(answer.Record).All(Envelope.IsWhole)
            && (answer.Beacon is null || Envelope.IsWhole(answer.Beacon)),
        Hello hello => hello is { Agent.Length: <= LinkProtocol.MaxText, Boot.Length: > 0 and <= LinkProtocol.MaxBoot }
            && (hello.Checkpoint is null || Envelope.IsWhole(hello.Checkpoint)),
        Desired desired => Envelope.IsWhole(desired.Checkpoint) && desired.Lines is { Count: <= LinkProtocol.LinesPerFrame }
            && desired.Lines.All(line => line is { Leaf: not null, Path: not null }),
        RecordSet records => records.Items is { Count: <= LinkProtocol.RecordsPerFrame } && records.Items.All(Envelope.IsWhole),
        BeaconDown beacon => Envelope.IsWhole(beacon.Beacon),
        ReportUp report => Envelope.IsWhole(report.Report),
        ReportAck ack => ack.Report.Text is not null && ack.Refused is null or { Length: <= LinkProtocol.MaxText },
        Alive alive => alive.Sites is { Count: <= LinkProtocol.SitesPerFrame },
        Refusal refusal => refusal is { Code.Length: <= LinkProtocol.MaxBoot, Text.Length: <= LinkProtocol.MaxText },
        SuccessionUp succession => Envelope.IsWhole(succession.Succession),
        CloneUp clones => clones.Sightings is { Count: <= LinkProtocol.SightingsPerFrame }
            && clones.Sightings.All(one => one is { Node.Value: not null, KeyId.Length: 64, Count: > 0 }
                && one.KeyId.All(char.IsAsciiHexDigitLower)),
        EventsUp events => Envelope.IsWhole(events.Batch),
        EventsAck ack => ack.Site.Value is not null,
        _ => true,
    };
}

/// <summary>The peer broke the protocol; the session ends with this code and text.</summary>
public sealed class ProtocolException(string code, string message, Exception? inner = null) : Exception(message, inner)
{
    public string Code { get; } = code;
}

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase,
    DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull, AllowDuplicateProperties = false)]
[JsonSerializable(typeof(Frame))]
internal sealed partial class ProtocolJson : JsonSerializerContext;
