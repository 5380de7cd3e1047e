using Xunit;

namespace Capillary.Tests.Node.Networks;

/// <summary>A test with a real program of a Debian package; CI installs it (.ci/run), elsewhere the test says what it lacks.</summary>
[AttributeUsage(AttributeTargets.Method)]
internal sealed class NeedsProgramFactAttribute : FactAttribute
{
    public NeedsProgramFactAttribute(string program)
    {
        if (ProxyProcess.Find(program) is null) Skip = $"{program} is not installed: apt-get install {program}";
    }
}
