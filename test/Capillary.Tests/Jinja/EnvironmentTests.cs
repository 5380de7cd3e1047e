using Capillary.Jinja;
using Xunit;

namespace Capillary.Tests.Jinja;

/// <summary>Several templates, and what a host adds to them.</summary>
public sealed class EnvironmentTests
{
    private static readonly JinjaValue Context = JinjaValue.FromMap(new Dictionary<string, JinjaValue> { ["n"] = 3 });

    private static readonly JinjaValue WithRange = JinjaValue.FromMap(new Dictionary<string, JinjaValue> { ["range"] = "mine" });

    [Theory]
    [InlineData("page", "page:1:4: 'nope' is undefined", "{{ nope }}")]
    [InlineData("inner", "inner:2:6: unsupported operand type(s) for +: 'int' and 'str' (included from page:1:4)", "{% include 'inner' %}", "inner", "\n{{ 1 + 'a' }}")]
    [InlineData("b", "b:1:4: 'unknown' is undefined (included from a:1:4, included from page:2:4)", "\n{% include 'a' %}", "a", "{% include 'b' %}", "b", "{{ unknown }}")]
    [InlineData("lib", "lib:1:19: 'unknown' is undefined (called from page:1:29)", "{% import 'lib' as lib %}{{ lib.m() }}", "lib", "{% macro m() %}{{ unknown }}{% endmacro %}")]
    [InlineData("base", "base:1:4: 'unknown' is undefined (extended from page:1:4)", "{% extends 'base' %}", "base", "{{ unknown }}")]
    [InlineData("bad", "bad:1:8: expected an expression, found '}}' (included from page:1:12)", "{% include 'bad' %}", "bad", "{{ 1 + }}")]
    [InlineData("page", "page:1:4: there is no template 'gone'", "{% include 'gone' %}")]
    [InlineData("page", "page:1:4: there is none of the templates 'gone', 'lost'", "{% include ['gone', 'lost'] %}")]
    [InlineData("page", "page:1:4: 'page' extends itself, by way of 'page'", "{% extends 'page' %}")]
    [InlineData("b", "b:1:4: 'page' extends itself, by way of 'b' (extended from page:1:4)", "{% extends 'b' %}", "b", "{% extends 'page' %}")]
    public void An_error_says_how_one_got_there(string template, string message, string page, params string[] others)
    {
        var error = Assert.Throws<JinjaException>(() => Of([("page", page), .. others.Chunk(2).Select(pair => (pair[0], pair[1]))]).Find("page")!.Render(Context));
        Assert.Equal(message, error.Message);
        Assert.Equal(template, error.Template);
    }

    [Theory]
    [InlineData("{% include 'page' %}")]
    [InlineData("{% import 'page' as p %}")]
    [InlineData("{% from 'b' import x %}", "{% include 'page' %}")]
    [InlineData("{% block a %}{% include 'page' %}{% endblock %}")]
    [InlineData("{% macro m() %}{% include 'page' %}{% endmacro %}{{ m() }}")]
    public void Templates_that_reach_themselves_end_in_an_error(string page, string other = "")
    {
        var error = Assert.Throws<JinjaException>(() => Of(("page", page), ("b", other)).Find("page")!.Render(Context));
        Assert.Equal(JinjaErrorKind.Limit, error.Kind);
        Assert.Contains("deep", error.Reason, StringComparison.Ordinal);
        Assert.NotEmpty(error.Chain);
    }

    [Fact]
    public void Includes_are_counted()
    {
        var environment = new JinjaEnvironment
        {
            Loader = name => name == "b" ? "" : null, Options = new JinjaOptions { MaxIncludes = 100 },
        };
        var error = Assert.Throws<JinjaException>(() =>
            environment.Parse("{% for i in range(101) %}{% include 'b' %}{% endfor %}", "t").Render(Context));
        Assert.Contains("more than 100 templates", error.Reason, StringComparison.Ordinal);
    }

    [Fact]
    public void A_source_is_loaded_and_parsed_once()
    {
        var loads = 0;
        var environment = new JinjaEnvironment
        {
            Loader = name => name == "b" && Interlocked.Increment(ref loads) > 0 ? "{{ n }}" : null,
        };
        var template = environment.Parse("{% include 'b' %}{% include 'b' %}{% include 'x' ignore missing %}", "t");
        Assert.Equal("33", template.Render(Context));
        Assert.Equal("33", template.Render(Context));
        Assert.Equal(1, loads);
        Assert.Null(environment.Find("x"));
    }

    [Fact]
    public void A_host_adds_filters_tests_and_globals()
    {
        var environment = new JinjaEnvironment
        {
            Filters = new Dictionary<string, JinjaFunction>
            {
                ["shout"] = call => call.Text(call.Value).ToUpperInvariant() + (call.Argument(0, "mark").AsString ?? "!"),
                ["upper"] = _ => "own",
                ["fail"] = call => throw call.Fail("not like this"),
            },
            Tests = new Dictionary<string, JinjaTest> { ["big"] = call => call.Value.AsInteger > (call.Argument(0, "limit").AsInteger ?? 10) },
            Globals = new Dictionary<string, JinjaValue>
            {
                ["version"] = "1.5",
                ["add"] = JinjaValue.FromFunction("add", call => call.Arguments.Sum(item => item.AsInteger ?? 0)),
            },
        };
        const string Source = "{{ 'a' | shout }}{{ 'b' | shout('?') }}{{ 'c' | shout(mark='.') }} {{ 'x' | upper }} {{ 11 is big }}{{ 3 is big(2) }} "
            + "{{ version }} {{ add(1, 2, 3) }} {{ [1, 20] | select('big') | list }} {{ ['a'] | map('shout', '#') | join }} {{ range }}";
        Assert.Equal("A!B?C. own TrueTrue 1.5 6 [20] A# mine", environment.Parse(Source, "t").Render(WithRange));
        var error = Assert.Throws<JinjaException>(() => environment.Parse("\n {{ 1 | fail }}", "t").Render(Context));
        Assert.Equal("t:2:9: not like this", error.Message);
        Assert.Equal("shout", Assert.Throws<JinjaException>(() => environment.Parse("{{ 1 | shot }}", "t")).Suggestion);
    }

    [Fact]
    public void What_a_template_reads_includes_what_its_includes_read()
    {
        var environment = Of(
            ("page", "{% extends 'base' %}{% block a %}{{ vars.a }}{% include 'part' %}{% endblock %}{% import 'lib' as lib %}"),
            ("base", "{{ site.name }}{% block a %}{% endblock %}{{ range(2) }}"),
            ("part", "{{ vars.b }}{% include 'base' %}"),
            ("lib", "{{ not_read }}"),
            ("open", "{% include n %}"),
            ("gone", "{% include 'nowhere' ignore missing %}"));
        var page = environment.Find("page")!;
        Assert.Equal(["site", "vars"], page.FreeVariables);
        Assert.Equal(["site.name", "vars.a", "vars.b"], page.ReadPaths);
        Assert.Equal(["range"], page.Globals);
        Assert.False(page.ReadsAnything);
        Assert.True(environment.Find("open")!.ReadsAnything);
        Assert.True(environment.Find("gone")!.ReadsAnything);
    }

    [Fact]
    public void One_environment_renders_on_many_threads_at_once()
    {
        var environment = Of(
            ("page", "{% extends 'base' %}{% from 'lib' import m %}{% block a %}{% for i in range(n) %}{{ m(i) }}{% include 'part' %}{% endfor %}{% endblock %}"),
            ("base", "<{% block a %}{% endblock %}>"), ("part", "{{ i }},"), ("lib", "{% macro m(x) %}[{{ x }}]{% endmacro %}"));
        Parallel.For(0, 2000, i =>
        {
            var n = i % 7;
            var text = environment.Find("page")!.Render(JinjaValue.FromMap(new Dictionary<string, JinjaValue> { ["n"] = n }));
            Assert.Equal($"<{string.Concat(Enumerable.Range(0, n).Select(k => $"[{k}]{k},"))}>", text);
        });
    }

    [Fact]
    public void The_seed_alone_decides_what_is_random()
    {
        static string Render(long seed) => JinjaTemplate.Parse(
            "{% for i in range(20) %}{{ range(100) | random }},{% endfor %}{{ lipsum(n=1) }}", "t", new JinjaOptions { RandomSeed = seed }).Render(Context);
        Assert.Equal(Render(1), Render(1));
        Assert.NotEqual(Render(1), Render(2));
    }

    [Theory]
    [InlineData("10.0.0.250|ip_add_integer(10)", "10.0.1.4")]
    [InlineData("10.0.0.1|ip_add_integer(-1)", "10.0.0.0")]
    [InlineData("fd00::ffff|ip_add_integer(1)", "fd00::1:0")]
    [InlineData("10.1.2.5/24|cidr_network", "10.1.2.0")]
    [InlineData("10.1.2.5/24|cidr_address", "10.1.2.5")]
    [InlineData("10.1.2.5/24|cidr_netmask", "255.255.255.0")]
    [InlineData("10.1.2.5/24|cidr_broadcast", "10.1.2.255")]
    [InlineData("10.1.2.5/24|cidr_prefix", "24")]
    [InlineData("10.1.2.5/24|cidr_size", "256")]
    [InlineData("10.1.2.0/24|cidr_host(5)", "10.1.2.5")]
    [InlineData("10.1.2.0/24|cidr_host(-2)", "10.1.2.254")]
    [InlineData("10.0.0.0/8|cidr_subnet(8, 5)", "10.5.0.0/16")]
    [InlineData("10.1.2.0/24|cidr_contains('10.1.2.77')", "True")]
    [InlineData("10.1.2.0/24|cidr_contains('10.1.2.128/25')", "True")]
    [InlineData("10.1.2.0/24|cidr_contains('10.1.0.0/16')", "False")]
    [InlineData("10.1.2.0/24|cidr_contains('fd00::1')", "False")]
    [InlineData("fd00:1::5/64|cidr_network", "fd00:1::")]
    [InlineData("fd00:1::/64|cidr_netmask", "ffff:ffff:ffff:ffff::")]
    [InlineData("fd00:1::/48|cidr_subnet(16, 258)", "fd00:1:0:102::/64")]
    [InlineData("fd00::/64|cidr_host(2 ** 63)", "fd00::8000:0:0:0")]
    [InlineData("0.0.0.0/0|cidr_broadcast", "255.255.255.255")]
    [InlineData("1.2.3.4|cidr_size", "1")]
    [InlineData("::/0|cidr_size", "340282366920938463463374607431768211456")]
    public void Addresses_and_networks_are_reckoned_with(string expression, string text)
    {
        var bar = expression.IndexOf('|');
        Assert.Equal(text, JinjaTemplate.Parse($"{{{{ '{expression[..bar]}' {expression[bar..]} }}}}", "t").Render(Context));
    }

    [Theory]
    [InlineData("255.255.255.255|ip_add_integer(1)", "255.255.255.255 + 1 is no address any more")]
    [InlineData("10.0.0|ip_add_integer(1)", "'10.0.0' is no IP address")]
    [InlineData("10.0.0.01|ip_add_integer(1)", "'10.0.0.01' is no IP address")]
    [InlineData("10.0.0.0/33|cidr_network", "'10.0.0.0/33' is no network such as 10.1.2.0/24 or fd00::/64, and no address")]
    [InlineData("10.0.0.0/24|cidr_host(256)", "10.0.0.0/24 has no host 256")]
    [InlineData("10.0.0.0/24|cidr_subnet(9, 0)", "10.0.0.0/24 can not be divided by 9 more bits")]
    [InlineData("10.0.0.0/24|cidr_subnet(2, 4)", "10.0.0.0/24 has no subnet 4 of 2 more bits")]
    public void What_is_no_address_is_an_error(string expression, string reason)
    {
        var bar = expression.IndexOf('|');
        var template = JinjaTemplate.Parse($"{{{{ '{expression[..bar]}' {expression[bar..]} }}}}", "t");
        Assert.Equal(reason, Assert.Throws<JinjaException>(() => template.Render(Context)).Reason);
    }

    private static JinjaEnvironment Of(params (string Name, string Source)[] templates)
    {
        var sources = templates.ToDictionary(t => t.Name, t => t.Source);
        return new JinjaEnvironment { Loader = sources.GetValueOrDefault };
    }
}
