using System.Globalization;
using System.Text;
using System.Text.Json;
using Capillary.Core.Reports;
using Capillary.Core.Trust;

namespace Capillary.Sim.Nodes;

/// <summary>
/// A site's events until the hub keeps them, as <c>EventLog</c> and <c>EventNotes</c> do it: numbered, durable, bounded, sent batch by
/// batch; what is given a number and not found again is named as dropped.
/// </summary>
internal sealed class EventJournal
{
    public const string Folder = "event/";
    private const string KeptDocument = "events-kept";
    private const int Most = 40;
    private const int MostPerBatch = 25;
    private readonly SimSite site;
    private readonly Identity identity;
    private readonly UpLink link;
    private readonly long incarnation;
    private long kept;
    private long next;
    private bool underWay;

    public EventJournal(SimSite site, Identity identity, UpLink link)
    {
        (this.site, this.identity, this.link, incarnation) = (site, identity, link, site.Incarnation);
        if (site.Disk.Read(KeptOf(incarnation)) is { } number) kept = Process.ToNumber(number);
        next = kept + 1;
        foreach (var (name, _) in Stored()) next = Math.Max(next, NumberOf(name) + 1);
    }

    /// <summary>The number that the next event gets.</summary>
    public long Next => next;

    public static string NameOf(long incarnation, long number) =>
        string.Create(CultureInfo.InvariantCulture, $"{Folder}{incarnation:d4}/{number:d8}");

    public void Append(string text)
    {
        var number = next++;
        var stored = Stored().ToList();
        foreach (var (name, _) in stored.Take(stored.Count - Most + 1)) site.Disk.Remove(name);
        try
        {
            site.Disk.Replace(NameOf(incarnation, number),
                JsonSerializer.SerializeToUtf8Bytes(new SiteEvent(site.Clock, "happened", Text: text)));
        }
        catch (IOException)
        {
            // Its number will be named as dropped.
        }
        Send(again: false);
    }

    /// <summary>Offers the next batch to the link, signed with the key of now, unless one is under way.</summary>
    /// <param name="again">What is under way may be lost, or signed with an old key.</param>
    public void Send(bool again)
    {
        if ((underWay && !again) || NextBatch() is not { } batch) return;
        underWay = true;
        link.PutEvents(site.Id, identity.Keys.Current.Sign(PayloadTypes.Events, batch.ToPayload()), incarnation, batch.Last);
    }

    /// <summary>The hub keeps events up to <paramref name="seq"/>: the next batch may go.</summary>
    public void Kept(long ofIncarnation, long seq)
    {
        if (ofIncarnation != incarnation) return;
        if (seq != kept)
        {
            (kept, next) = (seq, Math.Max(next, seq + 1));
            try
            {
                site.Disk.Replace(KeptOf(incarnation), Encoding.ASCII.GetBytes(seq.ToString(CultureInfo.InvariantCulture)));
                foreach (var (name, _) in Stored().Where(item => NumberOf(item.Key) <= kept).ToList()) site.Disk.Remove(name);
            }
            catch (IOException)
            {
                // After a crash it is sent again, and known at the hub.
            }
        }
        underWay = false;
        Send(again: false);
    }

    private static string KeptOf(long incarnation) => $"{KeptDocument}-{incarnation.ToString(CultureInfo.InvariantCulture)}";

    private EventBatch? NextBatch()
    {
        if (kept + 1 >= next) return null;
        var (events, expected) = (new List<SiteEvent>(), kept + 1);
        foreach (var (name, content) in Stored())
        {
            if (NumberOf(name) < expected || Parse(content) is not { } happened) continue;
            if (events.Count >= MostPerBatch) return Batch(events);
            if (NumberOf(name) > expected) Drop(events, expected, NumberOf(name) - 1);
            events.Add(happened);
            expected = NumberOf(name) + 1;
        }
        if (expected < next) Drop(events, expected, next - 1);
        return Batch(events);
    }

    private EventBatch Batch(List<SiteEvent> events) => new(1, site.World.Authority.Fleet, site.Id, incarnation, kept + 1, events);

    private static void Drop(List<SiteEvent> events, long first, long last) =>
        events.Add(new SiteEvent(DateTimeOffset.UnixEpoch, SiteEvent.DroppedType, Dropped: new(first, last, "not kept at the site")));

    private IEnumerable<KeyValuePair<string, byte[]>> Stored() =>
        site.Disk.Under(string.Create(CultureInfo.InvariantCulture, $"{Folder}{incarnation:d4}/"));

    private static long NumberOf(string name) => long.Parse(name.AsSpan(name.LastIndexOf('/') + 1), CultureInfo.InvariantCulture);

    public static SiteEvent? Parse(byte[] content)
    {
        try
        {
            return JsonSerializer.Deserialize<SiteEvent>(content);
        }
        catch (JsonException)
        {
            return null;
        }
    }
}
