using System.Buffers.Binary;
using System.Text;
using System.Text.Json;
using Capillary.Core.Identity;

namespace Capillary.Node.Carry;

/// <summary>What a hub is about to send, before it sends it.</summary>
/// <param name="V">Format version, 1.</param>
/// <param name="Fleet">The fleet.</param>
/// <param name="Site">The site.</param>
/// <param name="Generation">Generation of the line's checkpoint.</param>
/// <param name="Bytes">What the files take together, without the manifest.</param>
/// <param name="Blobs">How many blobs come.</param>
/// <param name="SkippedBlobs">How many do not, because the site said that it has them.</param>
public sealed record CarryPlan(int V, FleetName Fleet, SiteId Site, long Generation, long Bytes, int Blobs, int SkippedBlobs)
{
    public byte[] ToBytes() => JsonSerializer.SerializeToUtf8Bytes(this, CarryJson.Default.CarryPlan);

    /// <exception cref="InvalidDataException">The bytes are no such plan.</exception>
    public static CarryPlan Parse(ReadOnlySpan<byte> bytes)
    {
        var plan = CarryJson.Parse(bytes, "export", CarryJson.Default.CarryPlan);
        return plan is { V: 1, Site.Value: not null, Fleet.Value: not null, Generation: > 0, Bytes: >= 0 }
            ? plan
            : throw new InvalidDataException("the hub's answer is of another version; upgrade this program");
    }
}

/// <summary>
/// A carry on its way from the hub: files one after another, each as a length byte and a name, eight bytes of length (big-endian) and its
/// bytes. First <c>plan</c>, last the manifest; without a manifest the stream was cut.
/// </summary>
public static class CarryStream
{
    /// <summary>Media type of the stream.</summary>
    public const string MediaType = "application/vnd.capillary.carry.v1";

    /// <summary>Name of the first file, which goes on no stick.</summary>
    public const string PlanName = "plan";

    /// <summary>Announces a file; its bytes follow.</summary>
    public static ValueTask WriteHeadAsync(Stream into, string name, long length, CancellationToken stop)
    {
        var head = new byte[1 + name.Length + sizeof(long)];
        head[0] = checked((byte)Encoding.ASCII.GetBytes(name, head.AsSpan(1)));
        BinaryPrimitives.WriteInt64BigEndian(head.AsSpan(1 + name.Length), length);
        return into.WriteAsync(head, stop);
    }

    /// <summary>The next file's name and length; null at the end.</summary>
    /// <exception cref="EndOfStreamException">The stream was cut.</exception>
    public static async Task<(string Name, long Length)?> ReadHeadAsync(Stream from, CancellationToken stop)
    {
        var head = new byte[byte.MaxValue + sizeof(long)];
        if (await from.ReadAsync(head.AsMemory(0, 1), stop) == 0) return null;
        var length = head[0];
        await from.ReadExactlyAsync(head.AsMemory(0, length + sizeof(long)), stop);
        return (Encoding.ASCII.GetString(head, 0, length), BinaryPrimitives.ReadInt64BigEndian(head.AsSpan(length)));
    }
}
