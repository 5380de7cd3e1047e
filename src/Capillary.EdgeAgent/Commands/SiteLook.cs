using System.Text.Json;
using Capillary.Core.Trust;
using Capillary.Node.Child;
using Capillary.Node.Hosting;

namespace Capillary.EdgeAgent.Commands;

/// <summary>How a site stands, in one word.</summary>
internal enum Wellness
{
    Well,

    /// <summary>Nothing assigned yet, or still applying: wait.</summary>
    OnItsWay,

    NeedsALook,
}

/// <summary>What an agent's folder tells of its site.</summary>
/// <param name="Site">Its name.</param>
/// <param name="Fleet">Its fleet.</param>
/// <param name="IsRunning">Whether an agent runs on the folder now.</param>
/// <param name="Link">How its link stands; null: not known.</param>
/// <param name="Report">The last report, as it was signed; null: none yet.</param>
internal sealed record SiteLook(string Site, string Fleet, bool IsRunning, LinkStatus? Link, JsonElement? Report)
{
    /// <summary>The link lives now; what a dead agent left says nothing.</summary>
    public bool IsLinked => IsRunning && Link is { IsLive: true };

    public string Phase => Report?.GetProperty("phase").GetString() ?? "none";

    /// <exception cref="InvalidDataException">No node has joined there.</exception>
    /// <exception cref="UnauthorizedAccessException">Only root may look.</exception>
    public static SiteLook Of(string folder)
    {
        if (!Directory.Exists(folder)) throw new InvalidDataException($"{folder}: no such folder; join first: capillary-edge join FILE");
        // A folder that may be passed but not read would look as if nothing were in it.
        _ = Directory.EnumerateFileSystemEntries(folder).Any();
        if (!File.Exists(Path.Combine(folder, "node.json")))
        {
            throw new InvalidDataException($"{folder}: no site has joined in this folder; is it another one? "
                + "capillary-edge status --data DIR");
        }
        var home = new NodeHome(folder);
        var settings = home.LoadSettings();
        return new SiteLook(settings.Node.Value, settings.Fleet.Value, RunsOn(folder), LinkFile.Read(home.FileOf("link.json")),
            LastReport(home.FileOf("report.json")));
    }

    /// <summary>
    /// Whether an agent holds the folder. Asking takes its lock for a moment, and an agent that starts just then starts again.
    /// </summary>
    public static bool RunsOn(string folder)
    {
        try
        {
            using var held = new FileStream(Path.Combine(folder, "apply", "lock"), FileMode.Open, FileAccess.Read, FileShare.Read);
            return false;
        }
        catch (Exception e) when (e is FileNotFoundException or DirectoryNotFoundException)
        {
            return false;
        }
        catch (IOException)
        {
            return true;
        }
    }

    /// <summary>How it stands, and why if not well.</summary>
    public (Wellness State, string Why) Judge() => this switch
    {
        { IsRunning: false } => (Wellness.NeedsALook, "the agent does not run; its services may; start it: systemctl start capillary-edge"),
        { Phase: "degraded" } => (Wellness.NeedsALook, "what runs is not healthy; see the conditions"),
        { Phase: "reverted" } => (Wellness.NeedsALook, "the newest bundle failed here and the one before runs; see the conditions"),
        { IsLinked: false } => (Wellness.NeedsALook, "the link is down; what was applied runs on; find out why: capillary-edge doctor"),
        { Phase: "healthy" } => (Wellness.Well, ""),
        { Phase: "none" or "idle" } => (Wellness.OnItsWay, "nothing is assigned to it yet; that is done where the hub is"),
        { Phase: "held" } => (Wellness.OnItsWay, "an update waits, as somebody here holds it; who and why: capillary-edge holds"),
        _ => (Wellness.OnItsWay, "it is applying"),
    };

    private static JsonElement? LastReport(string path)
    {
        try
        {
            using var json = JsonDocument.Parse(Envelope.Parse(File.ReadAllBytes(path)).Payload);
            return json.RootElement.Clone();
        }
        catch (Exception e) when (e is FileNotFoundException or JsonException or TrustFormatException)
        {
            return null;
        }
    }
}
