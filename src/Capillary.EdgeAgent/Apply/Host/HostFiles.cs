using System.Collections.Immutable;
using System.Text;
using Capillary.Core.Apply;
using Capillary.Core.Bundles;

namespace Capillary.EdgeAgent.Apply.Host;

/// <summary>Does the file steps. Called by one thread at a time.</summary>
internal sealed class HostFiles(HostApplyOptions options, SiteAllowList allow, Accounts accounts, BundleReader bundles)
{
    private readonly Dictionary<string, string> known = new(StringComparer.Ordinal);

    public ImmutableArray<OwnedObject> Do(Step step, ImmutableArray<OwnedObject> owned)
    {
        switch (step)
        {
            case Step.Stage stage: return Stage(stage, owned);
            case Step.WriteFile write: return [Write(write)];
            case Step.RemoveFile remove: RemoveFile(remove.Owned); return [];
            case Step.RemoveFolder remove: RemoveFolder(remove.Owned); return [];
            default: throw new InvalidOperationException($"not a file step: {step.GetType().Name}");
        }
    }

    /// <summary>What of ours is not as we left it. Reads a file only when its identity changed.</summary>
    public ImmutableArray<Drift> FindDrift(ImmutableArray<OwnedObject> owned)
    {
        ImmutableArray<Drift>.Builder? drifts = null;
        foreach (var item in owned)
        {
            if (item.Kind != OwnedKind.File || item.Digest is null) continue;
            if (Problem(item) is not { } problem) continue;
            (drifts ??= ImmutableArray.CreateBuilder<Drift>()).Add(new Drift(item, $"'{item.Path}' {problem}"));
        }
        return drifts?.ToImmutable() ?? [];
    }

    /// <summary>Removes staged content that nothing waits for.</summary>
    public void CleanStage()
    {
        foreach (var root in options.Roots)
        {
            using var handle = FolderHandle.OpenRoot(root);
            using (var stage = handle.Enter(SiteAllowList.StageFolder, make: false))
            {
                if (stage is null) continue;
                foreach (var name in stage.Names()) stage.Remove(name, folder: false);
            }
            handle.Remove(SiteAllowList.StageFolder, folder: true);
        }
    }

    private ImmutableArray<OwnedObject> Stage(Step.Stage stage, ImmutableArray<OwnedObject> owned)
    {
        CheckSpace(stage);
        var content = bundles.Read(stage.Bundle);
        var made = ImmutableArray.CreateBuilder<OwnedObject>();
        var folders = new HashSet<string>(StringComparer.Ordinal);
        foreach (var file in stage.Files)
        {
            var root = RootOf(file.Path);
            var ours = owned.Find(OwnedObject.PathKey(OwnedKind.File, file.Path)) is not null;
            var original = Inspect(file, root, ours, folders);
            if (!ours) made.Add(OwnedObject.Of(file, original));
            StageOne(root, file, content);
        }
        foreach (var folder in folders)
        {
            if (owned.Find(OwnedObject.PathKey(OwnedKind.Folder, folder)) is null) made.Add(OwnedObject.Folder(folder));
        }
        return made.ToImmutable();
    }

    /// <summary>True when a foreign file with other content stands there. Adds the folders that are missing on the way.</summary>
    private static bool Inspect(DesiredFile file, string root, bool ours, HashSet<string> missing)
    {
        using var parent = FolderHandle.OpenParent(root, file.Path, make: false);
        if (parent is not null)
        {
            var name = NameOf(file.Path);
            if (parent.Look(name) is not { } facts) return false;
            if (ours) return false;
            if (facts.IsLink) throw HostProblem.Link(file.Path);
            if (!facts.IsFile && !facts.IsFolder) throw NotAFile(file.Path);
            return facts.IsFile && parent.Hash(name) != file.Digest;
        }
        for (var path = ParentOf(file.Path); path.Length > root.Length; path = ParentOf(path))
        {
            if (FileFacts.Look(-100, path, path) is null) missing.Add(path);
        }
        return false;
    }

    private void StageOne(string root, DesiredFile file, BundleContent content)
    {
        using var handle = FolderHandle.OpenRoot(root);
        using var stage = handle.Enter(SiteAllowList.StageFolder, make: true, mode: 0x1C0)!;
        var name = StagedName(file);
        if (stage.Look(name) is not null) return;
        var part = $"{file.App}.{file.Name}.part";
        stage.Create(part, accounts.Ids(file.Owner), file.Mode, target => bundles.Copy(content, file, target));
        stage.Move(part, stage, name);
    }

    /// <summary>One name per content, owner and mode: what is staged under it is what is asked for.</summary>
    private static string StagedName(DesiredFile file) =>
        Digest.Of(Encoding.UTF8.GetBytes($"{file.App} {file.Name} {file.Digest} {file.Mode} {file.Owner}")).Hex;

    private OwnedObject Write(Step.WriteFile write)
    {
        var file = write.File;
        var root = RootOf(file.Path);
        var name = NameOf(file.Path);
        using var parent = FolderHandle.OpenParent(root, file.Path, make: true)!;
        using var rootHandle = FolderHandle.OpenRoot(root);
        using var stage = rootHandle.Enter(SiteAllowList.StageFolder, make: true, mode: 0x1C0)!;
        var facts = parent.Look(name);
        // Staging refused a link that was there before us; one that took the place of our file is itself replaced, not followed.
        if (facts is { IsFile: false, IsLink: false }) throw NotAFile(file.Path);
        var staged = StagedName(file);
        if (facts is { } there && IsAsDesired(there, file) && parent.Hash(name) == file.Digest)
        {
            stage.Remove(staged, folder: false);
            return Owned(write, there);
        }
        if (facts is not null && write.Original) parent.Keep(name, name + SiteAllowList.OriginalSuffix);
        if (stage.Look(staged) is null) throw new StepException(ConditionCodes.ApplyFailed, file.Path, "the staged content is gone", false);
        if (!stage.Move(staged, parent, name))
        {
            // A mount within the root: copy across, and rename there.
            const string part = ".capillary-part";
            parent.Create(part, accounts.Ids(file.Owner), file.Mode, target => stage.CopyTo(staged, target));
            parent.Move(part, parent, name);
            stage.Remove(staged, folder: false);
        }
        return Owned(write, parent.Look(name)!.Value);
    }

    private bool IsAsDesired(FileFacts facts, DesiredFile file) =>
        facts.IsFile && facts.Permissions == file.Mode && facts.Raw.User == accounts.Ids(file.Owner).User;

    private OwnedObject Owned(Step.WriteFile write, FileFacts facts)
    {
        known.Remove(write.File.Path);
        return OwnedObject.Of(write.File, write.Original) with { Digest = write.File.Digest, Mark = facts.Mark };
    }

    private void RemoveFile(OwnedObject item)
    {
        known.Remove(item.Path);
        if (allow.RootOf(item.Path) is not { } root) return; // the site took the root away: what is there is not ours to touch any more
        using var parent = FolderHandle.OpenParent(root, item.Path, make: false);
        if (parent is null) return;
        var name = NameOf(item.Path);
        var kept = name + SiteAllowList.OriginalSuffix;
        if (!item.Original)
        {
            parent.Remove(name, folder: false);
        }
        else if (parent.Look(kept) is { IsFile: true })
        {
            parent.Move(kept, parent, name);
        }
        else if (item.Digest is not null && parent.Hash(name) == item.Digest)
        {
            // Somebody deleted what we kept. Anything but our own content would be the original, brought back before a crash.
            parent.Remove(name, folder: false);
        }
    }

    private void RemoveFolder(OwnedObject item)
    {
        if (allow.RootOf(item.Path) is not { } root) return;
        using var parent = FolderHandle.OpenParent(root, item.Path, make: false);
        parent?.Remove(NameOf(item.Path), folder: true);
    }

    private string? Problem(OwnedObject item)
    {
        if (FileFacts.Look(-100, item.Path, item.Path) is not { } facts) return "was deleted and is back";
        var mark = facts.Mark;
        if (mark == item.Mark || (known.TryGetValue(item.Path, out var seen) && seen == mark)) return null;
        if (!facts.IsFile) return "was replaced by something that is no file and is back";
        if (facts.Permissions != item.Mode) return "had another mode and is as it was";
        if (facts.Raw.User != accounts.Ids(item.Owner).User) return "had another owner and is as it was";
        if (allow.RootOf(item.Path) is not { } root) return null;
        using var parent = FolderHandle.OpenParent(root, item.Path, make: false);
        if (parent?.Hash(NameOf(item.Path)) != item.Digest) return "was edited and is as it was";
        known[item.Path] = mark;
        return null;
    }

    private void CheckSpace(Step.Stage stage)
    {
        foreach (var root in options.Roots)
        {
            var needed = stage.Files.Where(file => RootOf(file.Path) == root).Sum(file => file.Size);
            if (needed == 0) continue;
            long free;
            try
            {
                free = new DriveInfo(root).AvailableFreeSpace;
            }
            catch (Exception e) when (e is IOException or UnauthorizedAccessException)
            {
                throw new StepException(ConditionCodes.ApplyFailed, root, $"'{root}': {e.Message}", false);
            }
            if (free >= needed + options.SpaceMargin) continue;
            var margin = options.SpaceMargin >> 10;
            var text = $"'{root}' has {free >> 10} KiB free; {needed >> 10} KiB and a margin of {margin} KiB are needed";
            throw new StepException(ConditionCodes.DiskFull, root, text, false);
        }
    }

    private string RootOf(string path) => allow.RootOf(path)
        ?? throw new StepException(ConditionCodes.PathNotAllowed, path, $"'{path}' is not below a folder that this site allows", true);

    private static StepException NotAFile(string path) =>
        new(ConditionCodes.PathNotAllowed, path, $"'{path}' is there already and is no regular file", true);

    private static string NameOf(string path) => path[(path.LastIndexOf('/') + 1)..];

    private static string ParentOf(string path) => path[..path.LastIndexOf('/')];
}
