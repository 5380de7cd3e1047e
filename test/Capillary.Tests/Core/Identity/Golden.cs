using System.Runtime.CompilerServices;
using System.Text;
using Xunit;

namespace Capillary.Tests.Core.Identity;

/// <summary>
/// Bytes that must never change by accident, in a <c>golden</c> folder beside the test. <c>CAPILLARY_GOLDEN=update</c> writes them anew;
/// read the diff as a change of format.
/// </summary>
internal static class Golden
{
    private static readonly Lock Gate = new();

    public static bool Updating { get; } = Environment.GetEnvironmentVariable("CAPILLARY_GOLDEN") == "update";

    public static string PathOf(string name, [CallerFilePath] string test = "") =>
        Path.Combine(Path.GetDirectoryName(test)!, "golden", name + ".golden");

    public static byte[] Read(string name, [CallerFilePath] string test = "") => File.ReadAllBytes(PathOf(name, test));

    public static void Check(string name, ReadOnlySpan<byte> actual, [CallerFilePath] string test = "")
    {
        var path = PathOf(name, test);
        if (Updating) Write(path, actual);
        Assert.True(File.Exists(path), $"{path} is missing; CAPILLARY_GOLDEN=update writes it");
        var expected = File.ReadAllBytes(path);
        if (!actual.SequenceEqual(expected))
            Assert.Fail($"{path} differs; CAPILLARY_GOLDEN=update writes it anew.\nexpected: {Show(expected)}\nactual:   {Show(actual)}");
    }

    public static void Check(string name, string actual, [CallerFilePath] string test = "") =>
        Check(name, Encoding.UTF8.GetBytes(actual), test);

    /// <summary>The file as it stands, unless it is missing or <paramref name="holds"/> says no: then, only when updating, a new one.</summary>
    public static byte[] Keep(string name, Func<byte[], bool> holds, Func<byte[]> make, [CallerFilePath] string test = "")
    {
        var path = PathOf(name, test);
        lock (Gate)
        {
            if (File.Exists(path) && File.ReadAllBytes(path) is var stored && holds(stored)) return stored;
            Assert.True(Updating, $"{path} is missing or does not hold; CAPILLARY_GOLDEN=update writes it");
            var made = make();
            Write(path, made);
            return made;
        }
    }

    private static void Write(string path, ReadOnlySpan<byte> bytes)
    {
        Directory.CreateDirectory(Path.GetDirectoryName(path)!);
        File.WriteAllBytes(path, bytes);
    }

    private static string Show(ReadOnlySpan<byte> bytes) => Encoding.UTF8.GetString(bytes[..Math.Min(bytes.Length, 4000)]);
}
