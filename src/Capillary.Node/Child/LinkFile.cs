using System.Text.Json;
using Capillary.Node.Journal;

namespace Capillary.Node.Child;

/// <summary>
/// <c>link.json</c> in a node's folder: how its link stands, for <c>status</c>. Written when that changes; nothing depends on it.
/// </summary>
public sealed class LinkFile(string path)
{
    private const int MostProblemChars = 500;
    private LinkStatus? last;

    /// <summary>Keeps a change. Many failed tries in a row are one outage, since its first.</summary>
    public void Keep(LinkStatus status)
    {
        var next = last is { IsLive: false } && !status.IsLive ? status with { Since = last.Since } : status;
        if (next == last) return;
        last = next;
        try
        {
            AtomicFile.Write(path, Write(next));
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            // A full disk must not end the link; it has a condition of its own.
        }
    }

    /// <summary>What a running or ended node left; null: nothing that can be read.</summary>
    public static LinkStatus? Read(string path)
    {
        try
        {
            using var json = JsonDocument.Parse(File.ReadAllBytes(path));
            var status = json.RootElement;
            return new LinkStatus(status.GetProperty("live").GetBoolean(), status.GetProperty("since").GetDateTimeOffset(),
                status.TryGetProperty("problem", out var problem) ? problem.GetString() : null);
        }
        catch (Exception e) when (e is IOException or JsonException or KeyNotFoundException or InvalidOperationException or FormatException)
        {
            return null;
        }
    }

    private static ReadOnlySpan<byte> Write(LinkStatus status)
    {
        using var stream = new MemoryStream();
        using (var json = new Utf8JsonWriter(stream))
        {
            json.WriteStartObject();
            json.WriteBoolean("live", status.IsLive);
            json.WriteString("since", status.Since);
            if (status.Problem is { } problem) json.WriteString("problem", problem[..Math.Min(problem.Length, MostProblemChars)]);
            json.WriteEndObject();
        }
        return stream.ToArray();
    }
}
