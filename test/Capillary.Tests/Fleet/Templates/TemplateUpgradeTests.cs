using Capillary.Fleet.Templates;
using Capillary.Fleet.Templates.Merging;
using Xunit;
using static Capillary.Tests.Fleet.Templates.TemplateFixture;

namespace Capillary.Tests.Fleet.Templates;

/// <summary>Upgrades of one instance: what was edited stays, what the template changed comes.</summary>
public sealed class TemplateUpgradeTests
{
    private const string Lines = "a\nb\nc\nd\ne\n";
    private static readonly string OneVariable = Manifest("variables: {site: {type: string}, port: {type: integer, default: 80}}");

    [Fact]
    public void Edits_and_the_new_version_come_together()
    {
        var before = Source(("template.yaml", OneVariable), ("template/conf", "site {{ site }}\n" + Lines), ("template/old", "x\n"));
        var after = Source(("template.yaml", OneVariable), ("template/conf", "site {{ site }}\na\nb\nc\nd\nE\n"), ("template/new", "{{ port }}\n"));
        var plan = Upgrade(before, after, "site: basel", here =>
        {
            here["conf"] = File("site basel\nA\nb\nc\nd\ne\n");
            here["own"] = File("mine\n");
        });
        Assert.True(plan.IsReady);
        Assert.Equal([".capillary-template.yaml", "conf", "new", "old"], plan.Changes.Keys);
        Assert.Equal(("site basel\nA\nb\nc\nd\nE\n", "80\n", "gone"),
            (Text(plan.Changes["conf"].After), Text(plan.Changes["new"].After), Text(plan.Changes["old"].After)));
        var state = InstanceState.Read(".capillary-template.yaml", plan.Changes[".capillary-template.yaml"].After!.Bytes);
        Assert.Empty(state.Problems);
        Assert.Equal("1.1", state.State!.Origin.Version);
    }

    [Fact]
    public void A_changed_value_is_an_upgrade_too_and_names_follow_it()
    {
        var source = Source(("template.yaml", OneVariable), ("template/{{ site }}.conf", "site {{ site }}\n" + Lines));
        var plan = Upgrade(source, source, "site: basel", here => here["basel.conf"] = File("site basel\na\nb\nc\nd\nmine\n"), "site: bern");
        Assert.True(plan.IsReady);
        Assert.Equal(("gone", "site bern\na\nb\nc\nd\nmine\n"), (Text(plan.Changes["basel.conf"].After), Text(plan.Changes["bern.conf"].After)));
    }

    [Fact]
    public void Declared_renames_and_migrations()
    {
        var before = Source(("template.yaml", Manifest("variables: {port: {type: integer}, tls: {type: boolean}, dead: {type: string}}")),
            ("template/lab.conf", "{{ port }}\n"));
        var after = Source(("template.yaml", Manifest("""
            variables: {listen: {type: integer}, security: {type: enum, values: [off, strict]}}
            renames:
              - {from: lab.conf, to: etc/site.conf}
            migrations:
              - {variable: port, renamedTo: listen}
              - {variable: tls, renamedTo: security, value: "{{ 'strict' if tls else 'off' }}"}
              - {variable: dead, removed: true}
            """)), ("template/etc/site.conf", "listen {{ listen }} {{ security }}\n"));
        var plan = Upgrade(before, after, "{port: 8080, tls: true, dead: x}", _ => { });
        Assert.True(plan.IsReady, string.Join('\n', plan.Problems));
        Assert.Equal("listen 8080 strict\n", Text(plan.Changes["etc/site.conf"].After));
        Assert.Equal("gone", Text(plan.Changes["lab.conf"].After));
        var text = Text(plan.Changes[".capillary-template.yaml"].After);
        Assert.Contains("listen: 8080", text, StringComparison.Ordinal);
        Assert.DoesNotContain("dead", text, StringComparison.Ordinal);
    }

    [Fact]
    public void A_condition_that_ends_removes_the_file_or_asks()
    {
        var manifest = Manifest("variables: {extra: {type: boolean}}\nfiles: [{path: x, when: extra}]");
        var source = Source(("template.yaml", manifest), ("template/x", "x\n"));
        Assert.Equal("gone", Text(Upgrade(source, source, "extra: true", _ => { }, "extra: false").Changes["x"].After));
        var conflict = Assert.Single(Upgrade(source, source, "extra: true", here => here["x"] = File("y\n"), "extra: false").Conflicts);
        Assert.Equal(ConflictKind.RemovedThere, conflict.Kind);
    }

    [Fact]
    public void Conflicts_are_decided_by_resolutions()
    {
        var before = Source(("template.yaml", OneVariable), ("template/conf", Lines));
        var after = Source(("template.yaml", OneVariable), ("template/conf", "a\nb\nX\nd\ne\n"));
        static void Edit(Dictionary<string, MergeFile> here) => here["conf"] = File("a\nb\nY\nd\ne\n");
        var conflict = Assert.Single(Upgrade(before, after, "site: a", Edit).Conflicts);
        var plan = Upgrade(before, after, "site: a", Edit, decide: item => item.Key == conflict.Key ? new Resolution.Written("Z\n"u8.ToArray()) : null);
        Assert.True(plan.IsReady);
        Assert.Equal("a\nb\nZ\nd\ne\n", Text(plan.Changes["conf"].After));
    }

    [Fact]
    public void Nothing_changes_where_nothing_changed()
    {
        var source = Source(("template.yaml", OneVariable), ("template/conf", Lines));
        var state = State("site: a");
        var here = NewInstance.Of(source, state, CancellationToken.None).Files;
        var upgrade = TemplateUpgrade.Begin(new(state, source, source, state.Origin, TemplateValues.None),
            here.ToDictionary(item => item.Key, item => new MergeEntry(item.Value.Kind, item.Value.Id)), CancellationToken.None);
        Assert.Empty(upgrade.Finish(path => here[path].Bytes, _ => null).Changes);
    }

    [Fact]
    public void An_instance_of_foxops_stays_one()
    {
        const string Manifest = "variables: {name: {type: string, description: n}, port: {type: integer, description: p, default: 1}}";
        var before = Source(("fengine.yaml", Manifest), ("template/f", "{{ name }} {{ port }} {{ fengine.template.repository_version }}\n"));
        var after = Source(("fengine.yaml", Manifest), ("template/f", "now {{ name }} {{ port }} {{ fengine.template.repository_version }}\n"));
        var plan = Upgrade(before, after, "{name: x, port: '8080', gone: 1}", _ => { }, form: TemplateForm.Fengine);
        Assert.True(plan.IsReady);
        Assert.Equal("now x 8080 1.1\n", Text(plan.Changes["f"].After));
        Assert.Single(plan.Warnings); // 'gone', which foxops passes over too
        var state = InstanceState.Read(".fengine.yaml", plan.Changes[".fengine.yaml"].After!.Bytes);
        Assert.Empty(state.Problems);
        Assert.Equal(("1.1", TemplateForm.Fengine), (state.State!.Origin.Version, state.State.Form));
        Assert.Contains("template_data_full:", Text(plan.Changes[".fengine.yaml"].After), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(".fengine.yaml", "template_repository: [", "CAP0101")]
    [InlineData(".fengine.yaml", "template_repository: x\n", "CAP0202")]
    [InlineData(".fengine.yaml", "template_repository: x\ntemplate_repository_version: '1'\ntemplate_repository_version_hash: '1'\n", "CAP0605")]
    [InlineData(".capillary-template.yaml", "apiVersion: capillary.dev/v1\nkind: TemplateInstance\nspec: {repository: x, version: 1.5, commit: abc}\n", "CAP0201")]
    [InlineData(".capillary-template.yaml", "", "CAP0106")]
    [InlineData(".capillary-template.yaml", "apiVersion: capillary.dev/v1\nkind: TemplateInstance\nspec: {repository: x, verison: '1'}\n", "CAP0203")]
    public void A_state_file_that_was_edited_wrongly_is_told(string file, string text, string code)
    {
        var read = InstanceState.Read(file, System.Text.Encoding.UTF8.GetBytes(text));
        Assert.Null(read.State);
        Assert.Contains(read.Problems, problem => problem.Code == code);
    }

    [Fact]
    public void Versions_are_numbers()
    {
        TemplateTag[] tags = [new("1.9", "a"), new("1.10", "b"), new("v2.0.0", "c"), new("2.1-rc1", "d"), new("1.9.0", "a"), new("nightly", "e")];
        var versions = new TemplateVersions(tags);
        Assert.Equal("v2.0.0", versions.Newest!.Name);
        Assert.Equal(2, versions.Behind(new("r", "1.9", "a")));
        Assert.Equal(0, versions.Behind(new("r", "2.0", "c")));
        Assert.Equal(1, versions.Behind(new("r", "b", "b"))); // pinned by commit
        Assert.Null(versions.Behind(new("r", "main", "zz")));
    }

    [Theory]
    [InlineData("{site: basel, port: 80}", "{site: bern, port: 8080}", "a basel:80\n", "a bern:8080\n", true)]
    [InlineData("{site: basel, port: 80}", "{site: bern, port: 80}", "a basel\n", "b bern\n", false)]
    [InlineData("{site: basel}", "{site: bern}", "abasel\n", "abern\n", false)] // within another word
    [InlineData("{net: {zone: x-y, ids: [7, 8]}}", "{net: {zone: z, ids: [9, 8]}}", "x-y 7 8\n", "z 9 8\n", true)]
    [InlineData("{flag: true}", "{flag: false}", "true\n", "false\n", false)]
    public void Changes_that_differ_in_own_values_alone_are_alike(string values, string others, string line, string other, bool isAlike)
    {
        string KeyOf(string yaml, string text) => UnifiedDiff.Keys([("f", null, File(text))], new OwnValues(Values(yaml))).ButForValues;
        Assert.Equal(isAlike, KeyOf(values, line) == KeyOf(others, other));
    }

    private static string Key((string, MergeFile?, MergeFile?)[] changes) => UnifiedDiff.Keys(changes, OwnValues.None).Lines;

    [Fact]
    public void A_diff_of_what_is_no_text_or_has_other_line_ends_can_be_read()
    {
        static MergeFile Latin(string text) => MergeFile.Plain(System.Text.Encoding.Latin1.GetBytes(text));
        Assert.Equal("--- a/f\n+++ b/f\nbinary or not UTF-8: 4 bytes -> 5 bytes\n", UnifiedDiff.Of("f", Latin("für\n"), Latin("füür\n")));
        Assert.Equal("--- /dev/null\n+++ b/f\nbinary or not UTF-8: not there -> 2 bytes\n", UnifiedDiff.Of("f", null, File("\0a")));
        Assert.Equal("--- a/f\n+++ b/f\n@@ -1,2 +1,2 @@\n-a\\r\n+a\n b\n", UnifiedDiff.Of("f", File("a\r\nb\n"), File("a\nb\n")));
        // All lines end alike: nothing to mark.
        Assert.Equal("--- a/f\n+++ b/f\n@@ -1,1 +1,1 @@\n-a\r\n+b\r\n", UnifiedDiff.Of("f", File("a\r\n"), File("b\r\n")));
        Assert.Equal("--- a/f\n+++ b/f\n@@ -1,1 +1,1 @@\n-a\n\\ No newline at end of file\n+a\n", UnifiedDiff.Of("f", File("a"), File("a\n")));
        var script = new MergeFile(Capillary.Fleet.Documents.TreeEntryKind.ExecutableFile, File("a\n").Bytes);
        Assert.Equal("--- a/f\n+++ b/f\nmode 100644 -> 100755\n", UnifiedDiff.Of("f", File("a\n"), script));
        Assert.Equal("--- /dev/null\n+++ b/f\nmode 100755\n@@ -0,0 +1,1 @@\n+a\n", UnifiedDiff.Of("f", null, script));
    }

    [Fact]
    public void A_diff_reads_like_one_and_its_key_ignores_what_stands_around()
    {
        Assert.Equal("--- a/f\n+++ b/f\n@@ -1,5 +1,5 @@\n a\n-b\n+B\n c\n d\n e\n", UnifiedDiff.Of("f", File(Lines), File("a\nB\nc\nd\ne\n")));
        Assert.Equal("--- /dev/null\n+++ b/f\n@@ -0,0 +1,1 @@\n+a\n\\ No newline at end of file\n", UnifiedDiff.Of("f", null, File("a")));
        Assert.Equal(Key([("f", File("1\nb\n"), File("1\nB\n"))]), Key([("f", File("2\nb\n"), File("2\nB\n"))]));
        Assert.NotEqual(Key([("f", File("1\nb\n"), File("1\nB\n"))]), Key([("f", File("1\nb\n"), File("1\nC\n"))]));
    }
}
