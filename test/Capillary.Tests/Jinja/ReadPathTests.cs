using Capillary.Jinja;
using Xunit;

namespace Capillary.Tests.Jinja;

/// <summary>What a template says it reads: too much is a needless compile, too little is a stale site.</summary>
public sealed class ReadPathTests
{
    [Theory]
    [InlineData("{{ vars.port }} {{ site.name }}", "site vars", "site.name vars.port")]
    [InlineData("{{ vars['port'] }}", "vars", "vars.port")]
    [InlineData("{{ vars.a.b.c }}{{ vars.a.d }}", "vars", "vars.a.b.c vars.a.d")]
    [InlineData("{{ vars[key] }}", "key vars", "key vars")]
    [InlineData("{{ vars.a[key].b }}", "key vars", "key vars.a")]
    [InlineData("{{ vars.port }}{% for k in vars %}{{ k }}{% endfor %}", "vars", "vars")]
    [InlineData("{% for k, v in vars.a.items() %}{{ v.x }}{% endfor %}", "vars", "vars.a")]
    [InlineData("{{ site.name.upper() }}", "site", "site.name")]
    [InlineData("{{ vars.items }}", "vars", "vars")]
    [InlineData("{{ vars.list.0 }}{{ vars.other[1:] }}", "vars", "vars.list vars.other")]
    [InlineData("{% set x = vars.a %}{{ x.b }}", "vars", "vars.a")]
    [InlineData("{{ x }}{% set x = 1 %}", "x", "x")]
    [InlineData("{% if a %}{% set x = 1 %}{% endif %}{{ x }}", "a x", "a x")]
    [InlineData("{% if a %}{% set x = 1 %}{% else %}{% set x = 2 %}{% endif %}{{ x }}", "a", "a")]
    [InlineData("{% for i in a %}{% set x = i %}{% endfor %}{{ x }}", "a x", "a x")]
    [InlineData("{% set x = 1 %}{% for i in a %}{{ x }}{% set x = i %}{% endfor %}", "a", "a")]
    [InlineData("{% macro m(p, q=d) %}{{ p }}{{ q }}{{ r }}{% endmacro %}{{ m(1) }}", "d r", "d r")]
    [InlineData("{% with a = b %}{{ a }}{% endwith %}{{ range(2) }}{{ dict(x=1) }}", "b", "b")]
    [InlineData("{{ a|default(b) }}{{ c is defined }}{{ d if e else f }}", "a b c d e f", "a b c d e f")]
    [InlineData("{% for i in a %}{{ loop.index }}{% endfor %}", "a", "a")]
    [InlineData("{% set b | replace(o, p) %}{{ q }}{% endset %}{{ b }}", "o p q", "o p q")]
    public void Reads(string template, string free, string paths)
    {
        var parsed = JinjaTemplate.Parse(template, "t");
        Assert.Equal(free, string.Join(' ', parsed.FreeVariables));
        Assert.Equal(paths, string.Join(' ', parsed.ReadPaths));
    }
}
