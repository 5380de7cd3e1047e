using System.Text.Json;
using Capillary.Core.Apply.Kubernetes;
using Xunit;

namespace Capillary.Tests.Core.Apply.Kubernetes;

public sealed class JsonPathTests
{
    private const string Live = """
        {"a":{"b":3,"c.d":true,"n":null},"list":[{"t":"Ready","s":"True"},{"t":"Synced","s":"False","x":{"y":"it's"}},{"s":1}],"x-y":"z"}
        """;

    [Theory]
    [InlineData(".a.b", "3")]
    [InlineData("$.a.b", "3")]
    [InlineData(".a['c.d']", "true")]
    [InlineData("[\"a\"][\"c.d\"]", "true")]
    [InlineData(".x-y", "z")]
    [InlineData(".list[0].t", "Ready")]
    [InlineData(".list[-1].s", "1")]
    [InlineData(".list[7].s", "")]
    [InlineData(".list[*].t", "Ready|Synced")]
    [InlineData(".list[?(@.t==\"Ready\")].s", "True")]
    [InlineData(".list[?(@.t == 'Synced')].s", "False")]
    [InlineData(".list[?(@.t!=\"Ready\")].s", "False|1")]
    [InlineData(".list[?(@.s==1)].s", "1")]
    [InlineData(".list[?(@.x.y=='it\\'s')].t", "Synced")]
    [InlineData(".list[?(@.x)].t", "Synced")]
    [InlineData(".a[*]", "3|true")]
    [InlineData(".a.n", "")]
    [InlineData(".a.b.c", "")]
    [InlineData(".list.t", "")]
    [InlineData(".a", """{"b":3,"c.d":true,"n":null}""")]
    public void It_finds_what_is_there(string path, string expected)
    {
        using var document = JsonDocument.Parse(Live);
        var found = Parsed(path).Of(document.RootElement)
            .Select(value => value.ValueKind == JsonValueKind.String ? value.GetString() : value.GetRawText());
        Assert.Equal(expected, string.Join('|', found));
    }

    [Theory]
    [InlineData("", "1 to 512 characters")]
    [InlineData("$", "names no member")]
    [InlineData("status.phase", "'.' or '[' is expected at character 1")]
    [InlineData("{.status}", "'.' or '[' is expected at character 1")]
    [InlineData(".a..b", "a name is expected at character 4")]
    [InlineData(".a[", "expected a number")]
    [InlineData(".a[x]", "expected a number")]
    [InlineData(".a[0", "']' is expected at character 5")]
    [InlineData(".a['b]", "a quote is not closed")]
    [InlineData(".a[?(@.b==)]", "a value is expected at character 11")]
    [InlineData(".a[?(@.b=\"c\")]", "'=' is expected at character 10")]
    [InlineData(".a[?(b==1)]", "'@' is expected at character 6")]
    [InlineData(".a[?(@.b=='c']", "')' is expected at character 14")]
    public void A_bad_path_says_where(string path, string problem)
    {
        Assert.Null(JsonPath.Parse(path, out var said));
        Assert.Contains(problem, said, StringComparison.Ordinal);
    }

    [Fact]
    public void A_path_that_is_too_long_is_refused() =>
        Assert.Null(JsonPath.Parse("." + new string('a', JsonPath.MaxLength), out _));

    [Theory]
    [InlineData(".a.b", HealthOperator.Equals, "3.0", true)]
    [InlineData(".a.b", HealthOperator.Equals, "4", false)]
    [InlineData(".a.b", HealthOperator.NotEquals, "4", true)]
    [InlineData(".none", HealthOperator.NotEquals, "4", true)]
    [InlineData(".none", HealthOperator.Equals, "", false)]
    [InlineData(".list[*].t", HealthOperator.Equals, "Synced", true)]
    [InlineData(".list[*].t", HealthOperator.NotEquals, "Synced", false)]
    [InlineData(".list[0].t", HealthOperator.In, "Synced, Ready", true)]
    [InlineData(".list[0].t", HealthOperator.In, "Synced", false)]
    [InlineData(".a['c.d']", HealthOperator.Exists, "", true)]
    [InlineData(".a.n", HealthOperator.Exists, "", false)]
    [InlineData(".a.n", HealthOperator.Missing, "", true)]
    [InlineData(".a.b", HealthOperator.GreaterOrEqual, "3", true)]
    [InlineData(".a.b", HealthOperator.GreaterOrEqual, "3.5", false)]
    [InlineData(".a.b", HealthOperator.Less, "3.5", true)]
    [InlineData(".a.b", HealthOperator.Less, "3", false)]
    [InlineData(".x-y", HealthOperator.Less, "3", false)]
    [InlineData(".none", HealthOperator.GreaterOrEqual, "0", false)]
    public void A_test_compares(string path, HealthOperator how, string value, bool holds)
    {
        using var document = JsonDocument.Parse($$"""{"apiVersion":"e.com/v1","kind":"K",{{Live.Trim()[1..]}}""");
        var health = KubernetesHealth.Of(document.RootElement, [new HealthRule("e.com", "K", [new(path, how, value)], [], [], null)]);
        Assert.Equal(holds ? ObjectHealthState.Healthy : ObjectHealthState.Progressing, health!.State);
    }

    private static JsonPath Parsed(string path)
    {
        var parsed = JsonPath.Parse(path, out var problem);
        Assert.True(parsed is not null, problem);
        return parsed;
    }
}
