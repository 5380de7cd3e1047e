using Capillary.Fleet.Documents;
using Xunit;

namespace Capillary.Tests.Fleet;

/// <summary>Scalars, labels and selectors, against the rules of YAML 1.2 and Kubernetes.</summary>
public sealed class LanguageTests
{
    [Theory]
    [InlineData("", ScalarKind.Null, "")]
    [InlineData("~", ScalarKind.Null, "")]
    [InlineData("True", ScalarKind.Boolean, "true")]
    [InlineData("yes", ScalarKind.String, "yes")]
    [InlineData("off", ScalarKind.String, "off")]
    [InlineData("0644", ScalarKind.Integer, "644")]
    [InlineData("0o17", ScalarKind.Integer, "15")]
    [InlineData("0xff", ScalarKind.Integer, "255")]
    [InlineData("+12", ScalarKind.Integer, "12")]
    [InlineData("-", ScalarKind.String, "-")]
    [InlineData("1_000", ScalarKind.String, "1_000")]
    [InlineData("1e3", ScalarKind.Number, "1000")]
    [InlineData(".5", ScalarKind.Number, "0.5")]
    [InlineData("1.", ScalarKind.Number, "1")]
    [InlineData(".", ScalarKind.String, ".")]
    [InlineData("e5", ScalarKind.String, "e5")]
    [InlineData("1.2.3", ScalarKind.String, "1.2.3")]
    [InlineData("12:30", ScalarKind.String, "12:30")]
    [InlineData("9223372036854775807", ScalarKind.Integer, "9223372036854775807")]
    [InlineData("9223372036854775808", ScalarKind.Number, "9.223372036854776E+18")]
    [InlineData("0o7777777777777777777777", ScalarKind.String, "0o7777777777777777777777")]
    [InlineData("0o77777777777777777777", ScalarKind.Integer, "1152921504606846975")]
    [InlineData("1e999", ScalarKind.String, "1e999")]
    [InlineData(".inf", ScalarKind.String, ".inf")]
    public void Plain_scalars_follow_the_core_schema(string text, ScalarKind kind, string canonical) =>
        Assert.Equal(new ScalarValue(kind, canonical), CoreSchema.Resolve(text));

    [Theory]
    [InlineData("apps/lab/app.yaml", TreeReading.Hold)]
    [InlineData("apps/lab/templates/.env", TreeReading.Hold)]
    [InlineData("apps/lab/.capillary-template.yaml", TreeReading.Skip)]
    [InlineData("apps/lab/.fengine.yaml", TreeReading.Skip)]
    [InlineData("apps/lab/templates/.capillary-template.yaml", TreeReading.Skip)]
    [InlineData("apps/lab/.capillary-unfinished/plan.json", TreeReading.Skip)]
    [InlineData("sites/basel/.capillary-template.yaml", TreeReading.Skip)]
    public void What_a_template_keeps_in_its_instances_is_no_document(string path, TreeReading reading) =>
        Assert.Equal(reading, FleetLayout.Reading(path));

    [Theory]
    [InlineData("app", true)]
    [InlineData("example.com/app", true)]
    [InlineData("A.b_c-d", true)]
    [InlineData("", false)]
    [InlineData("-a", false)]
    [InlineData("a-", false)]
    [InlineData("a/b/c", false)]
    [InlineData("/a", false)]
    [InlineData("a/", false)]
    [InlineData("Example.com/a", false)]
    [InlineData("ä", false)]
    public void Label_keys_follow_Kubernetes(string key, bool isValid) => Assert.Equal(isValid, LabelSyntax.KeyProblem(key) is null);

    [Fact]
    public void Label_lengths_follow_Kubernetes()
    {
        Assert.Null(LabelSyntax.KeyProblem(new string('a', 63)));
        Assert.NotNull(LabelSyntax.KeyProblem(new string('a', 64)));
        Assert.Null(LabelSyntax.ValueProblem(""));
        Assert.Null(LabelSyntax.ValueProblem(new string('a', 63)));
        Assert.NotNull(LabelSyntax.ValueProblem(new string('a', 64)));
    }

    [Theory]
    [InlineData(SelectorOperator.In, "x", true)]
    [InlineData(SelectorOperator.In, "other", false)]
    [InlineData(SelectorOperator.In, null, false)]
    [InlineData(SelectorOperator.NotIn, "x", false)]
    [InlineData(SelectorOperator.NotIn, "other", true)]
    [InlineData(SelectorOperator.NotIn, null, true)]
    [InlineData(SelectorOperator.Exists, "x", true)]
    [InlineData(SelectorOperator.Exists, null, false)]
    [InlineData(SelectorOperator.DoesNotExist, "x", false)]
    [InlineData(SelectorOperator.DoesNotExist, null, true)]
    public void Selectors_follow_Kubernetes(SelectorOperator operation, string? value, bool matches)
    {
        var labels = new Dictionary<string, string>();
        if (value is not null) labels["key"] = value;
        var selector = new Selector([new Requirement("key", operation, ["x", "y"])]);
        Assert.Equal(matches, selector.Matches(labels));
        Assert.True(Selector.Everything.Matches(labels));
        Assert.False(new Selector([.. selector.Requirements, new Requirement("no", SelectorOperator.Exists, [])]).Matches(labels));
    }

    [Theory]
    [InlineData("prot", "port")]
    [InlineData("varaibles", "variables")]
    [InlineData("xyz", null)]
    public void A_near_name_is_suggested(string wrong, string? right) =>
        Assert.Equal(right, NearestName.Find(wrong, ["port", "variables", "name"]));
}
