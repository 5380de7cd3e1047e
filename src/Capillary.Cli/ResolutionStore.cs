using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using Capillary.Fleet.Templates.Merging;

namespace Capillary.Cli;

/// <summary>A decision that a person made, and where.</summary>
/// <param name="Resolution">The decision.</param>
/// <param name="Instances">Where it was made or taken over.</param>
internal sealed record KnownResolution(Resolution Resolution, IReadOnlyList<string> Instances);

/// <summary>An upgrade that waits for decisions.</summary>
internal sealed record PendingUpgrade(string Version, IReadOnlyList<string> Settings, IReadOnlyList<string> Unset);

/// <summary>
/// What was decided about conflicts, kept beside Git's own files, by the conflict's key: the same conflict elsewhere can take it over.
/// It counts by itself only at the instance it was made for.
/// </summary>
/// <param name="gitFolder">The repository's own folder.</param>
internal sealed class ResolutionStore(string gitFolder)
{
    private readonly Lock gate = new();

    private string Root => Path.Combine(gitFolder, "capillary");

    /// <summary>Null when nothing was decided.</summary>
    public KnownResolution? Find(TreeConflict conflict)
    {
        var file = FileOf(conflict);
        if (!File.Exists(file)) return null;
        using var json = JsonDocument.Parse(File.ReadAllBytes(file));
        var root = json.RootElement;
        Resolution resolution = root.GetProperty("choice").GetString() switch
        {
            "ours" => new Resolution.Ours(),
            "theirs" => new Resolution.Theirs(),
            _ => new Resolution.Written(root.GetProperty("content").GetBytesFromBase64()),
        };
        return new(resolution, [.. root.GetProperty("instances").EnumerateArray().Select(item => item.GetString()!)]);
    }

    /// <summary>Decides for one instance; another decision of before is forgotten.</summary>
    public void Keep(TreeConflict conflict, Resolution resolution, string instance)
    {
        // Instances of a fleet are planned side by side.
        lock (gate)
        {
            Write(conflict, resolution, instance);
        }
    }

    private void Write(TreeConflict conflict, Resolution resolution, string instance)
    {
        var instances = Find(conflict) is { } known && IsSame(known.Resolution, resolution) ? known.Instances.Append(instance).Distinct()
            : [instance];
        Write(FileOf(conflict), json =>
        {
            json.WriteString("path", conflict.Path);
            json.WriteString("choice", resolution switch { Resolution.Ours => "ours", Resolution.Theirs => "theirs", _ => "written" });
            if (resolution is Resolution.Written written) json.WriteBase64String("content", written.Bytes.Span);
            json.WriteStartArray("instances");
            foreach (var item in instances) json.WriteStringValue(item);
            json.WriteEndArray();
        });
    }

    /// <summary>The upgrade that waits for decisions; null when none does.</summary>
    public PendingUpgrade? Pending(string instance)
    {
        if (!File.Exists(FileOf(instance))) return null;
        using var json = JsonDocument.Parse(File.ReadAllBytes(FileOf(instance)));
        string[] Texts(string name) => json.RootElement.TryGetProperty(name, out var list)
            ? [.. list.EnumerateArray().Select(item => item.GetString()!)] : [];
        return new(json.RootElement.GetProperty("version").GetString()!, Texts("settings"), Texts("unset"));
    }

    public void Wait(string instance, PendingUpgrade upgrade) => Write(FileOf(instance), json =>
    {
        json.WriteString("version", upgrade.Version);
        foreach (var (name, texts) in new[] { ("settings", upgrade.Settings), ("unset", upgrade.Unset) })
        {
            json.WriteStartArray(name);
            foreach (var item in texts) json.WriteStringValue(item);
            json.WriteEndArray();
        }
    });

    public void Forget(string instance)
    {
        if (File.Exists(FileOf(instance))) File.Delete(FileOf(instance));
    }

    private string FileOf(TreeConflict conflict) => Path.Combine(Root, "resolutions", conflict.Key + ".json");

    private string FileOf(string instance) =>
        Path.Combine(Root, "upgrades", Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(instance)))[..32] + ".json");

    private static bool IsSame(Resolution left, Resolution right) => (left, right) switch
    {
        (Resolution.Written one, Resolution.Written other) => one.Bytes.Span.SequenceEqual(other.Bytes.Span),
        _ => left.GetType() == right.GetType(),
    };

    private static void Write(string file, Action<Utf8JsonWriter> members)
    {
        Directory.CreateDirectory(Path.GetDirectoryName(file)!);
        var unfinished = $"{file}.{Guid.NewGuid():N}";
        using (var stream = File.Create(unfinished))
        using (var json = new Utf8JsonWriter(stream, CommandOutput.Indented))
        {
            json.WriteStartObject();
            members(json);
            json.WriteEndObject();
        }
        File.Move(unfinished, file, overwrite: true);
    }
}
