using System.Runtime.InteropServices;

namespace Capillary.Node.Parent;

/// <summary>
/// Gives memory that handshakes left behind back to the system. A handshake takes some 70 KB from the C library, most of which is free
/// again after it, but thousands at once leave it in pieces between what lives, and the C library keeps it.
/// </summary>
internal sealed partial class FreedMemory(TimeProvider time)
{
    private const int Many = 50;
    private static readonly TimeSpan Settled = TimeSpan.FromSeconds(15);
    private long given;
    private long seen;
    private long seenAt;

    /// <summary>Call about once a second with how many connections were made so far.</summary>
    public void Look(long connections)
    {
        if (connections != seen) (seen, seenAt) = (connections, time.GetTimestamp());
        if (seen - given < Many || time.GetElapsedTime(seenAt) < Settled) return;
        given = seen;
        try
        {
            _ = TrimHeap(0);
        }
        catch (EntryPointNotFoundException)
        {
            // A C library without it (musl) gives memory back by itself.
        }
    }

    [LibraryImport("libc", EntryPoint = "malloc_trim")]
    private static partial int TrimHeap(nint keep);
}
