using System.Globalization;
using System.Text;
using Capillary.Core.Identity;
using Capillary.Core.Protocol;
using Capillary.Sim.Machine;

namespace Capillary.Sim.Nodes;

/// <summary>A machine: its disk and key outlive its process. What a process holds in memory is gone when it ends.</summary>
internal abstract class SimNode
{
    private Process? process;

    protected SimNode(World world, string name, string? label = null)
    {
        (World, Name, Label) = (world, new NodeName(name), label ?? name);
        Chance = new Prng(world.Options.Seed, Label);
        Disk = new SimDisk(new Prng(world.Options.Seed, Label + "/disk")) { Kept = OnKept };
    }

    public World World { get; }
    public NodeName Name { get; }
    /// <summary>Its name in the trace; another machine may have the same <see cref="Name"/>.</summary>
    public string Label { get; }

    /// <summary>Id of the key that it shows to those who dial it; null while nothing listens.</summary>
    public string? ShownKeyId => process?.ShownKeyId;

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

    /// <summary>Somebody took the machine away.</summary>
    public bool IsGone { get; private set; }

    public void Remove()
    {
        Crash(power: true);
        IsGone = true;
    }

    public void Boot()
    {
        if (process is not null || IsGone) return;
        Life++;
        Guard(() =>
        {
            process = NewProcess();
            process.Start();
        });
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
        World.Note(Label, power ? "loses power" : "crashes");
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

    /// <summary>Told of each document that has become durable: the checks read what the disk holds, never what the process believes.</summary>
    protected virtual void OnKept(string name, byte[] content) => World.Safety.DocumentKept(this, name);

    protected abstract Process NewProcess();

    protected virtual void OnCrash(bool power) { }
}

/// <summary>What runs on a node between two crashes.</summary>
internal abstract class Process(World world, SimNode node)
{
    protected World World => world;
    protected SimNode Node => node;

    public bool IsOver { get; set; }

    /// <summary>Names this process, as the random name in a real hello does.</summary>
    protected string Boot { get; } = $"{node.Label}-{node.Life}";

    /// <summary>Id of the key that it shows as a parent; null: it is none.</summary>
    public virtual string? ShownKeyId => null;

    public abstract void Start();

    /// <summary>A child connected.</summary>
    public virtual void Accept(LinkEnd end) => end.Close();

    public abstract void DropLinks(bool tell);

    public void Note(string text) => world.Note(node.Label, text);

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
}
