using System.Globalization;
using System.Runtime.InteropServices;

namespace Capillary.EdgeAgent;

/// <summary>
/// Applying needs memory that waiting does not, and a site's machine is small (bench/, "edge agent, idle memory"): free pieces of the
/// managed heap and of the C library's, and code that runs once, as that of the start. All of it takes some milliseconds.
/// </summary>
internal static partial class IdleMemory
{
    private const int Forget = 4;

    /// <summary>Returns what is not in use now to the system.</summary>
    public static void GiveBack()
    {
        // Before the collection: the lines are garbage after it.
        var code = ReadCode();
        GC.Collect(GC.MaxGeneration, GCCollectionMode.Aggressive, blocking: true, compacting: true);
        try
        {
            _ = MallocTrim(0);
        }
        catch (EntryPointNotFoundException)
        {
            // A C library without it (musl) keeps less back.
        }
        // What is still needed is mapped again when it is touched, as a rule from the system's cache, without a read of the disk.
        foreach (var (start, length) in code) _ = Advise(start, length, Forget);
    }

    private static List<(nint Start, nint Length)> ReadCode()
    {
        try
        {
            return [.. CodeOf(File.ReadLines("/proc/self/smaps"))];
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            // A kernel without it, or a process that may not look at itself, keeps its code.
            return [];
        }
    }

    /// <summary>
    /// Where code lies that is the same in memory as in its file. Code only: it is never unmapped, so that nothing else can have come to
    /// lie there since; and none that was written to, which would be lost.
    /// </summary>
    /// <param name="smaps">Lines as proc(5) tells of /proc/PID/smaps.</param>
    internal static IEnumerable<(nint Start, nint Length)> CodeOf(IEnumerable<string> smaps)
    {
        (nint Start, nint Length)? code = null;
        foreach (var line in smaps)
        {
            if (char.IsAsciiHexDigitLower(line[0]))
                code = line.Contains(" r-xp ", StringComparison.Ordinal) && line.Contains(" /", StringComparison.Ordinal)
                    ? RangeOf(line) : null;
            else if (code is { } unwritten && line.StartsWith("Anonymous:", StringComparison.Ordinal)
                && line.EndsWith(" 0 kB", StringComparison.Ordinal))
                yield return unwritten;
        }
    }

    private static (nint Start, nint Length) RangeOf(string line)
    {
        var (dash, end) = (line.IndexOf('-'), line.IndexOf(' '));
        var start = nint.Parse(line.AsSpan(0, dash), NumberStyles.HexNumber, CultureInfo.InvariantCulture);
        return (start, nint.Parse(line.AsSpan(dash + 1, end - dash - 1), NumberStyles.HexNumber, CultureInfo.InvariantCulture) - start);
    }

    [LibraryImport("libc", EntryPoint = "malloc_trim")]
    private static partial int MallocTrim(nint pad);

    [LibraryImport("libc", EntryPoint = "madvise")]
    private static partial int Advise(nint start, nint length, int advice);
}
