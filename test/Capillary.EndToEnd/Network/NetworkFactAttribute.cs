using Xunit;

namespace Capillary.EndToEnd.Network;

/// <summary>A test that needs a network of its own; skipped, with the kernel's own words, where none can be made.</summary>
[AttributeUsage(AttributeTargets.Method)]
public sealed class NetworkFactAttribute : FactAttribute
{
    // Two kinds of machine: one where namespaces are refused, and the others.
    public NetworkFactAttribute() => Skip = Kernel.Refusal;

    /// <summary>A file that must be here, such as a program of a Debian package; the test is skipped where it is not.</summary>
    public string? Needs
    {
        get;
        init
        {
            field = value;
            if (Skip is null && !File.Exists(value)) Skip = $"{value} is not installed";
        }
    }
}
