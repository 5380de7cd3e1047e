using System.Text;
using Capillary.Fleet.Documents;
using Capillary.Fleet.Templates;
using Capillary.Fleet.Templates.Merging;
using Xunit;

namespace Capillary.Tests.Fleet.Templates;

/// <summary>Template repositories and instances in memory, with no Git.</summary>
internal static class TemplateFixture
{
    public const string Commit = "0123456789012345678901234567890123456789";

    /// <summary>A document of ours around a spec.</summary>
    public static string Manifest(string spec) => "apiVersion: capillary.dev/v1\nkind: Template\nmetadata: {name: lab-site}\nspec:\n"
        + string.Concat(spec.TrimEnd('\n').Split('\n').Select(line => $"  {line}\n"));

    public static TemplateSourceRead Read(params (string Path, string Text)[] files) =>
        TemplateSource.Read(files.ToDictionary(file => file.Path, file => MergeFile.Plain(Encoding.UTF8.GetBytes(file.Text))));

    public static TemplateSource Source(params (string Path, string Text)[] files)
    {
        var read = Read(files);
        Assert.True(read.Source is not null, string.Join('\n', read.Problems));
        return read.Source;
    }

    public static TemplateOrigin Origin(string version) => new("/templates/lab-site", version, Commit);

    public static TemplateValues Values(string yaml)
    {
        var read = TemplateValues.Read(Encoding.UTF8.GetBytes(yaml), "values.yaml");
        Assert.Empty(read.Problems);
        return read.Values;
    }

    public static InstanceState State(string yaml, string version = "1.0", TemplateForm form = TemplateForm.Capillary) =>
        new(form, Origin(version), Values(yaml));

    public static NewInstance New(TemplateSource source, string yaml = "", TemplateForm form = TemplateForm.Capillary) =>
        NewInstance.Of(source, State(yaml, form: form), CancellationToken.None);

    /// <summary>The files of a new instance as text.</summary>
    public static Dictionary<string, string> Made(TemplateSource source, string yaml = "")
    {
        var made = New(source, yaml);
        Assert.True(made.Problems.Count == 0, string.Join('\n', made.Problems));
        return made.Files.Where(item => !InstanceFiles.IsState(item.Key)).ToDictionary(item => item.Key, item => Text(item.Value));
    }

    /// <summary>Upgrades what a person made of a new instance.</summary>
    public static UpgradePlan Upgrade(TemplateSource before, TemplateSource after, string yaml, Action<Dictionary<string, MergeFile>> edit,
        string settings = "", Func<TreeConflict, Resolution?>? decide = null, TemplateForm form = TemplateForm.Capillary)
    {
        var state = State(yaml, form: form);
        var here = NewInstance.Of(before, state, CancellationToken.None).Files.ToDictionary(item => item.Key, item => item.Value);
        edit(here);
        var upgrade = TemplateUpgrade.Begin(new UpgradeRequest(state, before, after, Origin("1.1"), Values(settings)),
            here.ToDictionary(item => item.Key, item => new MergeEntry(item.Value.Kind, item.Value.Id)), CancellationToken.None);
        return upgrade.Finish(path => upgrade.Wanted.Contains(path) ? here[path].Bytes : throw new InvalidOperationException($"{path} was not wanted"),
            decide ?? (_ => null));
    }

    public static string Text(MergeFile? file) => file is null ? "gone" : Encoding.UTF8.GetString(file.Bytes.Span);

    public static MergeFile File(string text) => MergeFile.Plain(Encoding.UTF8.GetBytes(text));

    public static MergeFile Link(string target) => new(TreeEntryKind.SymbolicLink, Encoding.UTF8.GetBytes(target));
}
