using Capillary.Core.Protocol;
using Capillary.Node.Child;

namespace Capillary.Sim.Nodes;

/// <summary>A second machine with a site's disk of some moment ago: it has the site's keys and shows them where the site would.</summary>
internal sealed class SimCopy : SimNode
{
    public SimCopy(World world, SimSite original, int number) : base(world, original.Name.Value, $"copy-{number}")
    {
        (Original, Joined) = (original, original.Joined);
        original.Disk.CopyTo(Disk);
    }

    public SimSite Original { get; }

    public IReadOnlyList<SimNode> Joined { get; }

    /// <summary>Whether it dials this region at all.</summary>
    public bool Dials(SimRegion region) => Joined.Contains(region)
        || Process?.Identity.Record.Record.Parents?.Contains($"{region.Label}:{Sim.World.Port}") == true;

    public CopyProcess? Process => (CopyProcess?)Running;

    // What the copy does to its own disk is nobody's promise.
    protected override void OnKept(string name, byte[] content) { }

    protected override Process NewProcess() => new CopyProcess(World, this);
}

/// <summary>What whoever has the copy does: stays linked, follows the record, tries to be the one who gets the next key.</summary>
internal sealed class CopyProcess : Process
{
    private readonly UpLink link;

    public CopyProcess(World world, SimCopy copy) : base(world, copy)
    {
        var trustBox = new TrustBox(copy.Disk);
        var (trust, roots) = trustBox.Load();
        Identity = new Identity(world, copy, roots);
        var handlers = new ChildHandlers(() => new ChildHello(0, Identity.RecordDigest, "sim", Boot), trustBox.Keep, (_, _, _) => { },
            (records, _, _) => TakeRecords(records), () => [], _ => Succeed());
        link = new UpLink(this, copy, () => copy.Joined, Identity, trust, handlers);
    }

    public Identity Identity { get; }

    public SimNode? LiveParent => link.LiveParent;

    public override void Start()
    {
        Note("begins");
        link.Dial();
        Every(TimeSpan.FromSeconds(1), link.Tick);
    }

    public override void DropLinks(bool tell) => link.Drop(tell);

    private void TakeRecords(IReadOnlyList<SignedRecord> records)
    {
        foreach (var own in records) Identity.Take(own);
        Succeed();
    }

    private void Succeed()
    {
        if (Identity.Pending() is { } succession) link.PutSuccession(Node.Name, succession);
    }
}
