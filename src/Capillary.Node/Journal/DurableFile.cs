using System.Text.Json;
using System.Text.Json.Serialization.Metadata;

namespace Capillary.Node.Journal;

/// <summary>
/// One JSON document that survives power cuts: written beside, flushed, renamed over, and the folder flushed, so that a reader finds the
/// old or the new document and never a part. Readable by its owner only. One writer at a time.
/// </summary>
/// <param name="path">Its folder exists.</param>
/// <param name="type">How it is written.</param>
public sealed class DurableFile<T>(string path, JsonTypeInfo<T> type)
    where T : class
{
    /// <summary>The document. One that cannot be read is put aside as <c>name.corrupt</c>, as evidence.</summary>
    /// <exception cref="IOException">The disk failed.</exception>
    public DurableRead<T> Read()
    {
        byte[] bytes;
        try
        {
            bytes = File.ReadAllBytes(path);
        }
        catch (Exception e) when (e is FileNotFoundException or DirectoryNotFoundException)
        {
            return new DurableRead<T>.Absent();
        }
        try
        {
            if (JsonSerializer.Deserialize(bytes, type) is { } value) return new DurableRead<T>.Found(value);
            return PutAside("it holds null");
        }
        catch (Exception e) when (e is JsonException or NotSupportedException or ArgumentException or FormatException)
        {
            return PutAside(e.Message);
        }
    }

    /// <summary>Returns when the value is on disk. After an exception the old document is still there.</summary>
    /// <exception cref="IOException">Not written; <see cref="Exception.HResult"/> is the errno.</exception>
    public void Write(T value) => AtomicFile.Write(path, JsonSerializer.SerializeToUtf8Bytes(value, type));

    /// <summary>Gone when this returns, also after a power cut.</summary>
    public void Delete()
    {
        File.Delete(path);
        DurableFolder.Flush(Path.GetDirectoryName(path)!);
    }

    private DurableRead<T>.Corrupt PutAside(string reason)
    {
        var aside = path + ".corrupt";
        File.Move(path, aside, overwrite: true);
        return new DurableRead<T>.Corrupt(reason, aside);
    }
}

/// <summary>What a <see cref="DurableFile{T}"/> held.</summary>
public abstract record DurableRead<T>
{
    private DurableRead() { }

    public sealed record Found(T Value) : DurableRead<T>;

    /// <summary>Never written.</summary>
    public sealed record Absent : DurableRead<T>;

    /// <summary>Unreadable, and now kept at <paramref name="Aside"/>.</summary>
    public sealed record Corrupt(string Reason, string Aside) : DurableRead<T>;
}
