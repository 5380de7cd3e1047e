using System.Text;
using System.Text.Json;
using Capillary.Fleet.Documents;
using Capillary.Fleet.Templates;
using Capillary.Fleet.Templates.Merging;

namespace Capillary.Cli;

/// <summary>
/// Writes a change of an instance's folder so that a crash leaves no mix: all new content stands complete in a folder of its own, then a
/// plan beside it, and only then the first file is replaced. Without a plan nothing was touched; with one the rest can be done.
/// </summary>
/// <param name="files">The instance's folder.</param>
/// <param name="step">Told before each act on the disk; tests end the writing there.</param>
internal sealed class TemplateJournal(TemplateFolder files, Action? step)
{
    /// <summary>Its folder in the instance's.</summary>
    public const string Name = InstanceFiles.Unfinished;

    /// <summary>What is to be done, in <see cref="Name"/>.</summary>
    public const string PlanName = "plan.json";

    private const int MostNames = 5;
    private const UnixFileMode Executable = UnixFileMode.UserExecute | UnixFileMode.GroupExecute | UnixFileMode.OtherExecute;

    /// <summary>One file of the plan.</summary>
    /// <param name="Path">Below the instance.</param>
    /// <param name="Before">Git's id of what stood there; null: nothing.</param>
    /// <param name="After">Git's id of what shall stand there; null: nothing.</param>
    /// <param name="Target">Of a link.</param>
    private sealed record Item(string Path, string? Before, string? After, string? Target);

    private string Root => files.PathOf(Name);

    private string Plan => Path.Combine(Root, PlanName);

    /// <summary>A change was cut off in the middle.</summary>
    public bool IsUnfinished => File.Exists(Plan);

    /// <summary>Writes all of it. Null, or what went wrong; then the plan stands if anything was touched.</summary>
    public string? Write(IReadOnlyDictionary<string, MergeFile?> changes)
    {
        try
        {
            Stage(changes);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            Clear();
            return $"{e.Message}; nothing was written";
        }
        return Finish();
    }

    /// <summary>Does what is left of the plan. Null, or what is in the way.</summary>
    public string? Finish()
    {
        // Who gives a person a folder with a plan must not write elsewhere by it.
        if (Read() is not { } items || !items.TrueForAll(IsOurs))
            return $"{Plan} is empty or damaged, or is not one that was written here; delete {Root}, and look at what git status says";
        if (items.Where(IsForeign).Select(item => item.Path).ToList() is { Count: > 0 } foreign)
        {
            return $"{Names(foreign)} {(foreign.Count == 1 ? "was" : "were")} changed after the writing was cut off; "
                + $"bring back what Git has and delete {Root}, or make it what it was and try again";
        }
        if (items.Where(IsDamaged).Select(item => item.Path).ToList() is { Count: > 0 } damaged)
            return $"what was made ready for {Names(damaged)} is damaged or missing in {Root}; nothing was written. {Rescue(items)}";
        try
        {
            foreach (var item in items) Do(item);
            Step();
            File.Delete(Plan);
            Step();
            Clear();
            return null;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return $"{e.Message}; the change is half written. When that is mended: capillary template upgrade {files.Folder}";
        }
    }

    /// <summary>Removes what was made ready and is not needed.</summary>
    public void Clear()
    {
        if (Directory.Exists(Root)) Directory.Delete(Root, recursive: true);
    }

    private void Stage(IReadOnlyDictionary<string, MergeFile?> changes)
    {
        Clear();
        Step();
        Directory.CreateDirectory(Root);
        Step();
        // It is this machine's: git add must pass it over.
        File.WriteAllText(files.PathOf(Name + "/.gitignore"), "*\n");
        var items = new List<Item>();
        // What goes, goes first: a file may become a folder. The state comes last: until then this is the old version.
        foreach (var (path, file) in changes.OrderBy(item => item.Value is null ? 0 : InstanceFiles.IsState(item.Key) ? 2 : 1))
        {
            var isLink = file?.Kind == TreeEntryKind.SymbolicLink;
            items.Add(new(path, files.Entry(path)?.Id, file?.Id, isLink ? Encoding.UTF8.GetString(file!.Bytes.Span) : null));
            if (file is null) continue;
            var staged = Staged(file.Id, path);
            Step();
            File.WriteAllBytes(staged, file.Bytes.Span);
            if (file.Kind == TreeEntryKind.ExecutableFile) File.SetUnixFileMode(staged, File.GetUnixFileMode(staged) | Executable);
        }
        var unfinished = Plan + ".new";
        Step();
        File.WriteAllBytes(unfinished, JsonSerializer.SerializeToUtf8Bytes(items));
        Step();
        File.Move(unfinished, Plan);
    }

    private List<Item>? Read()
    {
        using var stream = File.OpenRead(Plan);
        try
        {
            return JsonSerializer.Deserialize<List<Item>>(stream);
        }
        catch (JsonException)
        {
            return null;
        }
    }

    private bool IsOurs(Item item) => item is { Path: { } path } && TemplatePath.IsUsable(path) && files.LinkAbove(path) is null
        && (item.After is null || (item.After.Length == 40 && item.After.All(char.IsAsciiHexDigitLower)))
        && (item.Target is null || MergeFile.GitId(Encoding.UTF8.GetBytes(item.Target)) == item.After);

    /// <summary>What stands there is neither as it was nor as it shall be.</summary>
    private bool IsForeign(Item item) => files.Entry(item.Path)?.Id is { } here && here != item.After && here != item.Before;

    /// <summary>A power cut may take the content of staged files, or the files; without one of them its place must be done.</summary>
    private bool IsDamaged(Item item)
    {
        if (item.After is null) return false;
        var staged = Staged(item.After, item.Path);
        return File.Exists(staged) ? MergeFile.GitId(File.ReadAllBytes(staged)) != item.After : files.Entry(item.Path)?.Id != item.After;
    }

    private string Names(List<string> paths) => string.Join(", ", paths.Take(MostNames).Select(files.PathOf))
        + (paths.Count > MostNames ? $" and {paths.Count - MostNames} more" : "");

    /// <summary>Git has nothing of an instance that was just being made.</summary>
    private string Rescue(List<Item> items) => items.TrueForAll(item => item.Before is null)
        ? $"Delete what is there of it and make it again: rm -r {Quoted(Root)}"
        : $"Bring back what Git has (edits that were not committed are lost): "
            + $"git -C {Quoted(files.Folder)} checkout -- . && rm -r {Quoted(Root)}";

    private static string Quoted(string path) => path.All(c => char.IsAsciiLetterOrDigit(c) || "/._-".Contains(c)) ? path
        : $"'{path.Replace("'", @"'\''", StringComparison.Ordinal)}'";

    private void Do(Item item)
    {
        var place = files.PathOf(item.Path);
        if (item.After is null)
        {
            Step();
            files.Remove(item.Path);
            return;
        }
        var staged = Staged(item.After, item.Path);
        if (!File.Exists(staged)) return;
        Step();
        Directory.CreateDirectory(Path.GetDirectoryName(place)!);
        if (item.Target is not { } target)
        {
            Step();
            File.Move(staged, place, overwrite: true);
            return;
        }
        // A link that leads nowhere yet, or to a folder, is no file that could be moved.
        Step();
        File.Delete(place);
        Step();
        File.CreateSymbolicLink(place, target);
        Step();
        File.Delete(staged);
    }

    private string Staged(string id, string path) =>
        Path.Combine(Root, $"{MergeFile.GitId(Encoding.UTF8.GetBytes(path))[..16]}-{id[..16]}");

    private void Step() => step?.Invoke();
}
