namespace Capillary.Core.Apply.Kubernetes;

/// <summary>Health of its objects -> health of an app.</summary>
public static class HealthSum
{
    /// <summary>
    /// The worst of the app's objects, with its message. An app is well when nothing of it progresses or is degraded; what is suspended
    /// was suspended by somebody, and blocks nothing.
    /// </summary>
    /// <param name="app">The app.</param>
    /// <param name="healthOf">Health of a live object; null when no rule knows its kind.</param>
    /// <param name="isThere">Whether the object was seen in the cluster.</param>
    public static AppHealth Of(DesiredApp app, Func<ObjectRef, ObjectHealth?> healthOf, Func<ObjectRef, bool> isThere)
    {
        (ObjectRef Ref, ObjectHealth Health)? worst = null;
        foreach (var value in app.Objects)
        {
            if (value.Manifest.IsHook || value.Manifest.Options.HasFlag(ManifestOptions.IgnoreHealth)) continue;
            var of = value.Manifest.Ref;
            var health = isThere(of) ? healthOf(of) : new ObjectHealth(ObjectHealthState.Missing, "it is not there");
            if (health is not null && (worst is null || health.State > worst.Value.Health.State)) worst = (of, health);
        }
        if (worst is not var (which, found)) return new AppHealth(app.Name, HealthState.Healthy, null);
        var reason = found.Message is null ? $"{which.Subject}: {found.State}" : $"{which.Subject}: {found.Message}";
        return found.State switch
        {
            ObjectHealthState.Healthy => new AppHealth(app.Name, HealthState.Healthy, null),
            ObjectHealthState.Suspended => new AppHealth(app.Name, HealthState.Healthy, reason),
            ObjectHealthState.Degraded => new AppHealth(app.Name, HealthState.Unhealthy, reason),
            // What is missing is being put back.
            _ => new AppHealth(app.Name, HealthState.Unknown, reason),
        };
    }
}
