using Xunit;

namespace Capillary.EndToEnd;

/// <summary>A test that sets a process's clock; skipped where the Debian package libfaketime is not installed.</summary>
[AttributeUsage(AttributeTargets.Method)]
public sealed class FakeTimeFactAttribute : FactAttribute
{
    internal const string Library = "/usr/lib/x86_64-linux-gnu/faketime/libfaketimeMT.so.1";

    public FakeTimeFactAttribute() => Skip = File.Exists(Library) ? null : $"{Library} is not installed";
}
