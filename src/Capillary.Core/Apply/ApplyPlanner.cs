using System.Collections.Immutable;

namespace Capillary.Core.Apply;

/// <summary>Desired x owned -> ordered steps. What is unchanged gets no step.</summary>
public static class ApplyPlanner
{
    /// <summary>
    /// Stage all changed files; remove what is no longer named, services before files before folders, backwards; then app by app: files
    /// into place, services whose specification or whose app's files changed.
    /// </summary>
    public static ImmutableArray<Step> Plan(DesiredObjects desired, ImmutableArray<OwnedObject> owned)
    {
        var changed = desired.Apps.SelectMany(app => app.Files).Where(file => Differs(file, owned)).ToImmutableArray();
        var steps = ImmutableArray.CreateBuilder<Step>();
        if (changed.Length > 0) steps.Add(new Step.Stage(desired.Bundle, changed));
        Remove(desired, owned, steps);
        foreach (var app in desired.Apps)
        {
            foreach (var file in app.Files.Where(file => Differs(file, owned))) steps.Add(new Step.WriteFile(file, false));
            foreach (var service in app.Services)
            {
                var known = owned.Find(OwnedObject.ServiceKey(service.Key));
                if (known?.Digest != service.SpecDigest) steps.Add(new Step.StartService(service));
            }
        }
        return steps.ToImmutable();
    }

    private static bool Differs(DesiredFile file, ImmutableArray<OwnedObject> owned) =>
        owned.Find(OwnedObject.PathKey(OwnedKind.File, file.Path)) is not { } known
        || known.Digest != file.Digest || known.Mode != file.Mode || known.Owner != file.Owner;

    private static void Remove(DesiredObjects desired, ImmutableArray<OwnedObject> owned, ImmutableArray<Step>.Builder steps)
    {
        var keep = new HashSet<string>(StringComparer.Ordinal);
        foreach (var app in desired.Apps)
        {
            foreach (var service in app.Services) keep.Add(OwnedObject.ServiceKey(service.Key));
            foreach (var file in app.Files) Keep(file.Path, keep);
        }
        var leftovers = owned.Where(item => !keep.Contains(item.Key)).ToList();
        steps.AddRange(Backwards(leftovers, OwnedKind.Service).Select(item => new Step.RemoveService(item)));
        steps.AddRange(Backwards(leftovers, OwnedKind.File).Select(item => new Step.RemoveFile(item)));
        // A folder's path is longer than its parent's: longest first is deepest first.
        var folders = leftovers.Where(item => item.Kind == OwnedKind.Folder).OrderByDescending(item => item.Path.Length);
        steps.AddRange(folders.Select(item => new Step.RemoveFolder(item)));
    }

    private static void Keep(string path, HashSet<string> keep)
    {
        keep.Add(OwnedObject.PathKey(OwnedKind.File, path));
        for (var end = path.LastIndexOf('/'); end > 0; end = path.LastIndexOf('/', end - 1))
        {
            if (!keep.Add(OwnedObject.PathKey(OwnedKind.Folder, path[..end]))) return;
        }
    }

    private static IEnumerable<OwnedObject> Backwards(List<OwnedObject> items, OwnedKind kind) =>
        items.Where(item => item.Kind == kind).OrderByDescending(item => item.Order).ThenBy(item => item.Key, StringComparer.Ordinal);
}
