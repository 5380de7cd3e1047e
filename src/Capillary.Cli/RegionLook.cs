using Capillary.Node.Child;
using Capillary.Node.Hosting;
using Capillary.RegionNode;

namespace Capillary.Cli;

/// <summary>What a region node's folder tells of it.</summary>
/// <param name="Region">The region.</param>
/// <param name="Fleet">Its fleet.</param>
/// <param name="IsRunning">Whether a node runs on the folder now.</param>
/// <param name="Link">How its link to the hub stands; null: not known.</param>
/// <param name="Counts">What it counted last; null: nothing yet.</param>
internal sealed record RegionLook(string Region, string Fleet, bool IsRunning, LinkStatus? Link, RegionCounts? Counts)
{
    /// <exception cref="InvalidDataException">No region node has joined there.</exception>
    public static RegionLook Of(string folder)
    {
        RegionNodeCommands.RequireRegion(folder);
        var home = new NodeHome(folder);
        var settings = home.LoadSettings();
        return new RegionLook(settings.Region.Value, settings.Fleet.Value, RunsOn(home), LinkFile.Read(home.FileOf("link.json")),
            RegionFile.Read(home.FileOf("region.json")));
    }

    /// <summary>How it stands, and why if not well.</summary>
    public (string State, string Why) Judge() => this switch
    {
        { IsRunning: false } => ("needs-a-look", "the node does not run; start it: systemctl start capillary-region"),
        { Link: not { IsLive: true } } =>
            ("needs-a-look", "the link to the hub is down; its sites are served on; find out why: capillary region doctor"),
        { Counts: null } => ("on-its-way", "it has just started"),
        { Counts.Waiting: > 0 } => ("on-its-way", "the mirror is not complete yet"),
        _ => ("well", ""),
    };

    /// <summary>What the region can say of rollouts: nothing new starts while the hub is away (promise 5). Null: they are the hub's to
    /// tell.</summary>
    public string? Rollout => IsRunning && Link is not { IsLive: true } ? "paused: hub unreachable" : null;

    public string ToText(DateTimeOffset now)
    {
        var (state, why) = Judge();
        var lines = new List<string>
        {
            $"{Region} {Words(state)}{(why.Length > 0 ? $": {why}" : "")}",
            "",
            $"  region    {Region} of fleet {Fleet}",
            $"  node      {(IsRunning ? "runs" : "does not run")}",
            $"  link      {LinkText.Of(IsRunning ? Link : null, now)}",
        };
        if (Rollout is { } rollout) lines.Add($"  rollout   {rollout}");
        if (Counts is { } counts)
        {
            lines.Add($"  sites     {(IsRunning ? counts.Linked : 0)} linked of {counts.Sites}");
            lines.Add(counts.Waiting == 0 ? $"  mirror    complete: {counts.Lines} lines"
                : $"  mirror    {counts.Waiting} of {counts.Lines} lines wait for their blobs");
        }
        return string.Join('\n', lines);
    }

    private static string Words(string state) => state switch
    {
        "well" => "is well",
        "on-its-way" => "is on its way",
        _ => "needs a look",
    };

    /// <summary>Whether a node holds the folder. Nothing is made: what root made there, the node's account could not open.</summary>
    private static bool RunsOn(NodeHome home)
    {
        try
        {
            using var held = new FileStream(home.FileOf("lock"), FileMode.Open, FileAccess.Read, FileShare.Read);
            return false;
        }
        catch (FileNotFoundException)
        {
            return false;
        }
        catch (IOException)
        {
            return true;
        }
    }
}
