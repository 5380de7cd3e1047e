using System.Text.Json;
using System.Text.Json.Serialization;
using Capillary.Node.Journal;

namespace Capillary.RegionNode;

/// <summary>What a region node counts, for <c>capillary region status</c>.</summary>
/// <param name="Linked">Sessions of its sites that are live now.</param>
/// <param name="Sites">Active sites of the region.</param>
/// <param name="Lines">Lines in the mirror.</param>
/// <param name="Waiting">Of these, those that still wait for their blobs.</param>
public sealed record RegionCounts(int Linked, int Sites, int Lines, int Waiting);

/// <summary><c>region.json</c> in a region's folder: its counts, a few seconds old at most while it runs. Nothing depends on it.</summary>
public static class RegionFile
{
    private static readonly TimeSpan Between = TimeSpan.FromSeconds(3);

    /// <summary>What a running or ended region left; null: nothing that can be read.</summary>
    public static RegionCounts? Read(string path)
    {
        try
        {
            return JsonSerializer.Deserialize(File.ReadAllBytes(path), RegionFileJson.Default.RegionCounts);
        }
        catch (Exception e) when (e is IOException or JsonException)
        {
            return null;
        }
    }

    /// <summary>Writes changes until <paramref name="stop"/>.</summary>
    internal static async Task KeepAsync(string path, Func<RegionCounts> count, TimeProvider time, CancellationToken stop)
    {
        RegionCounts? last = null;
        while (true)
        {
            var now = count();
            if (now != last && Write(path, now)) last = now;
            await Task.Delay(Between, time, stop);
        }
    }

    private static bool Write(string path, RegionCounts counts)
    {
        try
        {
            AtomicFile.Write(path, JsonSerializer.SerializeToUtf8Bytes(counts, RegionFileJson.Default.RegionCounts));
            return true;
        }
        catch (IOException)
        {
            // A full disk: tried again with the next look.
            return false;
        }
    }
}

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase)]
[JsonSerializable(typeof(RegionCounts))]
internal sealed partial class RegionFileJson : JsonSerializerContext;
