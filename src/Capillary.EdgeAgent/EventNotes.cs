using Capillary.Core.Apply;
using Capillary.Core.Identity;
using Capillary.Core.Reports;
using Capillary.Core.Trust;
using Capillary.Node.Child;
using Capillary.Node.Hosting;
using Capillary.Node.Journal;

namespace Capillary.EdgeAgent;

/// <summary>
/// Writes down what happens at the site and brings it to the hub, batch by batch: the next is sent when the one before is kept.
/// </summary>
internal sealed class EventNotes(EventLog events, NodeIdentity identity, long incarnation, Outbox outbox, TimeProvider time)
{
    private readonly Lock gate = new();
    private readonly Lock sending = new();
    private bool underWay;
    private HashSet<(string Code, string Subject)> raised = [];
    private (ApplyPhase Phase, long? Since)? before;

    /// <summary>Notes how what applies now differs from what was noted before.</summary>
    public void Note(ApplyStatus status)
    {
        lock (gate)
        {
            if (before is null || before.Value != (status.Phase, status.Since))
                Append(new SiteEvent(time.GetUtcNow(), $"apply.{status.Phase.ToString().ToLowerInvariant()}",
                    Text: $"since {status.Since}: bundle {status.Bundle?.Text ?? "none"}"));
            before = (status.Phase, status.Since);
            var now = status.Conditions.Select(item => (item.Code, item.Subject)).ToHashSet();
            foreach (var item in status.Conditions.Where(item => !raised.Contains((item.Code, item.Subject))))
                Append(new SiteEvent(time.GetUtcNow(), "condition.raised", Text: item.Text, Data: About(item.Code, item.Subject)));
            foreach (var (code, subject) in raised.Where(item => !now.Contains(item)))
                Append(new SiteEvent(time.GetUtcNow(), "condition.cleared", Data: About(code, subject)));
            raised = now;
        }
    }

    /// <summary>Offers the next batch to the link, signed with the key of now, unless one is under way.</summary>
    /// <param name="again">What is under way may be lost, or signed with an old key. When nothing waits, the newest event goes once more:
    /// the answer tells where the hub really stands, should an earlier parent have said what is not so.</param>
    public void Send(bool again)
    {
        lock (sending)
        {
            if (underWay && !again) return;
            var self = identity.Record.Record;
            var site = new SiteId(self.Node.Value);
            var next = events.NextBatch(self.Fleet, site) ?? (again ? events.NewestBatch(self.Fleet, site) : null);
            if (next is not { } batch) return;
            underWay = true;
            outbox.PutEvents(site, identity.Keys.Current.Sign(PayloadTypes.Events, batch.ToPayload()), incarnation, batch.Last);
        }
    }

    /// <summary>The hub keeps events up to <paramref name="seq"/>: the next batch may go.</summary>
    public void Kept(long ofIncarnation, long seq)
    {
        events.Kept(ofIncarnation, seq);
        lock (sending) underWay = false;
        Send(again: false);
    }

    private static Dictionary<string, string> About(string code, string subject) => new() { ["code"] = code, ["subject"] = subject };

    private void Append(SiteEvent happened)
    {
        try
        {
            events.Append(happened.Text is { Length: > 4096 } text ? happened with { Text = text[..4096] } : happened);
        }
        catch (IOException)
        {
            // Its number will be named as dropped; a full disk has a condition of its own.
        }
    }
}
