using System.Text.Json;
using Capillary.Fleet.Documents;
using Capillary.Fleet.Schemas;
using Capillary.Fleet.Variables;
using Json.Schema;
using Xunit;

namespace Capillary.Tests.Fleet.Variables;

/// <summary>Types of variables: against their JSON Schemas, judged by a validator that is not ours, and what values remember.</summary>
public sealed class VariableTypeTests
{
    private const int Rounds = 3_000;

    [Fact]
    public void A_value_has_a_type_exactly_when_the_types_schema_takes_it()
    {
        var (fits, refused) = (0, 0);
        Each((types, seed) =>
        {
            var type = types.Type(2);
            var node = types.Value(type, 3);
            if (IsReadOtherwise(node)) return;
            var problems = new VariableValue(node).Problems(type, "x");
            var schema = ValueSchema.Of(type).ToJsonString();
            var valid = JsonSchema.FromText(schema).Evaluate(JsonDocument.Parse(CanonicalJson.Write(node)).RootElement).IsValid;
            Assert.True(valid == (problems.Count == 0), $"seed {seed}: {schema} takes {CanonicalJson.Text(node)}: {valid}; we say {string.Join("; ", problems)}");
            _ = valid ? fits++ : refused++;
        });
        Assert.True(fits > Rounds / 5 && refused > Rounds / 5, $"{fits} fit, {refused} do not");
    }

    [Fact]
    public void A_completed_value_fits_and_leaves_nothing_out()
    {
        var filled = 0;
        Each((types, seed) =>
        {
            var type = new ListType(types.Object(2), null, null, false);
            var value = new VariableValue(types.Value(type, 4));
            if (value.As(type) is not { } complete)
            {
                Assert.True(value.Problems(type, "x").Count > 0, $"seed {seed}");
                return;
            }
            Assert.True(complete.Problems(type, "x").Count == 0, $"seed {seed}: {complete}");
            Assert.True(ReferenceEquals(complete, complete.As(type)), $"seed {seed}: {complete}");
            Assert.True(ReferenceEquals(complete, value.As(type)), $"seed {seed}: completed twice");
            Assert.Equal(ReferenceEquals(complete, value), value.Filled(type, "x").Count == 0);
            if (!ReferenceEquals(complete, value)) filled++;
        });
        Assert.True(filled > Rounds / 100, $"{filled}");
    }

    /// <summary>Sites with equal keys share what is rendered: then a template must not tell them apart.</summary>
    [Fact]
    public void Values_have_one_key_exactly_when_a_template_prints_them_alike()
    {
        var byKey = new Dictionary<string, string>(StringComparer.Ordinal);
        var byText = new Dictionary<string, string>(StringComparer.Ordinal);
        Each((types, seed) =>
        {
            var value = new VariableValue(types.Value(types.Type(2), 3));
            // A text and a list print alike; within a list they do not.
            var text = new VariableValue(new YamlSequence([value.Node], value.At, 1)).ToJinja().ToString();
            if (!byKey.TryAdd(value.Key, text)) Assert.True(byKey[value.Key] == text, $"seed {seed}: {value} and {byKey[value.Key]} share {value.Key}");
            if (!byText.TryAdd(text, value.Key)) Assert.True(byText[text] == value.Key, $"seed {seed}: {value} has {value.Key} and {byText[text]}");
        });
        Assert.True(byKey.Count > Rounds / 10, $"{byKey.Count}");
    }

    [Fact]
    public void A_value_is_judged_anew_for_another_type()
    {
        var value = new VariableValue(Yaml("[{a: 1}]"));
        var whole = Objects(new IntegerType(), """{"x":2}""");
        var text = Objects(new StringType(), null);
        Assert.Equal("[{a: 1, x: {x: 2}}]", value.As(whole)!.ToString());
        Assert.Null(value.As(text));
        Assert.Equal("[{a: 1, x: {x: 2}}]", value.As(whole)!.ToString());
        Assert.Equal("[{a: 1}]", value.As(new ListType(AnyType.Instance, null, null, false))!.ToString());
    }

    [Theory]
    [InlineData("a+b", "aab", true)]
    [InlineData("a+b", "xaab", false)]
    [InlineData("a+b", "aabx", false)]
    [InlineData("a+b", "aab\n", false)]
    [InlineData("a|ab", "ab", true)]
    [InlineData("", "", true)]
    [InlineData("", "a", false)]
    [InlineData("^a$", "a", true)]
    public void A_pattern_is_for_the_whole_text(string pattern, string text, bool matches) =>
        Assert.Equal(matches, TextPattern.Parse(pattern, out _)!.Matches(text));

    [Fact]
    public void A_pattern_that_would_backtrack_for_ever_does_not() =>
        Assert.False(TextPattern.Parse("(a|a|aa)+b|(a*)*c", out _)!.Matches(new string('a', 200_000)));

    [Theory]
    [InlineData("(?=a)")]
    [InlineData("(a)\\1")]
    [InlineData("a)|(b")]
    [InlineData("[a")]
    [InlineData("(((a{1,500}){1,500}){1,500})")]
    public void A_pattern_that_cannot_be_used_is_refused(string pattern)
    {
        Assert.Null(TextPattern.Parse(pattern, out var problem));
        Assert.NotEmpty(problem!);
    }

    [Fact]
    public void A_long_pattern_is_refused() => Assert.Null(TextPattern.Parse(new string('a', TextPattern.MaxLength + 1), out _));

    [Fact]
    public void Lengths_count_characters_and_not_their_halves() =>
        Assert.Empty(new VariableValue(Yaml("\"😀😀\"")).Problems(new StringType(2, 2), "x"));

    [Fact]
    public void Few_problems_are_said_of_a_long_list()
    {
        var list = new VariableValue(Yaml($"[{string.Join(',', Enumerable.Repeat("x", 10_000))}]"));
        Assert.Equal(ValueProblems.Limit, list.Problems(new ListType(new IntegerType(), null, null, true), "x").Count);
    }

    [Fact]
    public void The_values_that_the_page_shows_have_the_types_that_it_shows()
    {
        var blocks = DocsTests.Blocks(DocsTests.Read("docs/fleet-language.md"), "yaml")
            .Where(block => block.StartsWith("variables:\n  analysers:", StringComparison.Ordinal)).ToList();
        var bag = new DiagnosticBag("a");
        var readers = blocks.Select(block => new FieldReader((YamlMapping)Yaml(block), "", bag)).ToList();
        Assert.Equal(2, readers.Count);
        var declared = VariableReader.Declarations(readers[0]);
        foreach (var setting in VariableReader.Settings(readers[1])) Assert.Empty(declared[setting.Name].Problems(setting.Value));
        Assert.Empty(bag.Items);
    }

    private static ListType Objects(VariableType a, string? preset)
    {
        var at = new TextPosition(1, 1);
        var properties = new Dictionary<string, VariableDeclaration> { ["a"] = new("a", a, null, true, null, at) };
        if (preset is not null)
        {
            var type = new ObjectType(new Dictionary<string, VariableDeclaration>(), AnyType.Instance);
            properties["x"] = new("x", type, new VariableValue(Yaml(preset)), false, null, at);
        }
        return new ListType(new ObjectType(properties, null), null, null, false);
    }

    private static YamlNode Yaml(string yaml) => YamlLoader.Load(yaml, new DiagnosticBag("a")).Single();

    /// <summary>In JSON 1.0 is a whole number; we read null as a value that is missing; and the validator's <c>$</c> is .NET's, which
    /// holds before a last newline, where that of JSON Schema does not.</summary>
    private static bool IsReadOtherwise(YamlNode node) => node switch
    {
        YamlSequence list => list.Items.Any(IsReadOtherwise),
        YamlMapping map => map.Entries.Any(entry => IsReadOtherwise(entry.Value)),
        YamlScalar scalar => CoreSchema.Resolve(scalar) is var value && (value.Kind == ScalarKind.Null
            || (value.Kind == ScalarKind.Number && !value.Text.Contains('.')) || value.Text.EndsWith('\n')),
        _ => false,
    };

    private static void Each(Action<RandomTypes, int> body)
    {
        var first = Environment.TickCount;
        for (var seed = first; seed < first + Rounds; seed++) body(new RandomTypes(new Random(seed)), seed);
    }
}
