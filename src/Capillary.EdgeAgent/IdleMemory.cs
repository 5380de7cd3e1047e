using System.Runtime.InteropServices;

namespace Capillary.EdgeAgent;

/// <summary>Applying needs memory that waiting does not, and a site's machine is small (bench/, "edge agent, idle memory").</summary>
internal static partial class IdleMemory
{
    /// <summary>Returns what is free now, of the managed heap and of the C library's, to the system. Takes some milliseconds.</summary>
    public static void GiveBack()
    {
        GC.Collect(GC.MaxGeneration, GCCollectionMode.Aggressive, blocking: true, compacting: true);
        try
        {
            _ = MallocTrim(0);
        }
        catch (EntryPointNotFoundException)
        {
            // A C library without it (musl) keeps less back.
        }
    }

    [LibraryImport("libc", EntryPoint = "malloc_trim")]
    private static partial int MallocTrim(nint pad);
}
