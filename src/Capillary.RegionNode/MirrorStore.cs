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

    /// <summary>Lines whose checkpoint still verifies; a damaged file is left out, so that the line is asked for again.</summary>
    public IEnumerable<(VerifiedCheckpoint Checkpoint, ProvenLine Line)> LoadLines(TrustRoot root)
    {
        foreach (var file in Directory.EnumerateFiles(lines, "*.json"))
        {
            if (Read(file, root) is { } line) yield return line;
        }
    }

    public IEnumerable<SignedRecord> LoadRecords(TrustRoot root)
    {
        foreach (var file in Directory.EnumerateFiles(records, "*.json"))
        {
            var envelope = Envelope.Parse(File.ReadAllBytes(file));
            yield return new SignedRecord(NodeRecord.Verify(envelope, root), envelope);
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
