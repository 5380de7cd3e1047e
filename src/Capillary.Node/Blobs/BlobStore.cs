using System.Buffers.Binary;
using System.Collections.Concurrent;
using System.Security.Cryptography;
using Capillary.Core.Bundles;
using Capillary.Node.Journal;
using Microsoft.Win32.SafeHandles;

namespace Capillary.Node.Blobs;

/// <summary>
/// Content-addressed bytes on this node's disk. A blob is either a file of its own (what a child fetched, possibly in several tries) or
/// part of a pack (what the hub compiled: many small blobs, one fsync). A blob is seen only when it is whole and durable.
/// </summary>
public sealed class BlobStore : IDisposable
{
    private readonly string loose;
    private readonly string partial;
    private readonly string packs;
    private readonly ConcurrentDictionary<Digest, PackedBlob> packed = new();
    private readonly List<SafeFileHandle> open = [];
    private readonly Lock packing = new();

    /// <summary>Opens the store, makes its folders, and reads the packs' indexes. A pack without a whole index is not there.</summary>
    public BlobStore(string folder)
    {
        loose = Path.Combine(folder, "sha256");
        partial = Path.Combine(folder, "partial");
        packs = Path.Combine(folder, "packs");
        foreach (var part in (string[])[loose, partial, packs]) Directory.CreateDirectory(part);
        foreach (var index in Directory.EnumerateFiles(packs, "*.index").Order(StringComparer.Ordinal)) LoadPack(index);
    }

    /// <summary>Raised after a damaged blob was removed; whoever needs it fetches it again.</summary>
    public event Action<Digest>? Discarded;

    public bool Has(Digest digest) => packed.ContainsKey(digest) || File.Exists(LoosePath(digest));

    /// <summary>The file of a blob that stands alone; null when it is not here, or in a pack.</summary>
    public string? PathOf(Digest digest) => LoosePath(digest) is var path && File.Exists(path) ? path : null;

    /// <summary>The blob's bytes from its start; null when it is not here.</summary>
    public Stream? Open(Digest digest)
    {
        if (packed.TryGetValue(digest, out var place)) return new PackSlice(place);
        try
        {
            return new FileStream(LoosePath(digest), FileMode.Open, FileAccess.Read, FileShare.Read | FileShare.Delete, 1);
        }
        catch (Exception e) when (e is FileNotFoundException or DirectoryNotFoundException)
        {
            return null;
        }
    }

    /// <summary>A small blob whole; null when it is not here.</summary>
    public byte[]? ReadAll(Digest digest)
    {
        using var stream = Open(digest);
        if (stream is null) return null;
        var bytes = new byte[stream.Length];
        stream.ReadExactly(bytes);
        return bytes;
    }

    /// <summary>Keeps one small blob.</summary>
    public void Put(Blob blob)
    {
        if (Has(blob.Digest)) return;
        var path = LoosePath(blob.Digest);
        Directory.CreateDirectory(Path.GetDirectoryName(path)!);
        AtomicFile.Write(path, blob.Content.Span);
    }

    /// <summary>Keeps many blobs with one fsync for their bytes and one for their index; those already here are left out.</summary>
    public void PutPack(IEnumerable<Blob> blobs)
    {
        lock (packing)
        {
            var fresh = blobs.Where(blob => !Has(blob.Digest)).DistinctBy(blob => blob.Digest).ToList();
            if (fresh.Count == 0) return;
            var stem = Path.Combine(packs, $"{Directory.EnumerateFiles(packs, "*.index").Count() + 1:d8}");
            WritePack(stem, fresh);
            LoadPack($"{stem}.index");
        }
    }

    /// <summary>How many bytes of a blob are here from an earlier, cut transfer.</summary>
    public long PartialLength(Digest digest) => new FileInfo(PartialPath(digest)) is { Exists: true } file ? file.Length : 0;

    /// <summary>Opens a blob's partial file to append at <paramref name="offset"/>; what stands after it is cut off.</summary>
    public FileStream OpenPartial(Digest digest, long offset)
    {
        var file = new FileStream(PartialPath(digest), new FileStreamOptions
        {
            Mode = FileMode.OpenOrCreate, Access = FileAccess.ReadWrite, Share = FileShare.None,
            UnixCreateMode = UnixFileMode.UserRead | UnixFileMode.UserWrite,
        });
        file.SetLength(offset);
        file.Position = offset;
        return file;
    }

    /// <summary>Gives the space of a cut transfer back.</summary>
    public void DropPartial(Digest digest) => File.Delete(PartialPath(digest));

    /// <summary>How many bytes this store's disk has free; <see cref="long.MaxValue"/> where that cannot be known.</summary>
    public long FreeBytes()
    {
        try
        {
            return new DriveInfo(partial).AvailableFreeSpace;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return long.MaxValue;
        }
    }

    /// <summary>Takes a complete partial file in. False, and the file is gone, when its bytes are not the digest's.</summary>
    public bool Commit(Digest digest) => Adopt(PartialPath(digest), digest);

    /// <summary>Moves a file of this disk in. False, and the file is gone, when its bytes are not the digest's.</summary>
    public bool Adopt(string from, Digest digest)
    {
        using (var file = new FileStream(from, FileMode.Open, FileAccess.ReadWrite))
        {
            if (Digest.FromHash(SHA256.HashData(file)) != digest)
            {
                File.Delete(from);
                return false;
            }
            file.Flush(flushToDisk: true);
        }
        var to = LoosePath(digest);
        Directory.CreateDirectory(Path.GetDirectoryName(to)!);
        File.Move(from, to, overwrite: true);
        DurableFolder.Flush(Path.GetDirectoryName(to)!);
        return true;
    }

    /// <summary>Whether a blob's bytes are still those of its name; reads it all.</summary>
    public bool IsWhole(Digest digest)
    {
        using var stream = Open(digest);
        return stream is not null && Digest.FromHash(SHA256.HashData(stream)) == digest;
    }

    /// <summary>Removes a blob whose bytes were found to be others. One that stands in a pack stays: it cannot be fetched anew.</summary>
    public void Discard(Digest digest)
    {
        if (packed.ContainsKey(digest)) return;
        File.Delete(LoosePath(digest));
        Discarded?.Invoke(digest);
    }

    /// <summary>
    /// Removes every blob that stands alone and that none of these bundles needs. Call it when none is being fetched but these. A bundle
    /// whose manifest is not here keeps nothing but its own name.
    /// </summary>
    /// <returns>How many were removed.</returns>
    public int Collect(IEnumerable<Digest> bundles)
    {
        var keep = new HashSet<Digest>();
        foreach (var bundle in bundles.Distinct())
        {
            keep.Add(bundle);
            if (ReadAll(bundle) is { } manifest) keep.UnionWith(BundleManifest.Parse(manifest).Blobs.Select(blob => blob.Digest));
        }
        var removed = 0;
        foreach (var file in Directory.EnumerateFiles(loose, "*", SearchOption.AllDirectories).Concat(Directory.EnumerateFiles(partial)))
        {
            if (Digest.TryParse("sha256:" + Path.GetFileName(file), out var digest) && keep.Contains(digest)) continue;
            File.Delete(file);
            removed++;
        }
        return removed;
    }

    public void Dispose()
    {
        foreach (var handle in open) handle.Dispose();
    }

    private string LoosePath(Digest digest) => Path.Combine(loose, digest.Hex[..2], digest.Hex);

    private string PartialPath(Digest digest) => Path.Combine(partial, digest.Hex);

    // An index is lines of 32 hash bytes and 8 length bytes, then the SHA-256 of them all; it is written after its pack is durable.
    private static void WritePack(string stem, List<Blob> blobs)
    {
        var index = new byte[blobs.Count * 40 + 32];
        using (var pack = new FileStream($"{stem}.pack", FileMode.Create, FileAccess.Write, FileShare.None, 1 << 20))
        {
            for (var i = 0; i < blobs.Count; i++)
            {
                pack.Write(blobs[i].Content.Span);
                blobs[i].Digest.ToHash().CopyTo(index, i * 40);
                BinaryPrimitives.WriteInt64BigEndian(index.AsSpan(i * 40 + 32), blobs[i].Content.Length);
            }
            pack.Flush(flushToDisk: true);
        }
        SHA256.HashData(index.AsSpan(0, blobs.Count * 40), index.AsSpan(blobs.Count * 40));
        AtomicFile.Write($"{stem}.index", index);
    }

    private void LoadPack(string indexPath)
    {
        var index = File.ReadAllBytes(indexPath);
        var body = index.Length - 32;
        if (body < 0 || body % 40 != 0 || !SHA256.HashData(index.AsSpan(0, body)).AsSpan().SequenceEqual(index.AsSpan(body)))
            throw new InvalidDataException($"{indexPath}: the index is damaged; restore it from a backup or remove it with its pack");
        var handle = File.OpenHandle(Path.ChangeExtension(indexPath, ".pack"));
        open.Add(handle);
        long offset = 0;
        for (var i = 0; i < body; i += 40)
        {
            var length = BinaryPrimitives.ReadInt64BigEndian(index.AsSpan(i + 32));
            packed[Digest.FromHash(index.AsSpan(i, 32))] = new PackedBlob(handle, offset, length);
            offset += length;
        }
    }
}

/// <summary>Where a blob stands in a pack.</summary>
internal sealed record PackedBlob(SafeFileHandle Pack, long Offset, long Length);

/// <summary>Reads one blob of a pack; many may read at once.</summary>
internal sealed class PackSlice(PackedBlob place) : Stream
{
    public override bool CanRead => true;
    public override bool CanSeek => true;
    public override bool CanWrite => false;
    public override long Length => place.Length;
    public override long Position { get; set; }

    public override int Read(Span<byte> buffer)
    {
        var wanted = (int)Math.Min(buffer.Length, place.Length - Position);
        if (wanted <= 0) return 0;
        var read = RandomAccess.Read(place.Pack, buffer[..wanted], place.Offset + Position);
        Position += read;
        return read;
    }

    public override int Read(byte[] buffer, int offset, int count) => Read(buffer.AsSpan(offset, count));

    public override long Seek(long offset, SeekOrigin origin) => Position = origin switch
    {
        SeekOrigin.Begin => offset,
        SeekOrigin.Current => Position + offset,
        _ => Length + offset,
    };

    public override void Flush() { }
    public override void SetLength(long value) => throw new NotSupportedException();
    public override void Write(byte[] buffer, int offset, int count) => throw new NotSupportedException();
}
