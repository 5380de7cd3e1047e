using Capillary.Core.Bundles;
using Capillary.Fleet.Compile;
using Capillary.HubNode.Publish;
using FsCheck;
using FsCheck.Fluent;
using Xunit;

namespace Capillary.Tests.Fleet;

/// <summary>What holds for every fleet: same content, same bytes; what did not change is taken over.</summary>
public sealed class CompilePropertyTests
{
    private const int Sites = 200;

    [Fact]
    public void The_order_of_files_changes_nothing()
    {
        var files = CaseFile.Base();
        var expected = CaseFile.Describe(CaseFile.Compile(files));
        Prop.ForAll(Gen.Shuffle(files.ToArray()).ToArbitrary(), shuffled => CaseFile.Describe(CaseFile.Compile(shuffled)) == expected)
            .QuickCheckThrowOnFailure();
    }

    [Fact]
    public void Many_threads_compile_the_same_as_one()
    {
        var files = Fleet(Sites);
        var one = CaseFile.Describe(CaseFile.Compile(files));
        for (var round = 0; round < 5; round++)
            Assert.Equal(one, CaseFile.Describe(CompileLoop.Compile(CaseFile.Tree(files), null, default)));
    }

    [Fact]
    public void A_later_compile_gives_what_a_first_one_would()
    {
        var files = Fleet(20);
        FleetCompilation? previous = null;
        Prop.ForAll(Gen.Choose(0, 7).Zip(Gen.Choose(0, 5)).Select(pair => (Edit: pair.Item1, Number: pair.Item2)).ArrayOf(8).ToArbitrary(), edits =>
        {
            foreach (var (edit, number) in edits)
            {
                Apply(files, edit, number);
                previous = CaseFile.Compile(files, previous);
                if (CaseFile.Describe(previous) != CaseFile.Describe(CaseFile.Compile(files))) return false;
            }
            return true;
        }).QuickCheckThrowOnFailure();
    }

    [Fact]
    public void A_site_that_did_not_change_is_the_same_instance()
    {
        var files = Fleet(Sites);
        var before = CaseFile.Compile(files);
        files["sites/eu/site-7.yaml"] = Site(7, port: 9999);
        var after = CaseFile.Compile(files, before);
        var changed = after.Sites!.Zip(before.Sites!).Where(pair => !ReferenceEquals(pair.First, pair.Second)).ToList();
        Assert.Equal("site-7", Assert.Single(changed).First.Id.Value);
    }

    [Fact]
    public void A_change_without_effect_keeps_every_site()
    {
        var files = CaseFile.Base();
        var before = CaseFile.Compile(files);
        files["groups/lab.yaml"] += "# a comment\n";
        files["apps/gateway/app.yaml"] += "# another\n";
        Assert.True(CaseFile.Compile(files, before).Sites!.SequenceEqual(before.Sites!, ReferenceEqualityComparer.Instance));
    }

    [Fact]
    public void A_failed_commit_gives_no_sites_and_the_next_one_still_takes_over()
    {
        var files = CaseFile.Base();
        var before = CaseFile.Compile(files);
        var good = files["fleet.yaml"];
        files["fleet.yaml"] = "nonsense";
        var failed = CaseFile.Compile(files, before);
        Assert.Null(failed.Sites);
        files["fleet.yaml"] = good;
        Assert.Equal(CaseFile.Describe(before), CaseFile.Describe(CaseFile.Compile(files, failed)));
    }

    [Fact]
    public void A_layer_is_made_again_byte_for_byte()
    {
        foreach (var app in CaseFile.Compile(CaseFile.Base()).Sites!.SelectMany(site => site.Apps))
            Assert.Equal(app.Descriptor.Digest, Digest.Of(app.ToBlob().Content.Span));
    }

    [Fact]
    public void Sites_that_agree_on_what_templates_read_share_a_layer()
    {
        var files = CaseFile.Base();
        files["sites/eu/lyon-2.yaml"] = files["sites/eu/basel-1.yaml"].Replace("name: basel-1", "name: lyon-2", StringComparison.Ordinal);
        var sites = CaseFile.Compile(files).Sites!;
        Assert.Same(sites[0].Apps[1], sites[2].Apps[1]);
        Assert.Equal(sites[0].Bundle, sites[2].Bundle);
    }

    [Fact]
    public void A_preview_names_changed_new_and_removed_sites()
    {
        var files = CaseFile.Base();
        var before = CaseFile.Compile(files);
        files.Remove("sites/us/boston-3.yaml");
        files["sites/us/austin-4.yaml"] = "apiVersion: capillary.dev/v1\nkind: Site\nmetadata: {name: austin-4}\n"
            + "spec: {platform: host, distribution: debian, variables: {facility: A}}\n";
        files["sites/eu/lyon-2.yaml"] += "    port: 1\n";
        var preview = FleetPreview.Compare(before.Sites!, CaseFile.Compile(files, before).Sites!);
        Assert.Equal(["austin-4 Added", "boston-3 Removed", "lyon-2 Changed"], preview.Changes.Select(change =>
            $"{change.Site} {change.Kind}"));
        Assert.Equal(1, preview.Unchanged);
    }

    private static SortedDictionary<string, string> Fleet(int sites)
    {
        var files = CaseFile.Base();
        for (var index = 0; index < sites; index++) files[$"sites/eu/site-{index}.yaml"] = Site(index, 8000 + index);
        return files;
    }

    private static string Site(int index, int port) =>
        $$$"""
        apiVersion: capillary.dev/v1
        kind: Site
        metadata: {name: site-{{{index}}}, labels: {setting: {{{(index % 2 == 0 ? "lab" : "ward")}}}}}
        spec:
          platform: host
          distribution: debian
          variables:
            facility: F{{{index}}}
            port: {{{port}}}

        """;

    /// <summary>Edits that a person might make, good and bad.</summary>
    private static void Apply(SortedDictionary<string, string> files, int edit, int number)
    {
        string Base(string path, string old, string now) => CaseFile.Base()[path].Replace(old, now, StringComparison.Ordinal);
        switch (edit)
        {
            case 0: files[$"sites/eu/site-{number}.yaml"] = Site(number, 7000 + number); break;
            case 1: files.Remove($"sites/eu/site-{number}.yaml"); break;
            case 2: files["groups/lab.yaml"] = Base("groups/lab.yaml", "priority: 5", $"priority: {number}"); break;
            case 3: files["apps/gateway/templates/gateway.conf.j2"] = $"number={number} {{{{ vars.port }}}}\n"; break;
            case 4: files["fleet.yaml"] = Base("fleet.yaml", "info", number > 3 ? "nonsense" : "warning"); break;
            // A default deep in a list that a site sets, and the list itself.
            case 5:
                files["apps/gateway/templates/extra.conf.j2"] = "{{ vars.analysers | default([]) | tojson }}\n";
                files["apps/gateway/app.yaml"] = Base("apps/gateway/app.yaml", "  variables:\n",
                    "  variables:\n    analysers: {type: list, default: [{}], items: {type: object, properties: "
                        + $"{{name: {{type: string}}, port: {{type: integer, maximum: 4, default: {number}}}}}}}}}\n");
                break;
            case 6:
                files[$"sites/eu/site-{number}.yaml"] = Site(number, 8000) + $"    analysers: [{{name: a}}, {{port: {number}}}]\n";
                break;
            default: files["apps/gateway/bin/gateway"] = $"program {number}\n"; break;
        }
    }
}
