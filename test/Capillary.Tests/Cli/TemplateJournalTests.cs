using System.Text;
using Capillary.Cli;
using Capillary.Fleet.Documents;
using Capillary.Fleet.Templates.Merging;
using Xunit;

namespace Capillary.Tests.Cli;

/// <summary>A change of an instance's folder that is cut off leaves either what was there, or what can be finished.</summary>
public sealed class TemplateJournalTests : IDisposable
{
    private static readonly Dictionary<string, MergeFile> Before = new()
    {
        [".capillary-template.yaml"] = File("old state"), ["kept"] = File("kept"), ["edited"] = File("a"), ["gone/deep/x"] = File("x"),
        ["folder/a"] = File("a"), ["file"] = File("f"), ["link"] = Link("gone/deep"), ["mode"] = File("m"),
    };

    private static readonly Dictionary<string, MergeFile?> Change = new()
    {
        [".capillary-template.yaml"] = File("new state"), ["edited"] = File("b"), ["gone/deep/x"] = null, ["folder/a"] = null,
        ["folder"] = File("now a file"), ["file"] = null, ["file/below"] = File("now a folder"), ["link"] = Link("nowhere"),
        ["mode"] = new(TreeEntryKind.ExecutableFile, Encoding.UTF8.GetBytes("m")), ["new/y"] = File("y"), ["to/folder"] = Link("../new"),
    };

    private readonly DirectoryInfo root = Directory.CreateTempSubdirectory("capillary-journal-");

    private string Folder => Path.Combine(root.FullName, "i");

    [Fact]
    public void Cut_off_at_any_step_it_is_as_before_or_can_be_finished()
    {
        var all = Steps();
        Assert.True(all > 20, $"{all} steps");
        for (var at = 0; at < all; at++)
        {
            Make();
            Assert.True(IsCutOff(at, folder => folder.Write(Change)));
            var folder = new TemplateFolder(Folder);
            if (folder.Unfinished is null)
            {
                var here = Show(folder);
                Assert.True(here == Show(Before) || here == Show(After()), $"step {at}: a mix\n{here}");
                if (here == Show(Before)) Assert.Null(folder.Write(Change));
            }
            else
            {
                Assert.Contains("finish it first: capillary template upgrade", folder.Write(Change), StringComparison.Ordinal);
                // Cut off again and again while it is being finished.
                for (var again = 0; IsCutOff(again, half => Assert.True(half.Finish(TextWriter.Null))); again++)
                {
                    if (folder.Unfinished is null) break;
                }
            }
            Assert.Equal(Show(After()), Show(folder));
            Assert.Null(folder.Unfinished);
        }
    }

    [Theory]
    [InlineData("edited", "mine", "edited was changed after the writing was cut off")] // by a person
    [InlineData("edited", "a", "edited is damaged or missing in ")] // by git checkout, after it was replaced
    public void What_was_changed_since_is_not_overwritten(string path, string text, string reason)
    {
        Make();
        Assert.True(IsCutOff(Steps() - 3, folder => folder.Write(Change)));
        System.IO.File.WriteAllText(Path.Combine(Folder, path), text);
        using var error = new StringWriter();
        Assert.False(new TemplateFolder(Folder).Finish(error));
        Assert.Contains(reason, error.ToString(), StringComparison.Ordinal);
        Assert.Equal(text, System.IO.File.ReadAllText(Path.Combine(Folder, path)));
    }

    [Theory]
    [InlineData("")]
    [InlineData("now a")]
    [InlineData(null)]
    public void What_a_power_cut_took_of_the_staged_content_is_told_and_nothing_is_written(string? left)
    {
        Make();
        // Just before the first file is touched.
        var at = 0;
        while (!IsCutOff(at, folder => folder.Write(Change)) || new TemplateFolder(Folder).Unfinished is null) at++;
        var plan = Path.Combine(Folder, ".capillary-unfinished");
        var staged = Directory.EnumerateFiles(plan).Single(file => System.IO.File.ReadAllText(file) == "now a file");
        if (left is null) System.IO.File.Delete(staged);
        else System.IO.File.WriteAllText(staged, left);
        using var error = new StringWriter();
        Assert.False(new TemplateFolder(Folder).Finish(error));
        Assert.Contains($"{Path.Combine(Folder, "folder")} is damaged or missing", error.ToString(), StringComparison.Ordinal);
        Assert.Contains($"git -C {Folder} checkout -- . && rm -r {plan}", error.ToString(), StringComparison.Ordinal);
        Assert.Equal(Show(Before), Show(new TemplateFolder(Folder)));
    }

    [Fact]
    public void All_files_that_a_person_changed_are_named_at_once()
    {
        Make();
        Assert.True(IsCutOff(Steps() - 3, folder => folder.Write(Change)));
        foreach (var path in (string[])["edited", "mode", "new/y", "folder", "file/below", ".capillary-template.yaml"])
            System.IO.File.WriteAllText(Path.Combine(Folder, path), "mine");
        using var error = new StringWriter();
        Assert.False(new TemplateFolder(Folder).Finish(error));
        Assert.Contains("edited, ", error.ToString(), StringComparison.Ordinal);
        Assert.Contains(" and 1 more were changed after the writing was cut off", error.ToString(), StringComparison.Ordinal);
    }

    [Fact]
    public void Git_passes_over_an_unfinished_change()
    {
        Make();
        Assert.True(IsCutOff(Steps() - 3, folder => folder.Write(Change)));
        Assert.Equal("*\n", System.IO.File.ReadAllText(Path.Combine(Folder, ".capillary-unfinished/.gitignore")));
    }

    [Theory]
    [InlineData("""[{"Path": "../out", "After": "0123456789012345678901234567890123456789"}]""")]
    [InlineData("""[{"Path": "link/out", "After": "0123456789012345678901234567890123456789"}]""")]
    [InlineData("""[{"Path": "in", "After": "/../../../../../../etc/x"}]""")]
    [InlineData("""[{"Path": "in", "After": "0123456789012345678901234567890123456789", "Target": "/etc/x"}]""")]
    [InlineData("[{}]")]
    [InlineData("")]
    [InlineData("[null]")]
    [InlineData("null")]
    [InlineData("{")]
    public void A_plan_that_others_made_writes_nothing(string plan)
    {
        Make();
        Directory.CreateDirectory(Path.Combine(Folder, ".capillary-unfinished"));
        System.IO.File.WriteAllText(Path.Combine(Folder, ".capillary-unfinished/plan.json"), plan);
        using var error = new StringWriter();
        Assert.False(new TemplateFolder(Folder).Finish(error));
        Assert.Contains("is not one that was written here; delete", error.ToString(), StringComparison.Ordinal);
        Assert.Equal(Show(Before), Show(new TemplateFolder(Folder)));
        Assert.Equal(["i"], Directory.EnumerateFileSystemEntries(root.FullName).Select(Path.GetFileName));
    }

    public void Dispose() => root.Delete(recursive: true);

    private static MergeFile File(string text) => MergeFile.Plain(Encoding.UTF8.GetBytes(text));

    private static MergeFile Link(string target) => new(TreeEntryKind.SymbolicLink, Encoding.UTF8.GetBytes(target));

    private bool IsCutOff(int at, Action<TemplateFolder> act)
    {
        var steps = 0;
        try
        {
            act(new TemplateFolder(Folder, () =>
            {
                if (steps++ == at) throw new CutOffException();
            }));
            return false;
        }
        catch (CutOffException)
        {
            return true;
        }
    }

    /// <summary>How many there are when nothing is cut off.</summary>
    private int Steps()
    {
        var count = 0;
        var other = Path.Combine(root.FullName, "count");
        if (Directory.Exists(other)) Directory.Delete(other, recursive: true);
        Assert.Null(new TemplateFolder(other).Write(Before.ToDictionary(item => item.Key, item => (MergeFile?)item.Value)));
        Assert.Null(new TemplateFolder(other, () => count++).Write(Change));
        return count;
    }

    private void Make()
    {
        if (Directory.Exists(Folder)) Directory.Delete(Folder, recursive: true);
        Assert.Null(new TemplateFolder(Folder).Write(Before.ToDictionary(item => item.Key, item => (MergeFile?)item.Value)));
        Assert.Equal(Show(Before), Show(new TemplateFolder(Folder)));
    }

    private static Dictionary<string, MergeFile> After()
    {
        var after = new Dictionary<string, MergeFile>(Before);
        foreach (var (path, file) in Change)
        {
            if (file is null) after.Remove(path);
            else after[path] = file;
        }
        return after;
    }

    private static string Show(TemplateFolder folder) => Show(folder.List(CancellationToken.None));

    private static string Show(Dictionary<string, MergeFile> files) =>
        Show(files.ToDictionary(item => item.Key, item => new MergeEntry(item.Value.Kind, item.Value.Id)));

    private static string Show(IReadOnlyDictionary<string, MergeEntry> files) => string.Join('\n',
        files.OrderBy(item => item.Key, StringComparer.Ordinal).Select(item => $"{item.Key} {item.Value.Kind} {item.Value.Id}"));

    private sealed class CutOffException : Exception;
}
