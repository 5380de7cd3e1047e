using Capillary.Jinja;
using Xunit;

namespace Capillary.Tests.Jinja;

/// <summary>What Jinja2 does not have to compare with: our own filters, values of .NET, threads, random input.</summary>
public sealed class TemplateTests
{
    [Theory]
    [InlineData("{{ {'b': 1, 'a': [1, 'é<', none, true, 1.5]} | to_json }}", "{\"b\":1,\"a\":[1,\"é<\",null,true,1.5]}")]
    [InlineData("{{ 'hello' | hash('sha256') }}", "2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824")]
    [InlineData("{{ 'hé' | base64encode }} {{ 'hé' | b64 | b64decode }}", "aMOp hé")]
    [InlineData("{{ 'plain text' | to_yaml }}", "plain text")]
    [InlineData("{% for x in ['yes', '1', '', 'a: b'] %}{{ x | to_yaml }} {% endfor %}", "\"yes\" \"1\" \"\" \"a: b\" ")]
    [InlineData("{% for x in [1, true, none, 1.5, 1e16] %}{{ x | to_yaml }} {% endfor %}", "1 true null 1.5 1.0e+16 ")]
    [InlineData("{{ {'a': 1, 'b': [1, {'c': 2, 'd': []}], 'e': {'f': {}}} | to_yaml }}", "a: 1\nb:\n- 1\n- c: 2\n  d: []\ne:\n  f: {}")]
    [InlineData("{{ [[1, 2], [3]] | to_yaml }}", "- - 1\n  - 2\n- - 3")]
    [InlineData("{% set loop_ = 1 %}{{ loop_ }}", "1")]
    public void Renders(string template, string expected) => Assert.Equal(expected, Render(template, []));

    [Fact]
    public void Values_print_as_Python_prints_them()
    {
        var map = JinjaValue.FromMap(new Dictionary<string, JinjaValue>
        {
            ["k"] = 1,
            ["l"] = JinjaValue.FromList(["a", 1.0, true, JinjaValue.None]),
        });
        Assert.Equal("{'k': 1, 'l': ['a', 1.0, True, None]}", map.ToString());
        Assert.Equal("", JinjaValue.Undefined.ToString());
        Assert.Equal(JinjaValue.From(1), JinjaValue.From(1.0));
        Assert.Equal(JinjaValue.From(1).GetHashCode(), JinjaValue.From(1.0).GetHashCode());
        Assert.True(default(JinjaValue).IsUndefined);
        Assert.Equal(JinjaKind.Map, map.Kind);
    }

    [Fact]
    public void An_undefined_entry_is_no_entry() =>
        Assert.Equal("x", Render("{{ a | default('x') }}", new() { ["a"] = JinjaValue.Undefined }));

    [Fact]
    public void A_context_that_is_no_map_is_a_bug() =>
        Assert.Throws<ArgumentException>(() => JinjaTemplate.Parse("", "t").Render(1));

    [Fact]
    public void One_template_renders_on_many_threads_at_once()
    {
        const string Source = "{% set ns = namespace(s=0) %}{% macro m(x) %}<{{ x }}>{% endmacro %}"
            + "{% for i in range(n) %}{% set ns.s = ns.s + i %}{{ m(i) }}{{ loop.index }}{% endfor %}{{ ns.s }}";
        var template = JinjaTemplate.Parse(Source, "t");
        var alone = Enumerable.Range(0, 50).Select(n => template.Render(Numbered(n))).ToArray();
        Parallel.For(0, 5000, i => Assert.Equal(alone[i % 50], template.Render(Numbered(i % 50))));
    }

    [Fact]
    public void Random_templates_end_in_text_or_in_a_JinjaException()
    {
        string[] parts =
        [
            "{{ ", " }}", "{% ", " %}", "{%- ", " -%}", "{# ", " #}",
            "if ", "elif ", "else", "endif", "for ", "in ", "endfor", "set ", "endset",
            "macro ", "endmacro", "with ", "endwith", "filter ", "endfilter", "raw", "endraw",
            "a", "b", "m", "ns", "loop", ".", ".x", "[", "]", "(", ")", "{", "}",
            ",", ":", "|", "=", "==", "<", "+", "-", "*", "**", "/", "//", "%", "~",
            " is ", "not ", "and ", "or ", "1", "0", "2.5", "'s'", "\"t\"", "none", "true",
            "upper", "join", "sort", "map", "default", "first", "int", "round", "tojson", "batch", "indent",
            "defined", "odd", "eq", "range", "namespace", "dict",
            "items", "split", "\n", "text", "9223372036854775807", "-1", "::", "\\", "'\\x'", "😀", "if a", "for a in b",
        ];
        for (var seed = 0; seed < 20_000; seed++) RenderRandom(parts, new Random(seed));
    }

    private static void RenderRandom(string[] parts, Random random)
    {
        var source = "";
        var inside = random.Next(2) == 0;
        if (inside) source = "{{ ";
        for (var i = random.Next(1, 14); i > 0; i--) source += parts[random.Next(parts.Length)] + (random.Next(3) == 0 ? " " : "");
        if (inside) source += " }}";
        try
        {
            Render(source, new() { ["a"] = JinjaValue.FromList([1, "x", 2.5]), ["b"] = "text", ["m"] = Numbered(1) });
        }
        catch (JinjaException e)
        {
            Assert.True(e.Line >= 1 && e.Column >= 1, source);
        }
        catch (Exception e)
        {
            Assert.Fail($"{source}\n{e}");
        }
    }

    private static JinjaValue Numbered(int n) => JinjaValue.FromMap(new Dictionary<string, JinjaValue> { ["n"] = n });

    private static string Render(string template, Dictionary<string, JinjaValue> context) =>
        JinjaTemplate.Parse(template, "t", new JinjaOptions { MaxOutputChars = 1 << 20, MaxSteps = 1 << 20 })
            .Render(JinjaValue.FromMap(context));
}
