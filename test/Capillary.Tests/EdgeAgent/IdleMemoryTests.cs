using System.Globalization;
using Capillary.EdgeAgent;
using Xunit;

namespace Capillary.Tests.EdgeAgent;

public sealed class IdleMemoryTests
{
    private const string Code = "7f0000001000-7f0000003000 r-xp 00001000 fe:00 42                         /usr/bin/capillary-edge";

    [Fact]
    public void Code_as_it_is_in_its_file_is_given_back() =>
        Assert.Equal([(0x7f0000001000, 0x2000)], Of(Code, "Rss: 8 kB", "Anonymous:             0 kB"));

    [Theory]
    [InlineData(Code, "Anonymous:             4 kB")] // a debugger's breakpoint
    [InlineData("7f0000001000-7f0000003000 r-xs 00001000 00:01 9    /memfd:doublemapper (deleted)", "Anonymous:             0 kB")]
    [InlineData("7f0000001000-7f0000003000 r--p 00001000 fe:00 42    /usr/lib/libcrypto.so.3", "Anonymous:             0 kB")]
    [InlineData("7f0000001000-7f0000003000 rw-p 00001000 fe:00 42    /usr/bin/capillary-edge", "Anonymous:             0 kB")]
    [InlineData("7ffc00001000-7ffc00003000 r-xp 00000000 00:00 0     [vdso]", "Anonymous:             0 kB")]
    [InlineData("7f0000001000-7f0000003000 r-xp 00000000 00:00 0 ", "Anonymous:             0 kB")]
    public void What_is_only_in_memory_is_not(string mapping, string anonymous) => Assert.Empty(Of(mapping, "Rss: 8 kB", anonymous));

    [Fact]
    public void A_mapping_s_lines_are_its_own() =>
        Assert.Empty(Of(Code, "Rss: 8 kB", "7f0000003000-7f0000004000 rw-p 00003000 fe:00 42    /usr/bin/capillary-edge",
            "Anonymous:             0 kB"));

    [Fact]
    public void A_process_runs_on_with_less()
    {
        var before = CodeInMemory();
        Assert.True(before > 2 << 20, $"{before} bytes of code: nothing to see here");
        IdleMemory.GiveBack();
        var after = CodeInMemory();
        Assert.True(after < before * 3 / 4, $"{before} bytes of code were in memory, and {after} are");
    }

    private static long CodeInMemory()
    {
        var (lines, sum) = (File.ReadAllLines("/proc/self/smaps"), 0L);
        var isCode = false;
        foreach (var line in lines)
        {
            if (line.Contains('-') && !line.Contains("kB")) isCode = line.Contains(" r-xp ") && line.Contains(" /");
            else if (isCode && line.StartsWith("Rss:", StringComparison.Ordinal))
                sum += 1024 * long.Parse(line.AsSpan(4, line.Length - 7), NumberStyles.AllowLeadingWhite, CultureInfo.InvariantCulture);
        }
        return sum;
    }

    private static List<(long Start, long Length)> Of(params string[] smaps) =>
        [.. IdleMemory.CodeOf(smaps).Select(code => ((long)code.Start, (long)code.Length))];
}
