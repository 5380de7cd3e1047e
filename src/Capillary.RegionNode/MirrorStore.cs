using System.Text.Json;
using System.Text.Json.Serialization;
using Capillary.Core.Identity;
using Capillary.Core.Protocol;
using Capillary.Core.Trust;
using Capillary.Node.Journal;

namespace Capillary.RegionNode;

/// <summary>One line as it came: the checkpoint that proves it, and the proof.</summary>
public sealed record MirroredLine(Envelope Checkpoint, ProvenLine Line);

/// <summary>What a region has received, on its disk: a file per line and per record, so that the cost follows the change.</summary>
internal sealed class MirrorStore
{
    private readonly string lines;
    private readonly string records;
    private readonly string generation;

    public MirrorStore(string folder)
    {
        lines = Directory.CreateDirectory(Path.Combine(folder, "lines")).FullName;
        records = Directory.CreateDirectory(Path.Combine(folder, "records")).FullName;
        generation = Path.Combine(folder, "generation");
    }

    /// <summary>The newest generation that was received to its end; 0 at first.</summary>
    public long LoadGeneration() => File.Exists(generation) && long.TryParse(File.ReadAllText(generation), out var value) ? value : 0;

    public void KeepGeneration(long value) => AtomicFile.Write(generation, System.Text.Encoding.ASCII.GetBytes($"{value}"));

    public void Keep(SiteId site, MirroredLine line) =>
        AtomicFile.Write(Path.Combine(lines, $"{site}.json"), JsonSerializer.SerializeToUtf8Bytes(line, MirrorJson.Default.MirroredLine));

    public void Keep(SignedRecord record) =>
        AtomicFile.Write(Path.Combine(records, $"{record.Record.Node}.json"), record.Envelope.ToBytes());

    /// <summary>A site that is no longer of this region.</summary>
    public void Forget(NodeName node)
    {
        File.Delete(Path.Combine(lines, $"{node}.json"));
        File.Delete(Path.Combine(records, $"{node}.json"));
    }

    /// <summary>Lines whose checkpoint still verifies, and whether there was another.</summary>
    public (IReadOnlyList<(VerifiedCheckpoint Checkpoint, ProvenLine Line)> Lines, bool Damaged) LoadLines(TrustRoot root)
    {
        var read = Directory.EnumerateFiles(lines, "*.json").Select(file => Read(file, root)).ToList();
        return ([.. read.OfType<(VerifiedCheckpoint, ProvenLine)>()], read.Contains(null));
    }

    /// <summary>Records that still verify; the parent sees by their digest that others are missing.</summary>
    public IEnumerable<SignedRecord> LoadRecords(TrustRoot root)
    {
        foreach (var file in Directory.EnumerateFiles(records, "*.json"))
        {
            if (ReadRecord(file, root) is { } record) yield return record;
        }
    }

    private static SignedRecord? ReadRecord(string file, TrustRoot root)
    {
        try
        {
            var envelope = Envelope.Parse(File.ReadAllBytes(file));
            return new SignedRecord(NodeRecord.Verify(envelope, root), envelope);
        }
        catch (TrustFormatException)
        {
            return null;
        }
    }

    private static (VerifiedCheckpoint, ProvenLine)? Read(string file, TrustRoot root)
    {
        try
        {
            var held = JsonSerializer.Deserialize(File.ReadAllBytes(file), MirrorJson.Default.MirroredLine);
            return held is null ? null : (VerifiedCheckpoint.Verify(held.Checkpoint, root), held.Line);
        }
        catch (Exception e) when (e is JsonException or TrustFormatException)
        {
            return null;
        }
    }
}

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase, DefaultIgnoreCondition =
    JsonIgnoreCondition.WhenWritingNull)]
[JsonSerializable(typeof(MirroredLine))]
internal sealed partial class MirrorJson : JsonSerializerContext;
