using System.Collections.Immutable;
using System.Text.Json.Serialization;
using Capillary.Core.Apply.Kubernetes;
using Capillary.Core.Bundles;

namespace Capillary.Core.Apply;

/// <summary>What an <see cref="OwnedObject"/> is.</summary>
public enum OwnedKind
{
    File,

    /// <summary>A folder that we made because a file needed it.</summary>
    Folder,

    Service,

    /// <summary>An object of a Kubernetes cluster.</summary>
    Object,

    /// <summary>A hook of a Kubernetes cluster: the object it left, and that it ran.</summary>
    Hook,
}

/// <summary>One thing at the site that is ours. Nothing else is ever removed or overwritten for good.</summary>
/// <param name="Kind">What it is.</param>
/// <param name="App">The app; "" for a folder.</param>
/// <param name="Name">The object's name; "" for a folder.</param>
/// <param name="Path">Absolute path of a file or folder; <see cref="ObjectRef"/> of a cluster's object; "" for a service.</param>
/// <param name="Digest">Of the content or the service's specification as last made; null: about to be made, so not known.</param>
/// <param name="Mode">A file's permission bits; the <see cref="ManifestOptions"/> of a cluster's object.</param>
/// <param name="Owner">A file's fleet user name, or null.</param>
/// <param name="Original">A file was here before ours; it is kept beside as <c>name.capillary-orig</c> and comes back on removal.</param>
/// <param name="Mark">What the host needs to know the object again without reading it; meaningless elsewhere.</param>
/// <param name="Order">Place in the apply order; removal goes backwards.</param>
public sealed record OwnedObject(
    OwnedKind Kind, string App, string Name, string Path, Digest? Digest, int Mode, string? Owner, bool Original, string? Mark, int Order)
{
    /// <summary>Unique within an inventory: files and folders by path, services by <c>app/name</c>.</summary>
    [JsonIgnore]
    public string Key => Kind switch
    {
        OwnedKind.Service => ServiceKey($"{App}/{Name}"),
        OwnedKind.Object or OwnedKind.Hook => ObjectKey(Kind, Ref),
        _ => PathKey(Kind, Path),
    };

    /// <summary>What a person calls it.</summary>
    [JsonIgnore]
    public string Subject => Kind switch
    {
        OwnedKind.Service => $"{App}/{Name}",
        OwnedKind.Object or OwnedKind.Hook => Ref.Subject,
        _ => Path,
    };

    /// <summary>Of an object of a cluster: which one.</summary>
    [JsonIgnore]
    public ObjectRef Ref => ObjectRef.Parse(Path);

    /// <summary>The key of an object of a cluster; its version is no part of it.</summary>
    public static string ObjectKey(OwnedKind kind, ObjectRef of) => $"{kind}:{of.Key}";

    /// <summary>The key of a service.</summary>
    public static string ServiceKey(string service) => $"Service:{service}";

    /// <summary>The key of a file or folder.</summary>
    public static string PathKey(OwnedKind kind, string path) => $"{kind}:{path}";

    /// <summary>A file as desired, before it is made.</summary>
    public static OwnedObject Of(DesiredFile file, bool original = false) =>
        new(OwnedKind.File, file.App, file.Name, file.Path, null, file.Mode, file.Owner, original, null, file.Order);

    /// <summary>A service as desired, before it is started.</summary>
    public static OwnedObject Of(DesiredService service) =>
        new(OwnedKind.Service, service.App, service.Object.Name, "", null, 0, null, false, null, service.Order);

    /// <summary>A cluster's object as desired, before it is made.</summary>
    public static OwnedObject Of(DesiredObject value) => new(value.Manifest.IsHook ? OwnedKind.Hook : OwnedKind.Object, value.App,
        value.Manifest.Ref.Name, value.Manifest.Ref.ToString(), null, (int)value.Manifest.Options, null, false, null, value.Place);

    /// <summary>A folder that is about to be made.</summary>
    public static OwnedObject Folder(string path) => new(OwnedKind.Folder, "", "", path, null, 0, null, false, null, 0);
}

/// <summary>Look-up and change of an inventory: owned objects in ordinal order of key.</summary>
public static class OwnedObjects
{
    /// <summary>The object with this key, or null.</summary>
    public static OwnedObject? Find(this ImmutableArray<OwnedObject> owned, string key) =>
        Place(owned, key) is >= 0 and var place ? owned[place] : null;

    /// <summary>With this object added or replaced.</summary>
    public static ImmutableArray<OwnedObject> With(this ImmutableArray<OwnedObject> owned, OwnedObject value)
    {
        var place = Place(owned, value.Key);
        return place >= 0 ? owned.SetItem(place, value) : owned.Insert(~place, value);
    }

    /// <summary>Without the object of this key, if it is there.</summary>
    public static ImmutableArray<OwnedObject> Without(this ImmutableArray<OwnedObject> owned, string key) =>
        Place(owned, key) is >= 0 and var place ? owned.RemoveAt(place) : owned;

    private static int Place(ImmutableArray<OwnedObject> owned, string key)
    {
        var (low, high) = (0, owned.Length - 1);
        while (low <= high)
        {
            var middle = (low + high) >>> 1;
            var order = string.CompareOrdinal(owned[middle].Key, key);
            if (order == 0) return middle;
            if (order < 0) low = middle + 1;
            else high = middle - 1;
        }
        return ~low;
    }
}
