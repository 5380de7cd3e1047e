using Xunit;

namespace Capillary.EndToEnd.Systemd;

/// <summary>A test in a container that runs systemd. Where no such container can run it is skipped, and says why.</summary>
[AttributeUsage(AttributeTargets.Method)]
internal sealed class SystemdFactAttribute : FactAttribute
{
    public SystemdFactAttribute()
    {
        if (Container.WhyNot() is { } reason) Skip = $"no container with systemd can run here: {reason}";
    }
}
