using Capillary.Fleet.Compile;
using Xunit;

namespace Capillary.Tests.Fleet;

/// <summary>A changed health rule reaches the apps of its kind, and no others; a later compile gives what a first one would.</summary>
public sealed class HealthRuleTests
{
    private const string Valve = "{group: e.com, kind: Valve, healthy: [{path: .status.state, value: open}]}";

    [Fact]
    public void A_rule_that_changes_changes_only_the_apps_of_its_kind()
    {
        var files = Files(Valve);
        var first = CaseFile.Compile(files);
        files["health/a.yaml"] = Rules(Valve.Replace("open", "shut", StringComparison.Ordinal));
        var second = Check(files, first);
        Assert.NotEqual(Digest(first, "valves"), Digest(second, "valves"));
        Assert.Same(App(first, "base-files"), App(second, "base-files"));
        Assert.Equal(Site(first, "basel-1"), Site(second, "basel-1"));
    }

    [Fact]
    public void A_rule_that_no_object_needs_changes_no_site()
    {
        var files = Files(Valve);
        var first = CaseFile.Compile(files);
        files["health/a.yaml"] = Rules(Valve, "{kind: Pod, healthy: [{path: .status.phase, value: Running}]}");
        var second = Check(files, first);
        Assert.True(second.Sites!.SequenceEqual(first.Sites!, ReferenceEqualityComparer.Instance));
    }

    [Fact]
    public void Rules_that_come_and_go_are_noticed()
    {
        var files = Files();
        var none = CaseFile.Compile(files);
        files["health/a.yaml"] = Rules(Valve);
        var some = Check(files, none);
        Assert.NotEqual(Digest(none, "valves"), Digest(some, "valves"));
        files.Remove("health/a.yaml");
        Assert.Equal(Digest(none, "valves"), Digest(Check(files, some), "valves"));
    }

    [Fact]
    public void A_kind_that_is_rendered_later_gets_the_newest_rule()
    {
        var files = Files(Valve);
        files["apps/valves/templates/a.yaml"] =
            "{% if site.name == 'boston-4' %}\napiVersion: e.com/v1\nkind: Valve\nmetadata: {name: x}\n{% endif %}\n";
        var first = CaseFile.Compile(files);
        files["health/a.yaml"] = Rules(Valve.Replace("open", "shut", StringComparison.Ordinal));
        var second = Check(files, first);
        files["sites/us/boston-4.yaml"] = files["sites/us/boston-3.yaml"].Replace("boston-3", "boston-4", StringComparison.Ordinal);
        var third = Check(files, second);
        var app = third.Sites!.Single(site => site.Id.Value == "boston-4").Apps.Single(app => app.Layer.Name.Value == "valves");
        Assert.Contains("shut", app.Layer.Kubernetes, StringComparison.Ordinal);
    }

    private static FleetCompilation Check(SortedDictionary<string, string> files, FleetCompilation previous)
    {
        var next = CaseFile.Compile(files, previous);
        Assert.Equal(CaseFile.Describe(CaseFile.Compile(files)), CaseFile.Describe(next));
        Assert.NotNull(next.Sites);
        return next;
    }

    private static SortedDictionary<string, string> Files(params string[] rules)
    {
        var files = CaseFile.Base();
        files["apps/valves/app.yaml"] =
            "apiVersion: capillary.dev/v1\nkind: App\nmetadata: {name: valves}\n"
            + "spec: {placement: {selector: {}, platforms: [kubernetes]}}\n";
        files["apps/valves/templates/a.yaml"] = "apiVersion: e.com/v1\nkind: Valve\nmetadata: {name: x}\n";
        if (rules.Length > 0) files["health/a.yaml"] = Rules(rules);
        return files;
    }

    private static string Rules(params string[] rules) =>
        "apiVersion: capillary.dev/v1\nkind: HealthRules\nmetadata: {name: a}\nspec:\n  rules:\n"
        + string.Concat(rules.Select(rule => $"    - {rule}\n"));

    private static CompiledSite Site(FleetCompilation compilation, string site) => compilation.Sites!.Single(item => item.Id.Value == site);

    private static CompiledApp App(FleetCompilation compilation, string app) =>
        Site(compilation, "boston-3").Apps.Single(item => item.Layer.Name.Value == app);

    private static string Digest(FleetCompilation compilation, string app) => App(compilation, app).Descriptor.Digest.Text;
}
