using System.Runtime.CompilerServices;
using Capillary.Core.Apply;
using Xunit;

namespace Capillary.Tests.Core.Apply;

/// <summary>The machine and the planner on a cluster: golden transcripts, and a crash at every point.</summary>
public sealed class ClusterMachineTests
{
    private readonly TestBundles bundles = new();

    [Theory]
    [InlineData("first")]
    [InlineData("changed")]
    [InlineData("failed")]
    [InlineData("held")]
    public void Transcripts_are_golden(string story)
    {
        var site = new FakeSite(bundles, _ => true);
        foreach (var desired in Story(story, site.Cluster))
        {
            site.Boot();
            site.Tell(new ApplyEvent.Assigned(desired));
            site.Settle();
        }
        GoldenFile.CheckText(Path.Combine(Path.GetDirectoryName(ThisFile())!, "Golden", $"Cluster_{story}.txt"), site.Transcript);
    }

    private static string ThisFile([CallerFilePath] string here = "") => here;

    [Theory]
    [InlineData("changed")]
    [InlineData("failed")]
    [InlineData("held")]
    [InlineData("back")]
    public void Promise4_a_crash_at_any_point_ends_as_without_it_and_no_run_of_a_hook_is_doubled(string story)
    {
        var expected = Play(story, -1);
        Assert.True(expected.Points > 20);
        for (var point = 0; point < expected.Points; point++) Assert.Equal(expected.End, Play(story, point).End);
    }

    private (string End, int Points) Play(string story, int crash)
    {
        var site = new FakeSite(bundles, _ => true) { CrashAt = crash };
        foreach (var desired in Story(story, site.Cluster))
        {
            void Live()
            {
                site.Boot();
                site.Tell(new ApplyEvent.Assigned(desired));
                site.Settle();
            }
            try
            {
                Live();
            }
            catch (CrashException)
            {
                site.CrashAt = -1;
                // What a removal was cut in is wanted again by what comes next.
                if (story != "back" || desired.Since != 2) Live();
            }
        }
        var cluster = site.Cluster;
        string[] end =
        [
            $"{site.Status.Phase} {site.Status.Bundle} {site.Status.Since}", .. cluster.Objects.Select(item => $"{item.Key}={item.Value}"),
            .. cluster.Inventories.Select(item => $"{item.Key}: {item.Value}"), .. cluster.Runs,
            .. site.Status.Conditions.Select(item => $"{item.Code} {item.Subject} {item.Text}"),
            .. site.State.Owned.Select(item => $"{item.Key} {item.Digest}"),
        ];
        return (string.Join('\n', end), site.Points);
    }

    private IEnumerable<DesiredBundle> Story(string story, FakeCluster cluster)
    {
        var first = bundles.Bundle(App("1"), new TestApp("db").Object(Object("v1", "Namespace", "db")).Object(Object("apps/v1", "StatefulSet", "db")));
        yield return new(first, null, 1);
        if (story == "first") yield break;
        if (story == "changed")
            yield return new(bundles.Bundle(App("2"), new TestApp("db").Object(Object("apps/v1", "StatefulSet", "db"))), first, 2);
        if (story == "back")
        {
            yield return new(bundles.Bundle(App("1"), new TestApp("db").Object(Object("v1", "Namespace", "db"))), first, 2);
            yield return new(first, null, 3);
        }
        if (story == "failed")
        {
            cluster.Sick.Add("bad");
            yield return new(bundles.Bundle(App("2"), new TestApp("bad").Object(Object("apps/v1", "Deployment", "bad"))), first, 2);
        }
        if (story == "held")
        {
            var little = bundles.Bundle(new TestApp("db").Object(Object("apps/v1", "StatefulSet", "db")));
            yield return new(little, first, 2);
            yield return new(little, first, 3) { PruneConfirmed = true };
        }
    }

    private static TestApp App(string value) => new TestApp("web")
        .Object(Object("v1", "ConfigMap", "settings", value))
        .Object(Object("v1", "Service", "front"))
        .Object(Object("apps/v1", "Deployment", "front"))
        .Object(Object("lab.example/v1", "Analyzer", "cobas", value, "\"capillary.dev/apply-order\":\"2\""))
        .Object(Object("apiextensions.k8s.io/v1", "CustomResourceDefinition", "analyzers.lab.example"))
        .Object(Object("batch/v1", "Job", "migrate", "", "\"argocd.argoproj.io/hook\":\"PreSync\""))
        .Object(Object("batch/v1", "Job", "notify", "", "\"capillary.dev/hook\":\"post\""))
        .Object(Object("batch/v1", "Job", "alarm", "", "\"capillary.dev/hook\":\"on-failure\""));

    private static string Object(string version, string kind, string name, string value = "", string annotations = "") =>
        """{"apiVersion":"VERSION","kind":"KIND","metadata":{"name":"NAME","annotations":{NOTES}},"spec":{"value":"VALUE"}}"""
            .Replace("VERSION", version).Replace("KIND", kind).Replace("NAME", name).Replace("NOTES", annotations).Replace("VALUE", value);
}
