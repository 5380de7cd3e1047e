using System.Text.Json;
using System.Text.Json.Serialization;
using Capillary.Core.Identity;
using Capillary.Core.Trust;

namespace Capillary.Core.Reports;

/// <summary>Numbers of events that the hub will never get, and why: promise 3's signed word for what was lost.</summary>
/// <param name="First">The first number that was dropped, from 1.</param>
/// <param name="Last">The last, not below <paramref name="First"/>.</param>
/// <param name="Reason">Why, in a sentence; 1 to 1,024 characters.</param>
public sealed record DroppedEvents(long First, long Last, string Reason);

/// <summary>
/// Something that happened at a site. Its JSON is at most <see cref="MaxBytes"/> long, as <see cref="ByteLength"/> counts it.
/// </summary>
/// <param name="At">The site's own clock; shown, never trusted.</param>
/// <param name="Type">What happened: 1 to 64 letters, digits, <c>.</c> and <c>-</c>; <see cref="DroppedType"/> is reserved.</param>
/// <param name="App">The app it happened to; null: the site.</param>
/// <param name="Text">A sentence for a person; never patient data, at most 4,096 characters.</param>
/// <param name="Data">Details for programs: at most 32, names of 1 to 100 characters.</param>
/// <param name="Dropped">Of type <see cref="DroppedType"/> only: which numbers this event stands for. Any other event stands for
/// one.</param>
public sealed record SiteEvent([property: JsonRequired] DateTimeOffset At, string Type, AppName? App = null, string? Text = null,
    IReadOnlyDictionary<string, string>? Data = null, DroppedEvents? Dropped = null)
{
    /// <summary>The type of an event that names dropped ones.</summary>
    public const string DroppedType = "dropped";

    /// <summary>The longest event, in bytes of its JSON.</summary>
    public const int MaxBytes = 16 << 10;

    private const int MaxType = 64;
    private const int MaxText = 4096;
    private const int MaxData = 32;
    private const int MaxName = 100;
    private const int MaxReason = 1024;

    /// <summary>Bytes that this event takes in a batch.</summary>
    public int ByteLength() => JsonSerializer.SerializeToUtf8Bytes(this, EventJson.Default.SiteEvent).Length;

    /// <summary>
    /// Whether it keeps every limit; what does not is refused with its whole batch, so a writer asks before it gives a number.
    /// </summary>
    public bool IsSound() =>
        Type is { Length: > 0 and <= MaxType } && Type.All(c => char.IsAsciiLetterOrDigit(c) || c is '.' or '-')
        && App is null or { Value: not null } && Text is null or { Length: <= MaxText }
        && (Data is null || (Data.Count <= MaxData && Data.All(item => item is { Key.Length: > 0 and <= MaxName, Value: not null })))
        && Type == DroppedType == Dropped is not null
        && (Dropped is null || (Dropped is { First: >= 1, Reason.Length: > 0 and <= MaxReason } && Dropped.Last >= Dropped.First
            && Dropped.Last <= EventBatch.MaxNumber))
        && ByteLength() <= MaxBytes;
}

/// <summary>An event with the numbers it stands for: one, or a dropped range.</summary>
/// <param name="First">Its number, or the first of its range.</param>
/// <param name="Last">The same, or the last of its range.</param>
/// <param name="Event">What happened.</param>
public sealed record NumberedEvent(long First, long Last, SiteEvent Event);

/// <summary>
/// Events of a site, signed by its identity key (promise 3). Their numbers run without holes from <paramref name="First"/>: an event stands
/// for one number, a dropped range for all of its own.
/// </summary>
/// <param name="V">Format version, 1.</param>
/// <param name="Fleet">The fleet.</param>
/// <param name="Site">The site.</param>
/// <param name="Incarnation">As in <see cref="Report"/>: the version of the record that the site got when it was enrolled.</param>
/// <param name="First">Number of the first event, from 1 in each incarnation.</param>
/// <param name="Events">1 to 1,000 events.</param>
public sealed record EventBatch(int V, FleetName Fleet, SiteId Site, [property: JsonRequired] long Incarnation, long First,
    IReadOnlyList<SiteEvent> Events)
{
    /// <summary>The most events of one batch.</summary>
    public const int MaxEvents = 1000;

    /// <summary>The longest payload, in bytes.</summary>
    public const int MaxBytes = 256 << 10;

    /// <summary>The highest number, so that sums of numbers stay numbers.</summary>
    public const long MaxNumber = long.MaxValue / 4;

    public byte[] ToPayload() => JsonSerializer.SerializeToUtf8Bytes(this, EventJson.Default.EventBatch);

    /// <summary>The number of the last event.</summary>
    [JsonIgnore]
    public long Last => First + Events.Sum(one => one.Dropped is { } range ? range.Last - range.First + 1 : 1) - 1;

    /// <summary>The events with their numbers.</summary>
    public IEnumerable<NumberedEvent> Numbered()
    {
        var next = First;
        foreach (var one in Events)
        {
            var last = one.Dropped?.Last ?? next;
            yield return new NumberedEvent(next, last, one);
            next = last + 1;
        }
    }

    /// <summary>The batch, if the site's key in <paramref name="record"/> signed it.</summary>
    /// <exception cref="TrustFormatException">It is not, the record is not an active site's, or it is no batch of events.</exception>
    public static EventBatch Verify(Envelope envelope, NodeRecord record)
    {
        if (record is not { Kind: NodeKind.Site, State: RecordState.Active })
            throw new TrustFormatException($"events: '{record.Node}' is not an active site");
        if (envelope.Payload.Length > MaxBytes)
            throw new TrustFormatException($"events: {envelope.Payload.Length} bytes, at most {MaxBytes}");
        SignedDocument.RequireSigner(envelope, PayloadTypes.Events, [record.IdentityKey], "events", $"key of '{record.Node}'");
        var batch = SignedDocument.Read(envelope, PayloadTypes.Events, EventJson.Default.EventBatch);
        SignedDocument.RequireVersion(batch.V, "events");
        SignedDocument.RequireFleet(batch.Fleet, record.Fleet, "events");
        if (batch.Site.Value != record.Node.Value)
            throw new TrustFormatException($"events: of site '{batch.Site}', signed by '{record.Node}'");
        // An incarnation is a version of this record. A stolen site that claims a later one could silence the hardware that replaces it.
        if (batch.Incarnation < 0 || batch.Incarnation > record.Version)
            throw new TrustFormatException($"events: incarnation {batch.Incarnation}, and the record has version {record.Version}");
        batch.RequireSense();
        return batch;
    }

    /// <summary>
    /// The site a batch claims to be of, before any verification; null when it has none. Only to find the record to verify with.
    /// </summary>
    public static SiteId? ClaimedSite(Envelope envelope) => envelope.Payload.Length > MaxBytes ? null : Report.ClaimedSite(envelope);

    private void RequireSense()
    {
        if (Events is not { Count: > 0 and <= MaxEvents }) throw new TrustFormatException($"events: 1 to {MaxEvents} are expected");
        if (First is < 1 or > MaxNumber) throw new TrustFormatException("events: first is out of range");
        if (Events.Any(one => one is null || !one.IsSound()))
            throw new TrustFormatException("events: one breaks a limit or lacks a member");
        foreach (var one in Numbered())
        {
            if (one.Event.Dropped is { } range && range.First != one.First)
                throw new TrustFormatException($"events: a dropped range begins at {range.First}, expected {one.First}");
            if (one.Last > MaxNumber) throw new TrustFormatException("events: a number is out of range");
        }
    }
}

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase,
    DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull, AllowDuplicateProperties = false)]
[JsonSerializable(typeof(EventBatch))]
internal sealed partial class EventJson : JsonSerializerContext;
