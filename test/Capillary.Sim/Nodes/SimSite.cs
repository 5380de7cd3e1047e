using System.Text.Json;
using Capillary.Core.Apply;
using Capillary.Core.Identity;
using Capillary.Core.Protocol;
using Capillary.Core.Trust;
using Capillary.Node.Keys;

namespace Capillary.Sim.Nodes;

/// <summary>A site: its machine and what stands on it.</summary>
internal sealed class SimSite : SimNode
{
    public SimSite(World world, string name, SimRegion region) : base(world, name)
    {
        (Id, Joined) = (new SiteId(name), [region]);
        Host = new SimHost(world, this, new Machine.Prng(world.Options.Seed, name + "/host"));
        Disk.MayTear = [EventJournal.Folder];
    }

    public SiteId Id { get; }

    public SimHost Host { get; }

    /// <summary>Where it was told to dial when it joined, or by a technician since.</summary>
    public IReadOnlyList<SimNode> Joined { get; set; }

    /// <summary>The version of the record that its last join gave it.</summary>
    public long Incarnation { get; private set; } = 1;

    /// <summary>Where its own record says that it is.</summary>
    public RegionId? Region =>
        NodeRecord.Parse(Envelope.Parse(Disk.Read(Identity.RecordDocument)!), World.Authority.Root).Region;

    public SiteProcess? Agent => (SiteProcess?)Running;

    /// <summary>What is durable of <see cref="AcceptedLine"/>.</summary>
    public AcceptedLine Accepted { get; private set; } = AcceptedLine.None;

    /// <summary>What is durable of apply.</summary>
    public ApplyState Applied { get; private set; } = ApplyState.Initial;

    /// <summary>A technician joined it again, with a new key.</summary>
    public void JoinAgain(SignedRecord record, SigningKey key, SimRegion region, IReadOnlyList<Envelope> roots)
    {
        Crash(power: true);
        Identity.Install(Disk, record, key);
        new TrustBox(Disk).Install(roots);
        (Incarnation, Joined) = (record.Record.Version, [region]);
    }

    protected override Process NewProcess() => new SiteProcess(World, this);

    protected override void OnCrash(bool power) => Host.Interrupt(power);

    protected override void OnKept(string name, byte[] content)
    {
        base.OnKept(name, content);
        if (name == SiteProcess.AcceptedDocument)
        {
            var next = JsonSerializer.Deserialize<AcceptedLine>(content)!;
            World.Safety.AcceptedKept(this, Accepted, next);
            Accepted = next;
        }
        else if (name == SiteProcess.ApplyDocument)
        {
            Applied = JsonSerializer.Deserialize(content, ApplyJson.Default.ApplyState)!;
            World.Safety.ApplyKept(this);
        }
        else if (name.StartsWith(EventJournal.Folder, StringComparison.Ordinal))
        {
            World.Safety.EventWritten(this, name, content);
        }
    }
}
