using System.Globalization;
using System.Text;

namespace Capillary.EdgeAgent.Apply.Host;

/// <summary>A process by more than its number: numbers are used again.</summary>
/// <param name="Pid">The process, leader of its own session and group.</param>
/// <param name="Started">Clock ticks from boot to its start (field 22 of <c>/proc/PID/stat</c>).</param>
internal readonly record struct ProcessMark(int Pid, long Started);

/// <summary>Reads <c>/proc</c>.</summary>
internal static class ProcTable
{
    /// <summary>The variable that every service carries: <c>site/app/name/attempt</c>.</summary>
    public const string MarkVariable = "CAPILLARY_SERVICE";

    private const int MaxEnvironment = 64 << 10;

    /// <summary>Changes with each boot; start times count from there.</summary>
    public static string BootId() => File.ReadAllText("/proc/sys/kernel/random/boot_id").Trim();

    /// <summary>The process as it is now, or null when it is gone or a zombie.</summary>
    public static ProcessMark? Find(int pid)
    {
        Span<byte> buffer = stackalloc byte[1024];
        var count = Read($"/proc/{pid}/stat", buffer);
        if (count <= 0) return null;
        var text = buffer[..count];
        // The second field is the program's name in brackets and may hold anything; the last bracket ends it.
        text = text[(text.LastIndexOf((byte)')') + 2)..];
        if (text.IsEmpty || text[0] is (byte)'Z' or (byte)'X') return null;
        for (var field = 3; field < 22; field++) text = text[(text.IndexOf((byte)' ') + 1)..];
        var end = text.IndexOf((byte)' ');
        return long.TryParse(text[..end], CultureInfo.InvariantCulture, out var started) ? new ProcessMark(pid, started) : null;
    }

    public static bool IsAlive(ProcessMark mark) => mark.Pid > 0 && Find(mark.Pid) == mark;

    /// <summary>The first process that carries this mark; its children, which inherit it, began later.</summary>
    public static ProcessMark? FindMarked(string mark)
    {
        var wanted = Encoding.UTF8.GetBytes($"{MarkVariable}={mark}\0");
        var buffer = new byte[MaxEnvironment];
        ProcessMark? first = null;
        foreach (var folder in Directory.EnumerateDirectories("/proc"))
        {
            if (!int.TryParse(Path.GetFileName(folder.AsSpan()), out var pid)) continue;
            var count = Read($"{folder}/environ", buffer);
            if (count <= 0 || buffer.AsSpan(0, count).IndexOf(wanted) < 0 || Find(pid) is not { } found) continue;
            if (first is not { } best || (found.Started, found.Pid).CompareTo((best.Started, best.Pid)) < 0) first = found;
        }
        return first;
    }

    private static unsafe int Read(string path, Span<byte> buffer)
    {
        var file = Libc.Open(path, Libc.ReadOnly | Libc.CloseOnExec);
        if (file < 0) return -1;
        var total = 0;
        fixed (byte* start = buffer)
        {
            while (total < buffer.Length && (int)Libc.Read(file, start + total, buffer.Length - total) is > 0 and var count) total += count;
        }
        _ = Libc.Close(file);
        return total;
    }
}
