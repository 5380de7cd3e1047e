using Capillary.Core.Bundles;
using Capillary.Core.Protocol;
using Capillary.Core.Trust;
using Capillary.Node.Keys;

namespace Capillary.Node.Hosting;

/// <summary>
/// Who a node is, over the years: its newest record, the key in it, and the succession that the hub asked for. Every step is durable before
/// the next, so that a power cut at any of them leaves a node that comes back: the next key stands on disk before it is named, the record
/// before the old key goes.
/// </summary>
public sealed class NodeIdentity : IDisposable
{
    private readonly NodeHome home;
    private readonly Lock gate = new();
    private volatile SignedRecord record;
    private volatile Envelope? pending;

    private NodeIdentity(NodeHome home, SignedRecord record, SigningKey current, SigningKey? next)
    {
        (this.home, this.record, Keys) = (home, record, new LinkKeys(current, next));
        if (next is not null) pending = Sign(current, next);
    }

    /// <summary>The keys to dial with.</summary>
    public LinkKeys Keys { get; }

    /// <summary>The newest record of this node that is durable here.</summary>
    public SignedRecord Record => record;

    /// <summary>The digest to say in a hello: of the one record that a site holds.</summary>
    public Digest RecordDigest => DesiredState.DigestOf([record]);

    /// <summary>
    /// The succession to send until the record names the next key; null: none. Ask at each session: what is due and could not be begun (a
    /// power cut, a full disk) is begun here.
    /// </summary>
    public Envelope? Pending
    {
        get
        {
            lock (gate)
            {
                try
                {
                    CatchUp();
                }
                catch (IOException)
                {
                    // The disk is full: the current key holds on, and the next session tries again.
                }
                return pending;
            }
        }
    }

    /// <summary>The identity as a folder holds it; finishes what a power cut interrupted.</summary>
    /// <param name="home">The node's folder.</param>
    /// <param name="roots">Its trust roots, from version 1.</param>
    /// <exception cref="InvalidDataException">A key file is missing or damaged; says which.</exception>
    /// <exception cref="TrustFormatException">The record is damaged.</exception>
    public static NodeIdentity Open(NodeHome home, IReadOnlyList<Envelope> roots)
    {
        var envelope = home.LoadRecord();
        // It was verified when it came; the release keys may have changed since.
        var record = TrustChain.UnderAny(roots, root => NodeRecord.Verify(envelope, root));
        var current = home.LoadKey();
        var next = home.LoadNextKey();
        if (!current.Public.Equals(record.IdentityKey) && next is not null && next.Public.Equals(record.IdentityKey))
        {
            home.PromoteNextKey();
            current.Dispose();
            (current, next) = (next, null);
        }
        if (!current.Public.Equals(record.IdentityKey))
            throw new InvalidDataException($"{home.Folder}: identity.pem is not the key of this node's record; restore it from the same "
                + "backup as record.json, or join again in another folder");
        return new NodeIdentity(home, new SignedRecord(record, envelope), current, next);
    }

    /// <summary>Takes a newer record of this node in, durably; begins the succession it asks for. True when it changed anything.</summary>
    /// <exception cref="IOException">The disk is full; nothing changed that a later try would not do again.</exception>
    public bool Take(SignedRecord newer)
    {
        lock (gate)
        {
            if (newer.Record.Node != record.Record.Node || newer.Record.Version <= record.Record.Version) return false;
            // A record of a key that is not here is of new hardware under the same name: this disk has been replaced.
            var promotes = Keys.Next is { } next && next.Public.Equals(newer.Record.IdentityKey);
            if (!promotes && !newer.Record.IdentityKey.Equals(Keys.Current.Public)) return false;
            home.KeepRecord(newer.Envelope);
            record = newer;
            CatchUp();
            return true;
        }
    }

    public void Dispose()
    {
        Keys.Current.Dispose();
        Keys.Next?.Dispose();
    }

    /// <summary>The steps that the newest record asks for and that are not done; each may be done again.</summary>
    private void CatchUp()
    {
        if (Keys.Next is { } next && next.Public.Equals(record.Record.IdentityKey))
        {
            home.PromoteNextKey();
            Keys.Promote();
            pending = null;
        }
        if (record.Record.SuccessionDue && Keys.Next is null) Begin();
    }

    private void Begin()
    {
        var next = home.MakeNextKey();
        Keys.Begin(next);
        pending = Sign(Keys.Current, next);
    }

    private Envelope Sign(SigningKey current, SigningKey next)
    {
        var payload = new Succession(1, record.Record.Fleet, record.Record.Node, current.Public, next.Public).ToPayload();
        return new Envelope(PayloadTypes.Succession, payload,
            [current.SignatureOf(PayloadTypes.Succession, payload), next.SignatureOf(PayloadTypes.Succession, payload)]);
    }
}
