using System.Security.Cryptography;
using Capillary.Core.Bundles;
using Capillary.Node.Journal;

namespace Capillary.Node.Carry;

/// <summary>What <see cref="CarryWriter"/> wrote.</summary>
/// <param name="Path">The carry's folder.</param>
/// <param name="Plan">What the hub announced.</param>
public sealed record WrittenCarry(string Path, CarryPlan Plan);

/// <summary>
/// Writes a carry that a hub streams into a folder: beside, flushed, then renamed, so that a folder of the right name is whole even when
/// the stick is pulled.
/// </summary>
/// <param name="to">Where the carry's folder is to stand, such as a stick.</param>
public sealed class CarryWriter(string to)
{
    /// <summary>How the name of an unfinished carry ends; it begins with a dot.</summary>
    public const string PartSuffix = ".part";

    // What a file system needs beside the bytes: folders, and the rest of each last cluster.
    private const long SpaceMargin = 1 << 20;
    private const long ClusterBytes = 64 << 10;

    /// <summary>Takes the stream to its end.</summary>
    /// <param name="from">What <see cref="CarryStream"/> describes.</param>
    /// <param name="planned">Told once, before anything is written.</param>
    /// <param name="written">Told how many bytes were written so far.</param>
    /// <param name="stop">Ends it.</param>
    /// <exception cref="InvalidDataException">The stream was cut, or is none; or there is no room. Nothing is left behind.</exception>
    /// <exception cref="IOException">The disk failed.</exception>
    public async Task<WrittenCarry> WriteAsync(Stream from, Action<CarryPlan> planned, Action<long> written, CancellationToken stop)
    {
        var plan = await ReadPlanAsync(from, stop);
        planned(plan);
        RequireRoom(plan);
        var name = CarryManifest.FolderOf(plan.Site, plan.Generation);
        var part = Path.Combine(to, $".{name}{PartSuffix}");
        if (Directory.Exists(part)) Directory.Delete(part, recursive: true);
        Directory.CreateDirectory(part);
        try
        {
            await WriteFilesAsync(from, part, written, stop);
            return new(Publish(part, Path.Combine(to, name)), plan);
        }
        catch (EndOfStreamException e)
        {
            throw new InvalidDataException("the hub's answer was cut; try again", e);
        }
        finally
        {
            if (Directory.Exists(part)) Directory.Delete(part, recursive: true);
        }
    }

    private static async Task<CarryPlan> ReadPlanAsync(Stream from, CancellationToken stop)
    {
        try
        {
            if (await CarryStream.ReadHeadAsync(from, stop) is not (CarryStream.PlanName, > 0 and <= 4096 and var length))
                throw new InvalidDataException("the answer is no export of a hub");
            var bytes = new byte[length];
            await from.ReadExactlyAsync(bytes, stop);
            return CarryPlan.Parse(bytes);
        }
        catch (EndOfStreamException e)
        {
            throw new InvalidDataException("the hub's answer was cut; try again", e);
        }
    }

    private void RequireRoom(CarryPlan plan)
    {
        var needed = plan.Bytes + SpaceMargin + plan.Blobs * ClusterBytes;
        var free = new DriveInfo(to).AvailableFreeSpace;
        if (free < needed)
            throw new InvalidDataException($"{to}: needs {needed >> 20} MiB, and {free >> 20} MiB are free; make room or take another "
                + "stick");
    }

    private static async Task WriteFilesAsync(Stream from, string part, Action<long> written, CancellationToken stop)
    {
        var files = new Dictionary<string, CarryFile>();
        var total = 0L;
        while (await CarryStream.ReadHeadAsync(from, stop) is var (name, length))
        {
            if (length < 0 || (name == CarryManifest.FileName ? length > CarryManifest.MaxBytes : !CarryManifest.IsName(name)))
                throw new InvalidDataException("the answer is no export of a hub");
            var path = Path.Combine(part, name);
            var digest = await CopyAsync(from, path, length, count => written(total += count), stop);
            if (name != CarryManifest.FileName)
            {
                files[name] = new(name, length, digest);
                continue;
            }
            // The hub's own digests: what arrived is what it sent.
            if (CarryManifest.Read(path).Files.Any(file => files.GetValueOrDefault(file.Name) != file))
                throw new InvalidDataException("a file arrived with other bytes than the hub sent; try again");
            DurableFolder.Flush(part);
            return;
        }
        throw new EndOfStreamException();
    }

    private static async Task<Digest> CopyAsync(Stream from, string path, long length, Action<long> written, CancellationToken stop)
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        await using var file = new FileStream(path, FileMode.CreateNew, FileAccess.Write, FileShare.None, 0);
        var buffer = new byte[256 << 10];
        for (var left = length; left > 0;)
        {
            var read = await from.ReadAsync(buffer.AsMemory(0, (int)Math.Min(left, buffer.Length)), stop);
            if (read == 0) throw new EndOfStreamException();
            hash.AppendData(buffer, 0, read);
            await file.WriteAsync(buffer.AsMemory(0, read), stop);
            written(read);
            left -= read;
        }
        file.Flush(flushToDisk: true);
        return Digest.FromHash(hash.GetHashAndReset());
    }

    /// <summary>The unfinished folder becomes the carry; receipts in one of the same name stay.</summary>
    private string Publish(string part, string path)
    {
        var old = part + ".old";
        if (Directory.Exists(old)) Directory.Delete(old, recursive: true);
        if (Directory.Exists(path))
        {
            var receipts = Path.Combine(path, Receipt.FolderName);
            if (Directory.Exists(receipts)) Directory.Move(receipts, Path.Combine(part, Receipt.FolderName));
            Directory.Move(path, old);
        }
        Directory.Move(part, path);
        DurableFolder.Flush(Path.GetFullPath(to));
        if (Directory.Exists(old)) Directory.Delete(old, recursive: true);
        return path;
    }
}
