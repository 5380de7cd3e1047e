using System.Text.Json;
using Capillary.Core.Apply;
using Capillary.Core.Protocol;
using Capillary.Core.Trust;
using Capillary.Node.Child;

namespace Capillary.Sim.Nodes;

/// <summary>The edge agent: a child that applies. All deciding is Core's; here is only what a host has to do for it.</summary>
internal sealed class SiteProcess : Process
{
    public const string AcceptedDocument = "accepted";
    public const string ApplyDocument = "apply";
    private readonly SimSite site;
    private readonly UpLink link;
    private readonly BlobBox blobs;
    private readonly Reporter reporter;
    private readonly Identity identity;
    private readonly TrustBox trustBox;
    private readonly EventJournal events;
    private readonly Queue<ApplyEvent> inbox = new();
    private readonly DateTimeOffset startedAt;
    private readonly DateTimeOffset startedClock;
    private int fetches;
    private bool pumping;
    private bool blocked;

    public SiteProcess(World world, SimSite site) : base(world, site)
    {
        this.site = site;
        // Apply wants a clock that never goes back within one process: the clock at its start, and what went by since.
        (startedAt, startedClock) = (world.Now, site.Clock);
        Accepted = site.Disk.Read(AcceptedDocument) is { } line ? JsonSerializer.Deserialize<AcceptedLine>(line)! : AcceptedLine.None;
        State = site.Applied;
        if (world.Broken == Mutation.SiteForgetsReverts && State.Phase == ApplyPhase.Reverted)
            State = State with { Phase = ApplyPhase.Applying };
        trustBox = new TrustBox(site.Disk);
        var (trust, roots) = trustBox.Load();
        identity = new Identity(world, site, roots);
        var handlers = new ChildHandlers(() => new ChildHello(Accepted.Generation, identity.RecordDigest, "sim", Boot), KeepTrust, TakeLines,
            (records, _, _) => TakeRecords(records), () => [], _ => OnLive())
        {
            EventsKept = kept => events!.Kept(kept.Incarnation, kept.Seq),
        };
        link = new UpLink(this, site, () => site.Joined, identity, trust, handlers);
        blobs = new BlobBox(site.Disk, link);
        reporter = new Reporter(this, site, identity, link);
        events = new EventJournal(site, identity, link);
    }

    public AcceptedLine Accepted { get; private set; }

    public ApplyState State { get; private set; }

    /// <summary>Nothing waits here to be done or said.</summary>
    public bool IsQuiet => inbox.Count == 0 && link.Reports == 0 && link.IsLive;

    public Identity Identity => identity;

    public TrustState Trust => link.Trust;

    public SimNode? LiveParent => link.LiveParent;

    public EventJournal Events => events;

    public override void Start()
    {
        Note($"starts; accepted since {Accepted.Since}, apply {State.Phase}");
        Tell(new ApplyEvent.Restarted());
        if (Accepted.Assignment is { } line) Tell(new ApplyEvent.Assigned(new DesiredBundle(line.Bundle, line.Fallback, line.Since)));
        reporter.Say(now: true);
        link.Dial();
        Every(TimeSpan.FromSeconds(1), Tick);
        Every(TimeSpan.FromSeconds(5), Look);
        After(site.Chance.Between(5, 90), Happen);
    }

    public override void DropLinks(bool tell) => link.Drop(tell);

    /// <summary>One event for apply; told in order, each only when the one before is durable.</summary>
    public void Tell(ApplyEvent happened)
    {
        inbox.Enqueue(happened);
        if (!pumping && !blocked) Pump();
    }

    private void Tick()
    {
        link.Tick();
        // Ticks that could not be handled yet say nothing new.
        if (inbox.Count == 0) Tell(new ApplyEvent.Tick());
    }

    private void Look()
    {
        if (State.Objects is not { } objects || State.InFlight is not null) return;
        Tell(new ApplyEvent.HealthChanged(site.Host.Health(objects)));
        if (site.Host.Drift(State) is { Length: > 0 } drifts) Tell(new ApplyEvent.DriftFound(drifts));
    }

    private void Happen()
    {
        if (World.Faults.IsOver) return;
        events.Append($"{Boot}: {events.Next}");
        After(site.Chance.Between(5, 90), Happen);
    }

    private void OnLive()
    {
        reporter.Say(now: true);
        // A parent that was killed may have lost what it acknowledged.
        events.Send(again: true);
        SaySuccession();
    }

    private void SaySuccession()
    {
        if (identity.Pending() is { } succession) link.PutSuccession(site.Name, succession);
    }

    private void TakeRecords(IReadOnlyList<SignedRecord> records)
    {
        foreach (var own in records)
        {
            if (!identity.Take(own)) continue;
            Note($"has record version {own.Record.Version}");
            // What the old key signed is no longer taken: say it again with the new one.
            reporter.Say(now: true);
            events.Send(again: true);
        }
        SaySuccession();
    }

    private void KeepTrust(TrustState trust, IReadOnlyList<Envelope> newRoots)
    {
        trustBox.Keep(trust, newRoots);
        if (newRoots.Count > 0) Note($"trusts root {trust.Root.Version}");
        reporter.Say(now: true);
    }

    private void TakeLines(VerifiedCheckpoint checkpoint, IReadOnlyList<ProvenLine> items, bool complete)
    {
        foreach (var item in items)
        {
            switch (Accept(checkpoint, item))
            {
                case AcceptResult.Accepted accepted: Keep(accepted); break;
                case AcceptResult.Refused refused: Note($"refuses a line: {refused.Code}"); break;
            }
        }
    }

    private AcceptResult Accept(VerifiedCheckpoint checkpoint, ProvenLine item)
    {
        if (World.Broken != Mutation.SiteSkipsAcceptance) return Acceptance.Accept(Accepted, site.Id, checkpoint, item);
        try
        {
            var line = Assignment.Parse(item.Leaf);
            return new AcceptResult.Accepted(new(checkpoint.Checkpoint.Generation, checkpoint.Digest, line.Since, item.Leaf), line, true);
        }
        catch (TrustFormatException e)
        {
            return new AcceptResult.Refused(RefusalCode.NotForThisSite, e.Message);
        }
    }

    private void Keep(AcceptResult.Accepted accepted)
    {
        if (World.Broken != Mutation.SiteActsBeforeKeeping)
            site.Disk.Replace(AcceptedDocument, JsonSerializer.SerializeToUtf8Bytes(accepted.State));
        Accepted = accepted.State;
        if (!accepted.Acts) return;
        var line = accepted.Assignment;
        Note($"accepts since {line.Since}: {Short(line.Bundle)}");
        Tell(new ApplyEvent.Assigned(new DesiredBundle(line.Bundle, line.Fallback, line.Since)));
    }

    private void Pump()
    {
        pumping = true;
        blocked = false;
        while (inbox.TryPeek(out var next) && !IsOver)
        {
            var decision = ApplyMachine.Next(State, next, startedClock + (World.Now - startedAt));
            if (decision.Persist && !TryKeep(decision.State))
            {
                blocked = true;
                After(TimeSpan.FromSeconds(1), Pump);
                break;
            }
            inbox.Dequeue();
            if (State.Phase != decision.State.Phase) Note($"is {decision.State.Phase} (since {decision.State.Attempt?.Since})");
            State = decision.State;
            foreach (var action in decision.Actions) Do(action);
        }
        pumping = false;
        reporter.Say(now: false);
    }

    private bool TryKeep(ApplyState next)
    {
        if (World.Broken == Mutation.SiteKeepsNoApplyState && next.Phase != ApplyPhase.Healthy) return true;
        try
        {
            site.Disk.Replace(ApplyDocument, JsonSerializer.SerializeToUtf8Bytes(next, ApplyJson.Default.ApplyState));
            return true;
        }
        catch (IOException)
        {
            return false;
        }
    }

    private void Do(ApplyAction action)
    {
        switch (action)
        {
            case ApplyAction.Fetch fetch: Fetch(fetch.Desired, ++fetches); break;
            case ApplyAction.Load load: After(TimeSpan.FromMilliseconds(5), () => Tell(Load(load.Bundle))); break;
            case ApplyAction.Do { Step: var step }: site.Host.Begin(this, step, () => State, Tell); break;
            case ApplyAction.AskHealth:
                After(site.Chance.Between(0.05, 0.5), () =>
                {
                    if (State.Objects is { } objects) Tell(new ApplyEvent.HealthChanged(site.Host.Health(objects)));
                });
                break;
        }
    }

    private void Fetch(DesiredBundle desired, int number)
    {
        if (World.Broken == Mutation.SiteAppliesBeforeBlobs)
        {
            After(TimeSpan.Zero, () => Tell(new ApplyEvent.BlobsReady(desired.Since)));
            return;
        }
        blobs.Fetch(desired.Bundle, problem =>
        {
            if (problem is not null || desired.Fallback is not { } fallback) Fetched(problem);
            else blobs.Fetch(fallback, Fetched);
        });

        // The answer comes as an event of its own, for a blob may be here at once.
        void Fetched(string? problem) => After(TimeSpan.Zero, () =>
        {
            if (number != fetches) return;
            Tell(problem is null ? new ApplyEvent.BlobsReady(desired.Since) : new ApplyEvent.BlobsMissing(desired.Since, problem));
        });
    }

    private byte[]? Blob(Core.Bundles.Digest digest) =>
        World.Broken == Mutation.SiteAppliesBeforeBlobs ? World.Releases.Blobs[digest] : blobs.Read(digest);

    private ApplyEvent Load(Core.Bundles.Digest bundle) =>
        BundleContent.Load(bundle, digest => Blob(digest)) switch
        {
            BundleLoad.Loaded loaded => new ApplyEvent.Loaded(loaded.Content.ToDesired(SimHost.Root)),
            BundleLoad.Missing missing => new ApplyEvent.LoadFailed(bundle, ConditionCodes.BlobsMissing, Short(missing.Blob)),
            BundleLoad.Invalid invalid => new ApplyEvent.LoadFailed(bundle, ConditionCodes.BundleInvalid, invalid.Reason),
            var other => throw new InvalidOperationException($"unknown load {other}"),
        };

    internal static string Short(Core.Bundles.Digest digest) => digest.Hex[..8];
}
