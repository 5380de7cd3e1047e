using System.Runtime.CompilerServices;
using System.Text;
using System.Text.Json;
using Capillary.Core.Apply.Kubernetes;
using Capillary.Fleet.Documents;
using Xunit;

namespace Capillary.Tests.Core.Apply.Kubernetes;

/// <summary>
/// One file for each kind in the folder <c>Cases</c>: <c>-- STATE: what --</c> begins a live object whose health is STATE (<c>None</c>: no
/// rule); the golden part behind <c>-- expected --</c> adds the messages. <c>CAPILLARY_GOLDEN=update</c> writes only that part anew.
/// </summary>
public sealed class HealthCaseTests
{
    private const string Expected = "-- expected --";

    private static readonly HealthRule[] Rules =
    [
        new("stable.example.com", "Valve", [new(".status.state", HealthOperator.In, "open,half")],
            [new(".status.conditions[?(@.type==\"Leak\")].status", HealthOperator.Equals, "True")],
            [new(".spec.locked", HealthOperator.Equals, "true")], ".status.why"),
        new("", "Service", [new(".spec.clusterIP", HealthOperator.Exists, "")], [], [], null),
    ];

    public static TheoryData<string> Cases() =>
        [.. Directory.EnumerateFiles(Folder(), "*.txt").Select(Path.GetFileNameWithoutExtension).OfType<string>()
            .Order(StringComparer.Ordinal)];

    [Theory]
    [MemberData(nameof(Cases))]
    public void A_kind_has_the_health_that_its_cases_say(string name)
    {
        var path = Path.Combine(Folder(), name + ".txt");
        var text = File.ReadAllText(path);
        var (input, expected) = text.IndexOf(Expected, StringComparison.Ordinal) is >= 0 and var at ? (text[..at], text[at..]) : (text, "");
        var actual = new StringBuilder(Expected).Append('\n');
        foreach (var section in ("\n" + input).Split("\n-- ").Skip(1))
        {
            var title = section[..section.IndexOf(" --\n", StringComparison.Ordinal)];
            var rules = name.StartsWith("Rules", StringComparison.Ordinal) ? Rules : [];
            var health = KubernetesHealth.Of(Live(section[(title.Length + 4)..]), rules);
            var state = health?.State.ToString() ?? "None";
            Assert.True(title.StartsWith(state + ": ", StringComparison.Ordinal), $"{name}: '{title}' is {state} ({health?.Message})");
            actual.Append(title).Append(" = ").Append(health?.Message ?? "(no message)").Append('\n');
        }
        if (GoldenFile.Updating) File.WriteAllText(path, input + actual);
        else Assert.Equal(expected, actual.ToString());
    }

    [Fact]
    public void Every_built_in_kind_has_cases_of_its_own()
    {
        string[] kinds =
        [
            "APIService", "CronJob", "CustomResourceDefinition", "DaemonSet", "Deployment", "HorizontalPodAutoscaler", "Ingress", "Job",
            "Namespace", "PersistentVolumeClaim", "Pod", "ReplicaSet", "Service", "StatefulSet",
        ];
        Assert.All(kinds, kind => Assert.True(File.Exists(Path.Combine(Folder(), kind + ".txt")), kind));
    }

    [Theory]
    [InlineData("[]")]
    [InlineData("{}")]
    [InlineData("""{"apiVersion":3,"kind":[],"metadata":[],"status":7}""")]
    [InlineData("""{"apiVersion":"apps/v1","kind":"Deployment","metadata":{"generation":"x"},"spec":[],"status":{"conditions":{}}}""")]
    [InlineData("""{"apiVersion":"example.com/v1","kind":"A","status":{"conditions":[1,null,{"type":{}}]}}""")]
    public void Nothing_that_a_server_sends_makes_it_fail(string json)
    {
        using var document = JsonDocument.Parse(json);
        KubernetesHealth.Of(document.RootElement, Rules);
    }

    private static JsonElement Live(string yaml)
    {
        var bag = new DiagnosticBag("case");
        var root = Assert.Single(YamlLoader.Load(yaml, bag));
        Assert.Empty(bag.Items);
        return JsonDocument.Parse(CanonicalJson.Write(root)).RootElement;
    }

    private static string Folder([CallerFilePath] string here = "") => Path.Combine(Path.GetDirectoryName(here)!, "Cases");
}
