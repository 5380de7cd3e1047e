using System.Text.Json;
using System.Text.Json.Serialization;
using Capillary.Core.Identity;
using Capillary.Core.Protocol;
using Capillary.Core.Trust;
using Capillary.Node.Journal;
using Microsoft.Extensions.Logging;

namespace Capillary.RegionNode;

/// <summary>One line as it came: the checkpoint that proves it, and the proof.</summary>
public sealed record MirroredLine(Envelope Checkpoint, ProvenLine Line);

/// <summary>What a region has received, on its disk: a file per line and per record, so that the cost follows the change.</summary>
internal sealed partial class MirrorStore
{
    private readonly ILogger log;
    private readonly string lines;
    private readonly string records;
    private readonly string checkpoint;

    public MirrorStore(string folder, ILogger log)
    {
        this.log = log;
        lines = Directory.CreateDirectory(Path.Combine(folder, "lines")).FullName;
        records = Directory.CreateDirectory(Path.Combine(folder, "records")).FullName;
        checkpoint = Path.Combine(folder, "checkpoint.json");
    }

    /// <summary>The newest checkpoint whose lines were received to their end; null at first.</summary>
    public VerifiedCheckpoint? LoadNewest(IReadOnlyList<Envelope> roots)
    {
        try
        {
            return File.Exists(checkpoint) ? Verified(Envelope.Parse(File.ReadAllBytes(checkpoint)), roots) : null;
        }
        catch (TrustFormatException e)
        {
            PutAside(checkpoint, e.Message);
            return null;
        }
    }

    public void KeepNewest(VerifiedCheckpoint newest) => AtomicFile.Write(checkpoint, newest.Envelope.ToBytes());

    private static VerifiedCheckpoint Verified(Envelope envelope, IReadOnlyList<Envelope> roots) =>
        TrustChain.UnderAny(roots, root => VerifiedCheckpoint.Verify(envelope, root));

    public void Keep(SiteId site, MirroredLine line) =>
        AtomicFile.Write(Path.Combine(lines, $"{site}.json"), JsonSerializer.SerializeToUtf8Bytes(line, MirrorJson.Default.MirroredLine));

    public void Keep(SignedRecord record) =>
        AtomicFile.Write(Path.Combine(records, $"{record.Record.Node}.json"), record.Envelope.ToBytes());

    /// <summary>The node is no longer of this region.</summary>
    public void Forget(NodeName node)
    {
        File.Delete(Path.Combine(records, $"{node}.json"));
        ForgetLine(new SiteId(node.Value));
    }

    /// <summary>The site is served elsewhere.</summary>
    public void ForgetLine(SiteId site) => File.Delete(Path.Combine(lines, $"{site}.json"));

    /// <summary>Lines whose checkpoint still verifies; a damaged file is put aside, so that the line is asked for again.</summary>
    public IEnumerable<(string File, VerifiedCheckpoint Checkpoint, ProvenLine Line)> LoadLines(IReadOnlyList<Envelope> roots)
    {
        foreach (var file in Directory.EnumerateFiles(lines, "*.json").ToList())
        {
            var read = Read(file, bytes =>
            {
                if (JsonSerializer.Deserialize(bytes, MirrorJson.Default.MirroredLine) is not { Checkpoint: not null, Line: not null } held)
                    throw new TrustFormatException("it lacks a member");
                return new LoadedLine(Verified(held.Checkpoint, roots), held.Line);
            });
            if (read is { } line) yield return (file, line.Checkpoint, line.Line);
        }
    }

    /// <summary>Records that still verify; a damaged file is put aside, so that the record is asked for again.</summary>
    public IEnumerable<SignedRecord> LoadRecords(IReadOnlyList<Envelope> roots)
    {
        foreach (var file in Directory.EnumerateFiles(records, "*.json").ToList())
        {
            var read = Read(file, bytes =>
            {
                var envelope = Envelope.Parse(bytes);
                return new SignedRecord(TrustChain.UnderAny(roots, root => NodeRecord.Verify(envelope, root)), envelope);
            });
            if (read is not null) yield return read;
        }
    }

    /// <summary>Keeps a damaged file as evidence, and forgets what was received, so that the parent sends it all again.</summary>
    public void PutAside(string file, string reason)
    {
        var aside = file + ".damaged";
        File.Move(file, aside, overwrite: true);
        File.Delete(checkpoint);
        Damaged(log, file, aside, reason);
    }

    private T? Read<T>(string file, Func<byte[], T> read)
        where T : class
    {
        try
        {
            return read(File.ReadAllBytes(file));
        }
        catch (Exception e) when (e is JsonException or TrustFormatException or FormatException)
        {
            PutAside(file, e.Message);
            return null;
        }
    }

    private sealed record LoadedLine(VerifiedCheckpoint Checkpoint, ProvenLine Line);

    [LoggerMessage(3003, LogLevel.Error, "{File} is damaged, kept at {Aside} and asked for again: {Reason}")]
    private static partial void Damaged(ILogger log, string file, string aside, string reason);
}

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase,
    DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull)]
[JsonSerializable(typeof(MirroredLine))]
internal sealed partial class MirrorJson : JsonSerializerContext;
