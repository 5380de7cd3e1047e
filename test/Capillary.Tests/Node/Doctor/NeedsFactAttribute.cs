using Xunit;

namespace Capillary.Tests.Node.Doctor;

/// <summary>A test that needs root or programs of the machine; without them it is skipped, and says what is missing.</summary>
[AttributeUsage(AttributeTargets.Method)]
internal sealed class NeedsFactAttribute : FactAttribute
{
    /// <param name="root">Whether it needs root.</param>
    /// <param name="programs">What must be on the path.</param>
    public NeedsFactAttribute(bool root, params string[] programs)
    {
        var missing = programs.Where(program => Find(program) is null).ToList();
        if (missing.Count > 0) Skip = $"this machine has no {string.Join(", ", missing)}";
        else if (root && !Environment.IsPrivilegedProcess) Skip = "this test needs root";
    }

    public static string? Find(string program) =>
        ((string[])["/usr/sbin", "/sbin", "/usr/bin", "/bin"]).Select(folder => Path.Combine(folder, program)).FirstOrDefault(File.Exists);
}
