using Capillary.Core.Bundles;
using Capillary.Core.Protocol;
using Capillary.Core.Trust;
using Capillary.Node.Keys;
using Capillary.Sim.Machine;

namespace Capillary.Sim.Nodes;

/// <summary>
/// Who a node is, step by durable step as <c>NodeIdentity</c> keeps it on real disks; which key to show is the real <see cref="LinkKeys"/>'.
/// </summary>
internal sealed class Identity
{
    public const string RecordDocument = "record-own";
    public const string KeyDocument = "key";
    public const string NextDocument = "key-next";
    private readonly World world;
    private readonly SimDisk disk;
    private Envelope? pending;

    /// <summary>Opens what the disk holds; finishes what a power cut interrupted.</summary>
    public Identity(World world, SimNode node, IReadOnlyList<Envelope> roots)
    {
        (this.world, disk) = (world, node.Disk);
        var envelope = Envelope.Parse(disk.Read(RecordDocument)!);
        Record = new(TrustChain.UnderAny(roots, root => NodeRecord.Verify(envelope, root)), envelope);
        if (world.Keys.On(disk, NextDocument) is { } made && made.Public.Equals(Record.Record.IdentityKey))
            disk.Move(NextDocument, KeyDocument);
        var (current, next) = (world.Keys.On(disk, KeyDocument)!, world.Keys.On(disk, NextDocument));
        if (!current.Public.Equals(Record.Record.IdentityKey)) throw new InvalidOperationException($"{node.Label} has lost its key");
        Keys = new LinkKeys(current, next);
        if (next is not null) pending = Sign(current, next);
    }

    public LinkKeys Keys { get; }

    public SignedRecord Record { get; private set; }

    public Digest RecordDigest => DesiredState.DigestOf([Record]);

    /// <summary>The succession to send until the record names the next key; begins one that is due and could not be begun.</summary>
    public Envelope? Pending()
    {
        try
        {
            CatchUp();
        }
        catch (IOException)
        {
            // The disk is full: the next session tries again.
        }
        return pending;
    }

    /// <summary>Takes a newer record of this node in. True when it changed anything.</summary>
    public bool Take(SignedRecord newer)
    {
        if (newer.Record.Node != Record.Record.Node || newer.Record.Version <= Record.Record.Version) return false;
        var promotes = Keys.Next is { } next && next.Public.Equals(newer.Record.IdentityKey);
        if (!promotes && !newer.Record.IdentityKey.Equals(Keys.Current.Public)) return false;
        if (promotes && world.Broken == Mutation.SitePromotesBeforeRecord) disk.Move(NextDocument, KeyDocument);
        disk.Replace(RecordDocument, newer.Envelope.ToBytes());
        Record = newer;
        CatchUp();
        return true;
    }

    /// <summary>What a join leaves on a disk.</summary>
    public static void Install(SimDisk disk, SignedRecord record, SigningKey key)
    {
        disk.Remove(NextDocument);
        disk.Install(KeyDocument, KeyRing.ToDocument(key));
        disk.Install(RecordDocument, record.Envelope.ToBytes());
    }

    private void CatchUp()
    {
        if (Keys.Next is { } next && next.Public.Equals(Record.Record.IdentityKey))
        {
            if (disk.Has(NextDocument)) disk.Move(NextDocument, KeyDocument);
            Keys.Promote();
            pending = null;
        }
        if (Record.Record.SuccessionDue && Keys.Next is null) Begin();
    }

    private void Begin()
    {
        var next = world.Keys.Make();
        disk.Replace(NextDocument, KeyRing.ToDocument(next));
        Keys.Begin(next);
        pending = Sign(Keys.Current, next);
    }

    private Envelope Sign(SigningKey current, SigningKey next)
    {
        var self = Record.Record;
        var payload = new Succession(1, self.Fleet, self.Node, current.Public, next.Public).ToPayload();
        return new Envelope(PayloadTypes.Succession, payload,
            [current.SignatureOf(PayloadTypes.Succession, payload), next.SignatureOf(PayloadTypes.Succession, payload)]);
    }
}
