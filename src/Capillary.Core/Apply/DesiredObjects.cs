using System.Collections.Immutable;
using System.Text.Json.Serialization;
using Capillary.Core.Apply.Kubernetes;
using Capillary.Core.Bundles;

namespace Capillary.Core.Apply;

/// <summary>What an assignment asks of a site's apply: the part of the Merkle leaf that it acts on.</summary>
/// <param name="Bundle">What to run.</param>
/// <param name="Fallback">What to run when it fails; null at first install.</param>
/// <param name="Since">The generation in which the line last changed; apply acts only when it grows.</param>
public sealed record DesiredBundle(Digest Bundle, Digest? Fallback, long Since)
{
    /// <summary>An operator has confirmed that any share of the site's objects may be removed.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingDefault)]
    public bool PruneConfirmed { get; init; }

    /// <summary>An operator overrides the holds that are past their max when this is assigned.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingDefault)]
    public bool OverHold { get; init; }
}

/// <summary>A bundle's objects without their bytes: all that planning needs, small enough to keep in memory.</summary>
/// <param name="Bundle">The bundle's digest.</param>
/// <param name="Apps">In apply order.</param>
public sealed record DesiredObjects(Digest Bundle, ImmutableArray<DesiredApp> Apps)
{
    /// <summary>The share of a cluster's owned objects, in percent, that may be removed without a confirmation. The site's own
    /// setting.</summary>
    public int MaxPrunePercent { get; init; } = 50;
}

/// <summary>One app of <see cref="DesiredObjects"/>.</summary>
/// <param name="Name">The app.</param>
/// <param name="HealthDeadlineSeconds">From applied to healthy, 1 to 86,400.</param>
/// <param name="Files">In ordinal order of name.</param>
/// <param name="Services">In ordinal order of name.</param>
public sealed record DesiredApp(
    string Name, int HealthDeadlineSeconds, ImmutableArray<DesiredFile> Files, ImmutableArray<DesiredService> Services)
{
    /// <summary>Kubernetes objects, hooks included, in ordinal order of key.</summary>
    public ImmutableArray<DesiredObject> Objects { get; init; } = [];
}

/// <summary>A Kubernetes object that must be as the bundle says, or a hook that must have run.</summary>
/// <param name="App">The app that names it.</param>
/// <param name="Manifest">What it is, and what it asks of the agent.</param>
/// <param name="Digest">Of its bytes and the app's policy; of a hook: of all that its app is, so that it runs when the app changes.</param>
/// <param name="Place">Place in the bundle's apply order; removal goes backwards.</param>
public sealed record DesiredObject(string App, KubernetesManifest Manifest, Digest Digest, int Place)
{
    /// <summary>Its key in an inventory.</summary>
    public string Key => OwnedObject.ObjectKey(Manifest.IsHook ? OwnedKind.Hook : OwnedKind.Object, Manifest.Ref);
}

/// <summary>A file that must exist.</summary>
/// <param name="App">The app that names it.</param>
/// <param name="Name">The object's name.</param>
/// <param name="Path">Absolute, <c>/</c>-separated.</param>
/// <param name="Mode">Permission bits.</param>
/// <param name="Owner">A fleet user name, or null for the agent's own account.</param>
/// <param name="Digest">Of the content.</param>
/// <param name="Size">Of the content, in bytes.</param>
/// <param name="Order">Place in the bundle's apply order.</param>
public sealed record DesiredFile(string App, string Name, string Path, int Mode, string? Owner, Digest Digest, long Size, int Order);

/// <summary>A service that must run.</summary>
/// <param name="App">The app that names it.</param>
/// <param name="Object">Its specification.</param>
/// <param name="Json">The bytes that <paramref name="Object"/> was read from, as text: what a host keeps durably.</param>
/// <param name="SpecDigest">Of the specification and of every file of the app: when it changes, the service is started anew.</param>
/// <param name="Order">Place in the bundle's apply order.</param>
public sealed record DesiredService(string App, ServiceObject Object, string Json, Digest SpecDigest, int Order)
{
    /// <summary><c>app/name</c>.</summary>
    public string Key => $"{App}/{Object.Name}";
}
