using System.Globalization;
using System.Text;
using Capillary.Core.Identity;
using Capillary.Core.Protocol;
using Capillary.Core.Trust;
using Capillary.Node.Keys;
using Capillary.Sim.Machine;

namespace Capillary.Sim.Nodes;

/// <summary>A machine: its disk and key outlive its process. What a process holds in memory is gone when it ends.</summary>
internal abstract class SimNode
{
    private Process? process;

    protected SimNode(World world, string name)
    {
        (World, Name) = (world, new NodeName(name));
        Chance = new Prng(world.Options.Seed, name);
        Disk = new SimDisk(new Prng(world.Options.Seed, name + "/disk"));
    }

    public World World { get; }
    public NodeName Name { get; }
    public SigningKey Key { get; protected init; } = SigningKey.Create();
    public SimDisk Disk { get; }
    public Prng Chance { get; }

    /// <summary>Grows with each process.</summary>
    public int Life { get; private set; }

    public bool IsUp => process is not null;

    /// <summary>What its clock is off by.</summary>
    public TimeSpan Skew { get; set; }

    /// <summary>What its clock shows.</summary>
    public DateTimeOffset Clock => World.Now + Skew;

    protected Process? Running => process;

    public void Boot()
    {
        if (process is not null) return;
        Life++;
        process = NewProcess();
        Guard(process.Start);
    }

    /// <summary>Ends the process. Without power its peers are not told.</summary>
    public void Crash(bool power)
    {
        if (process is not { } ending) return;
        // What becomes durable by the loss is judged by what the process knew when it wrote it.
        Disk.LosePower();
        process = null;
        ending.IsOver = true;
        ending.DropLinks(tell: !power);
        World.Note(Name, power ? "loses power" : "crashes");
        OnCrash(power);
    }

    public void Accept(LinkEnd end) => Guard(() => process?.Accept(end));

    /// <summary>Runs a part of the process; when the power goes meanwhile, all of it is over, and it comes back by itself.</summary>
    public void Guard(Action act)
    {
        try
        {
            act();
        }
        catch (PowerLostException)
        {
            Crash(power: true);
            World.Schedule.After(Chance.Between(1, 20), Boot);
        }
    }

    protected abstract Process NewProcess();

    protected virtual void OnCrash(bool power) { }
}

/// <summary>What runs on a node between two crashes.</summary>
internal abstract class Process(World world, SimNode node)
{
    protected World World => world;
    protected SimNode Node => node;

    public bool IsOver { get; set; }

    public abstract void Start();

    /// <summary>A child connected.</summary>
    public virtual void Accept(LinkEnd end) => end.Close();

    public abstract void DropLinks(bool tell);

    public void Note(string text) => world.Note(node.Name, text);

    /// <summary>Later, if this process still runs then.</summary>
    public void After(TimeSpan wait, Action act) => world.Schedule.After(wait, () =>
    {
        if (!IsOver) node.Guard(act);
    });

    /// <summary>Again and again.</summary>
    public void Every(TimeSpan period, Action act) => After(period, () =>
    {
        act();
        Every(period, act);
    });

    public static Wire ToWire(Frame frame, bool cheap) => cheap ? new Wire.Whole(frame) : new Wire.Framed(frame.ToBytes());

    public static Frame? ToFrame(Wire wire) => wire switch
    {
        Wire.Framed framed => Frame.Parse(framed.Bytes),
        Wire.Whole whole => whole.Frame,
        _ => null,
    };

    /// <summary>The number in a document of one; 0 when there is none.</summary>
    public static long ToNumber(byte[]? document) =>
        document is null ? 0 : long.Parse(Encoding.ASCII.GetString(document), CultureInfo.InvariantCulture);

    /// <summary>The trust this node begins with, and the newest beacon it kept.</summary>
    protected TrustState LoadTrust()
    {
        var trust = TrustStateOf(world.Authority);
        return node.Disk.Read("beacon") is { } beacon ? trust.WithBeacon(Envelope.Parse(beacon)) : trust;
    }

    private static TrustState TrustStateOf(Authority authority) => TrustState.Begin(authority.TrustRoots[0]);
}
