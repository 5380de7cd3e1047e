using System.Diagnostics;
using Capillary.Jinja;
using Xunit;

namespace Capillary.Tests.Jinja;

/// <summary>No template, however bad, takes more than its share or ends the process.</summary>
public sealed class LimitTests
{
    private static readonly JinjaValue Empty = JinjaValue.FromMap(new Dictionary<string, JinjaValue>());

    // A value of 60 levels with 2^60 paths through it.
    private const string Doubling =
        "{% set ns = namespace(x=[1], y=[1]) %}{% for i in range(60) %}{% set ns.x = [ns.x, ns.x] %}{% set ns.y = [ns.y, ns.y] %}{% endfor %}";

    private static readonly JinjaOptions Small = new() { MaxOutputChars = 1000, MaxSteps = 20_000, MaxDepth = 30 };

    [Theory]
    [InlineData("{% for i in range(1000) %}xx{% endfor %}", "longer than 1000 characters")]
    [InlineData("{{ 'a' * 1000000000000 }}", "longer than 1000 characters")]
    [InlineData("{{ ('a' * 900) | replace('a', 'b' * 900) }}", "longer than 1000 characters")]
    [InlineData("{{ ('a' * 900) | indent(900, true) ~ 'x' * 900 }}", "longer than 1000 characters")]
    [InlineData("{{ 'a' | center(100000000000) }}", "longer than 1000 characters")]
    [InlineData("{{ 'a'.zfill(100000000000) }}", "longer than 1000 characters")]
    [InlineData("{{ range(600) | join('ab') }}", "longer than 1000 characters")]
    [InlineData("{% set x = 'a' * 900 %}{{ x + x }}", "longer than 1000 characters")]
    [InlineData("{{ [1] * 1000000000000 }}", "the list is too long")]
    [InlineData("{% set x = [1] * 30000 %}", "the list is too long")]
    [InlineData("{{ range(100001) }}", "the range is longer than 100000")]
    [InlineData("{% for i in range(9999) %}{% for j in range(9999) %}{% endfor %}{% endfor %}", "more than 20000 steps")]
    [InlineData(Doubling + "{{ ns.x == ns.y }}", "more than 20000 steps")]
    [InlineData("{% set x = 'a' * 900 %}{% for i in range(900) %}{% set y = x | upper | lower %}{% endfor %}", "more than 20000 steps")]
    [InlineData("{% macro m() %}{{ m() }}{% endmacro %}{{ m() }}", "macro calls nest deeper than 30")]
    [InlineData("{{ 'a' * 10 ** 9 }}", "longer than 1000 characters")]
    [InlineData("{{ range(10 ** 12) }}", "the range is longer than 100000")]
    [InlineData("{{ 10 ** (10 ** 10) }}", "more than 4300 digits")]
    [InlineData("{{ (10 ** 4000) * (10 ** 4000) }}", "more than 4300 digits")]
    [InlineData("{{ '%1000000000d' % 1 }}", "longer than 1000 characters")]
    [InlineData("{{ '%.1000000000f' % 1 }}", "longer than 1000 characters")]
    [InlineData("{{ '%*d' % (10 ** 9, 1) }}", "longer than 1000 characters")]
    [InlineData("{{ '{:1000000000}'.format('a') }}", "longer than 1000 characters")]
    [InlineData("{{ '{:{}}'.format('a', 10 ** 9) }}", "longer than 1000 characters")]
    [InlineData("{{ '{:.1000000000f}'.format(1.0) }}", "longer than 1000 characters")]
    [InlineData("{{ 'a'.ljust(10 ** 9) }}", "longer than 1000 characters")]
    [InlineData("{{ 'a\tb'.expandtabs(10 ** 9) }}", "longer than 1000 characters")]
    [InlineData("{{ 'a' | indent(10 ** 9, true) }}", "longer than 1000 characters")]
    [InlineData("{{ 'a,b' | replace(',', 'c' * 900) | replace('c', 'dd') }}", "longer than 1000 characters")]
    [InlineData("{{ lipsum(n=10 ** 6) }}", "more than 100 paragraphs")]
    [InlineData("{{ [1] | slice(10 ** 9) | list }}", "more than 1000000 slices")]
    [InlineData("{% set l = [] %}{% for i in range(99999) %}{% do l.append(l) %}{% endfor %}", "more than 20000 steps")]
    [InlineData("{% set l = [1] %}{% for i in range(60) %}{% do l.extend(l) %}{% endfor %}", "more than 20000 steps")]
    [InlineData("{% set d = {} %}{% for i in range(99999) %}{% do d.update({i: d}) %}{% endfor %}", "more than 20000 steps")]
    [InlineData("{% set l = [1] %}{% do l.append(l) %}{{ l }}", "longer than 1000 characters")]
    [InlineData("{% set l = [1] %}{% do l.append(l) %}{% for i in l recursive %}{{ loop(l) }}{% endfor %}", "nest deeper than 30")]
    [InlineData("{% set ns = namespace(x=(1,)) %}{% for i in range(60) %}{% set ns.x = (ns.x, ns.x) %}{% endfor %}{{ {ns.x: 1} }}", "a key is a tuple that nests")]
    [InlineData("{{ ('www.a.bb ' * 100) | urlize }}", "longer than 1000 characters")]
    [InlineData("{{ ('a ' * 400) | wordwrap(1, wrapstring='xxxx') }}", "longer than 1000 characters")]
    [InlineData("{% block a %}{{ self.a() }}{% endblock %}", "macro calls nest deeper than 30")]
    [InlineData("{% for i in range(9999) %}{% for j in range(9999) %}{% continue %}{% endfor %}{% endfor %}", "more than 20000 steps")]
    public void A_render_that_takes_too_much_fails(string template, string reason)
    {
        var parsed = JinjaTemplate.Parse(template, "t", Small);
        Assert.Contains(reason, Assert.Throws<JinjaException>(() => parsed.Render(Empty)).Reason, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("(", "1", ")")]
    [InlineData("[", "1", "]")]
    [InlineData("-", "1", "")]
    [InlineData("not ", "1", "")]
    [InlineData("1 + ", "1", "")]
    [InlineData("1 if 1 else ", "1", "")]
    [InlineData("", "a", ".b")]
    [InlineData("", "a", "[0]")]
    [InlineData("", "a", "()")]
    [InlineData("", "a", "|upper")]
    [InlineData("{'a': ", "1", "}")]
    [InlineData("f(", "1", ")")]
    [InlineData("f(*", "1", ")")]
    [InlineData("a[1:", "1", "]")]
    [InlineData("1 ** ", "1", "")]
    [InlineData("a is eq ", "1", "")]
    [InlineData("", "a", " is defined == 1")]
    public void Source_that_nests_too_deep_fails(string open, string inner, string close)
    {
        var source = "{{ " + string.Concat(Enumerable.Repeat(open, 5000)) + inner + string.Concat(Enumerable.Repeat(close, 5000)) + " }}";
        try
        {
            JinjaTemplate.Parse(source, "t").Render(JinjaValue.FromMap(new Dictionary<string, JinjaValue> { ["a"] = 1 }));
        }
        catch (JinjaException)
        {
            return;
        }
        // A chain without depth, such as a comparison, may also just work.
        Assert.Equal(" is defined == 1", close);
    }

    [Theory]
    [InlineData("{% if 1 %}")]
    [InlineData("{% for i in [1] %}")]
    [InlineData("{% with %}")]
    [InlineData("{% macro m() %}")]
    [InlineData("{% call m() %}")]
    [InlineData("{% filter upper %}")]
    [InlineData("{% set x %}")]
    [InlineData("{% autoescape true %}")]
    [InlineData("{% for ((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((a")]
    public void Blocks_that_nest_too_deep_fail(string open) =>
        Assert.Throws<JinjaException>(() => JinjaTemplate.Parse(string.Concat(Enumerable.Repeat(open, 5000)), "t"));

    [Theory]
    [InlineData("{{ ('a' * 2000000).find('a' * 1000000 ~ 'b' ~ 'a' * 900000) }}")]
    [InlineData("{{ ('a' * 1000000 ~ 'b' ~ 'a' * 900000) in 'a' * 2000000 }}")]
    [InlineData("{{ ('a' * 2000000) | replace('a' * 1000000 ~ 'b' ~ 'a' * 900000, '') }}")]
    [InlineData("{{ ('a' * 2000000).split('a' * 1000000 ~ 'b' ~ 'a' * 900000) }}")]
    [InlineData("{% for i in range(99999) %}{% set x = 7 ** 5000 // 3 ** 100 %}{% endfor %}")]
    [InlineData("{% for i in range(99999) %}{% set x = '%o' % (7 ** 5000) %}{% endfor %}")]
    [InlineData("{% set x = '9' * 4300 %}{% for i in range(99999) %}{% set y = x | int %}{% endfor %}")]
    [InlineData("{% set a = 'x' * 4000000 %}{% set b = 'x' * 2000000 ~ 'x' * 2000000 %}{% for i in range(99999) %}{% set y = a < b %}{% endfor %}")]
    [InlineData("{% set a = 'x' * 4000000 %}{% for i in range(99999) %}{% set y = a[0] %}{% endfor %}")]
    [InlineData("{% set a = 'x' * 4000000 ~ '😀' %}{% for i in range(99999) %}{% set y = a[0] %}{% endfor %}")]
    [InlineData("{% set f = ('x' * 4000000)['upper'] %}{% for i in range(99999) %}{% do f() %}{% endfor %}")]
    [InlineData("{{ ('a' * 4000000 ~ 'b').startswith(('a' * 4000000 ~ 'c',) * 9999) }}")]
    [InlineData("{% for i in range(99999) %}{% set x = '' | indent(4000000) %}{% endfor %}")]
    [InlineData("{% for i in range(99999) %}{% set x = [1] | tojson(4000000) | length %}{% endfor %}")]
    [InlineData("{{ [1] | map(attribute='.' * 4000000) }}")]
    [InlineData("{{ ('a ' * 100000) | wordwrap(1, wrapstring='x' * 100000) }}")]
    [InlineData("{% for i in range(99999) %}{% set x = '{:.4000000}'.format(1.5) %}{% endfor %}")]
    [InlineData("{% set a = ['x' * 4000000] %}{% for i in range(99999) %}{% set x = a | sort | length %}{% endfor %}")]
    [InlineData("{% set a = 'x' * 4000000 %}{% for i in range(99999) %}{% set x = 'a' | truncate(5000000, end=a) %}{% endfor %}")]
    [InlineData("{% set a = 'x' * 4000000 %}{% for i in range(99999) %}{% set x = 'a' | urlize(target=a) %}{% endfor %}")]
    [InlineData("{% set a = 'x' * 4000000 %}{% set d = {'a': 1} %}{% for i in range(99999) %}{% set x = d[a] is defined %}{% endfor %}")]
    [InlineData("{% set d = {'x' * 4000000: 1} %}{% for i in range(99999) %}{% set x = dict(d) %}{% endfor %}")]
    [InlineData("{% set a = [{'k': 'x' * 4000000}] %}{% for i in range(99999) %}{% set x = a | selectattr('k', 'lower') | length %}{% endfor %}")]
    [InlineData("{% for i in range(99999) %}{% set x = 1.5e-300 | round(301) %}{% endfor %}")]
    [InlineData("{% set x = 10 ** 4000 %}{% for i in range(99999) %}{% set y = {}[x] is defined %}{% endfor %}")]
    public void Work_that_grows_faster_than_its_text_is_counted_so(string template)
    {
        // Were it not, each of these would take minutes to hours.
        var options = new JinjaOptions { MaxSteps = 1_000_000 };
        var error = Assert.Throws<JinjaException>(() => JinjaTemplate.Parse(template, "t", options).Render(Empty));
        Assert.Equal(JinjaErrorKind.Limit, error.Kind);
    }

    /// <summary>Far more than what grows with the length takes on a busy machine, far less than what grows with its square.</summary>
    private static readonly TimeSpan Deadline = TimeSpan.FromSeconds(30);

    [Theory]
    [InlineData("4503599627370496 + i * 4294967297")]
    [InlineData("2 ** 62 + i")]
    [InlineData("2 ** 1000 + i")]
    [InlineData("2.0 ** 52 + i * 4294967297")]
    [InlineData("range(i, i + 1)")]
    [InlineData("(i, i + 1)")]
    public void Many_keys_do_not_share_a_hash(string key)
    {
        // Were the hash one for all, this would compare 1.8 billion pairs.
        var template = "{% set d = {} %}{% for i in range(60000) %}{% do d.update({" + key + ": 1}) %}{% endfor %}{{ d | length }}";
        var watch = Stopwatch.StartNew();
        Assert.Equal("60000", JinjaTemplate.Parse(template, "t").Render(Empty));
        Assert.True(watch.Elapsed < Deadline, $"took {watch.Elapsed}");
    }

    /// <summary>For one step each of these would go over as much as the source is long.</summary>
    [Theory]
    [InlineData("{% for i in range(99999) %}", "a{##}", "{% endfor %}")]
    [InlineData("{% for i in range(99999) %}{{ '' ", "~''", "}}{% endfor %}")]
    [InlineData("{% for i in range(99999) %}{{ '' ", "or''", "}}{% endfor %}")]
    [InlineData("{% macro m() %}{{ varargs|length }}{% endmacro %}{% for i in range(99999) %}{{ m(1", ",1", ") }}{% endfor %}")]
    [InlineData("{% for i in range(99999) %}{{ 1 is in((1", ",1", ")) }}{% endfor %}")]
    public void Long_source_is_counted(string open, string part, string close)
    {
        var source = open + string.Concat(Enumerable.Repeat(part, 20_000)) + close;
        var error = Assert.Throws<JinjaException>(() => JinjaTemplate.Parse(source, "t", new JinjaOptions { MaxSteps = 1_000_000, MaxOutputChars = 200_000 }).Render(Empty));
        Assert.Equal(JinjaErrorKind.Limit, error.Kind);
    }

    [Theory]
    [InlineData("{{ a", ".b", " }}")]
    [InlineData("{{ a", "[0]", " }}")]
    [InlineData("{{ a", ".b[0].c", "() }}")]
    public void A_chain_of_any_length_is_no_danger_to_the_stack(string open, string link, string close)
    {
        var source = open + string.Concat(Enumerable.Repeat(link, 100_000)) + close;
        var error = Assert.Throws<JinjaException>(() => JinjaTemplate.Parse(source, "t"));
        Assert.Contains("nests deeper", error.Reason, StringComparison.Ordinal);
    }

    [Fact]
    public void Deep_source_that_is_included_where_little_stack_is_left_fails()
    {
        // 100 levels of it need more than a thread of 256 KiB has.
        var deep = "{{ " + new string('(', 99) + "1" + new string(')', 99) + " }}";
        var environment = new JinjaEnvironment { Loader = name => name == "deep" ? deep : null, Options = new JinjaOptions { MaxDepth = 200 } };
        var macro = environment.Parse("{% macro m(n) %}{% if n %}{{ m(n - 1) }}{% else %}{% include 'deep' %}{% endif %}{% endmacro %}{{ m(n) }}", "t");
        var outcomes = new HashSet<string>();
        for (var n = 0; n < 190; n += 5)
        {
            var context = JinjaValue.FromMap(new Dictionary<string, JinjaValue> { ["n"] = n });
            var thread = new Thread(() => outcomes.Add(Try(() => macro.Render(context))), 256 * 1024);
            thread.Start();
            thread.Join();
        }
        Assert.All(outcomes, outcome => Assert.True(outcome is "1" or "Limit", outcome));
    }

    [Theory]
    [InlineData("{% set a{0} = 1 %}", "{% if x %}{% endif %}", null)]
    [InlineData("{% set a{0} = 1 %}", "{% include 'x' %}", "too many variables")]
    [InlineData("", "{{1}}", "tokens")]
    [InlineData("{{ f(a{0}=1) }}", "{# #}", null)]
    public void Big_source_is_parsed_fast_or_refused(string first, string then, string? reason)
    {
        var source = string.Concat(Enumerable.Range(0, 60_000).Select(i => first.Replace("{0}", $"{i}", StringComparison.Ordinal)))
            + string.Concat(Enumerable.Repeat(then, then == "{{1}}" ? 400_000 : 60_000));
        var environment = new JinjaEnvironment { Loader = _ => null };
        var watch = Stopwatch.StartNew();
        if (reason is null) environment.Parse(source, "t");
        else Assert.Contains(reason, Assert.Throws<JinjaException>(() => environment.Parse(source, "t")).Reason, StringComparison.Ordinal);
        Assert.True(watch.Elapsed < Deadline, $"took {watch.Elapsed}");
    }

    [Fact]
    public void A_name_has_at_most_1000_characters()
    {
        JinjaTemplate.Parse($"{{{{ {new string('a', 1000)} is defined }}}}", "t");
        var error = Assert.Throws<JinjaException>(() => JinjaTemplate.Parse($"{{{{ {new string('a', 1001)} is defined }}}}", "t"));
        Assert.Equal(JinjaErrorKind.Limit, error.Kind);
    }

    [Fact]
    public void A_list_may_be_appended_to_as_often_as_steps_allow()
    {
        var template = "{% set l = [] %}{% for i in range(99999) %}{% do l.append(i) %}{% endfor %}{{ l | length }}";
        Assert.Equal("99999", JinjaTemplate.Parse(template, "t").Render(Empty));
    }

    private static string Try(Func<string> render)
    {
        try
        {
            return render();
        }
        catch (JinjaException e)
        {
            return e.Kind.ToString();
        }
    }

    [Fact]
    public void A_value_that_nests_too_deep_fails()
    {
        var template = "{% set ns = namespace(x=1) %}{% for i in range(90000) %}{% set ns.x = [ns.x] %}{% endfor %}";
        foreach (var use in new[] { "{{ ns.x }}", "{{ ns.x|tojson }}", "{{ ns.x|to_yaml }}", "{{ ns.x == [ns.x] }}" })
        {
            Assert.Throws<JinjaException>(() => JinjaTemplate.Parse(template + use, "t").Render(Empty));
        }
    }

    [Fact]
    public void Deep_macros_with_deep_expressions_stay_on_the_stack()
    {
        var deep = new string('(', 80) + "m(x - 1)" + new string(')', 80);
        var template = "{% macro m(x) %}{{ " + deep + " if x > 0 else 'end' }}{% endmacro %}{{ m(150) }}";
        var parsed = JinjaTemplate.Parse(template, "t", new JinjaOptions { MaxDepth = 200 });
        var text = "";
        var thread = new Thread(() => text = parsed.Render(Empty), 1024 * 1024);
        thread.Start();
        thread.Join();
        Assert.Equal("end", text);
    }

    [Fact]
    public void A_render_can_be_stopped()
    {
        using var stop = new CancellationTokenSource();
        stop.Cancel();
        var parsed = JinjaTemplate.Parse("{% for i in range(99999) %}{% endfor %}", "t");
        Assert.Throws<OperationCanceledException>(() => parsed.Render(Empty, stop.Token));
    }
}
