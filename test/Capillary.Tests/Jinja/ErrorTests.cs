using Capillary.Jinja;
using Xunit;

namespace Capillary.Tests.Jinja;

/// <summary>An error says where, why, and what was perhaps meant.</summary>
public sealed class ErrorTests
{
    private static readonly JinjaValue Context = JinjaValue.FromMap(new Dictionary<string, JinjaValue>
    {
        ["vars"] = JinjaValue.FromMap(new Dictionary<string, JinjaValue> { ["port"] = 8080, ["host"] = "h" }),
        ["site"] = "basel",
        ["n"] = 3,
    });

    [Theory]
    [InlineData("{{ sit }}", 1, 4, "'sit' is undefined", "site")]
    [InlineData("a\nb {{ zzz }}", 2, 6, "'zzz' is undefined", null)]
    [InlineData("{{ vars.prot }}", 1, 4, "'vars.prot' is undefined", "vars.port")]
    [InlineData("{{ vars['prot'] }}", 1, 4, "'vars.prot' is undefined", "vars.port")]
    [InlineData("{{ 1 }}\n{{ 'a' ~ zzz }}", 2, 10, "'zzz' is undefined", null)]
    [InlineData("{{ zzz.x }}", 1, 4, "'zzz' is undefined", null)]
    [InlineData("{% for i in zzz %}{% endfor %}", 1, 13, "'zzz' is undefined", null)]
    [InlineData("{% if zzz %}{% endif %}", 1, 7, "'zzz' is undefined", null)]
    [InlineData("{{ n == zzz }}", 1, 9, "'zzz' is undefined", null)]
    [InlineData("{% set x = zzz %}\n{{ x }}", 1, 12, "'zzz' is undefined", null)]
    [InlineData("{% set level = 1 %}{{ levle }}", 1, 23, "'levle' is undefined", "level")]
    [InlineData("{{ site.zone }}", 1, 4, "'site.zone' is undefined", null)]
    [InlineData("{{ n + 'a' }}", 1, 6, "unsupported operand type(s) for +: 'int' and 'str'", null)]
    [InlineData("{{ n // 0 }}", 1, 6, "integer division or modulo by zero", null)]
    [InlineData("{{ 2 ** 100000 }}", 1, 6, "an integer has more than 4300 digits", null)]
    [InlineData("{% do vars.update(a=1) %}", 1, 7, "this map came from outside of the template and can not be changed", null)]
    [InlineData("{{ {[]: 1} }}", 1, 5, "unhashable type: 'list'", null)]
    [InlineData("{{ '%d' % 'x' }}", 1, 9, "%d format: a real number is required, not str", null)]
    [InlineData("{% macro m(a) %}{% endmacro %}{{ m(1, 2) }}", 1, 34, "macro 'm' takes not more than 1 argument(s)", null)]
    [InlineData("{{ n < 'a' }}", 1, 6, "'<' not supported between instances of 'int' and 'str'", null)]
    [InlineData("{{ n() }}", 1, 4, "'int' object is not callable", null)]
    [InlineData("{{ n|length }}", 1, 6, "object of type 'int' has no len()", null)]
    [InlineData("{{ vars.items }}", 1, 4, "'items' is a method of a dict; call it, or read ['items']", null)]
    [InlineData("{% macro m(a) %}{{ a }}{% endmacro %}\n{{ m() }}", 2, 4, "parameter 'a' was not provided", null)]
    [InlineData("{% for a, b in [1] %}{% endfor %}", 1, 8, "'int' object is not iterable", null)]
    [InlineData("{{ '{}'.format() }}", 1, 4, "Replacement index 0 out of range for positional args tuple", null)]
    public void Rendering_fails_at_the_right_place(string template, int line, int column, string reason, string? suggestion)
    {
        var parsed = JinjaTemplate.Parse(template, "t.j2");
        Check(Assert.Throws<JinjaException>(() => parsed.Render(Context)), line, column, reason, suggestion);
    }

    [Theory]
    [InlineData("{{ n | uper }}", 1, 8, "no filter named 'uper'", "upper")]
    [InlineData("{{ n is defind }}", 1, 9, "no test named 'defind'", "defined")]
    [InlineData("{{ n | replace('a') }}", 1, 8, "replace needs the argument 'new'", null)]
    [InlineData("{{ n | upper(1) }}", 1, 8, "upper takes at most 0 argument(s), 1 given", null)]
    [InlineData("{{ n | round(digits=1) }}", 1, 8, "round has no parameter 'digits'", null)]
    [InlineData("{% fi n %}", 1, 4, "unknown tag 'fi'", "if")]
    [InlineData("x\n  {% extends 'a' %}", 2, 6, "'extends' needs a loader: there are no other templates here", null)]
    [InlineData("{% include 'a' %}", 1, 4, "'include' needs a loader: there are no other templates here", null)]
    [InlineData("{% block a %}{% endblock %}{% block a %}{% endblock %}", 1, 37, "the block 'a' is defined twice", null)]
    [InlineData("{% block a required %}x{% endblock %}", 1, 10, "a required block can hold only blanks and comments", null)]
    [InlineData("{% break %}", 1, 4, "'break' outside of a loop", null)]
    [InlineData("{% for i in n %}{% macro m() %}{% continue %}{% endmacro %}{% endfor %}", 1, 35, "'continue' outside of a loop", null)]
    [InlineData("{% call m %}{% endcall %}", 1, 9, "expected a call", null)]
    [InlineData("{% macro m(caller) %}{% endmacro %}", 1, 12, "the parameter 'caller' needs a default", null)]
    [InlineData("\n{% if n %}", 2, 4, "'if' is never closed with 'endif'", null)]
    [InlineData("{% if n %}{% endfor %}", 1, 14, "'endfor' can not stand here: 'if' is still open", "endif")]
    [InlineData("{% endif %}", 1, 4, "'endif' closes nothing", null)]
    [InlineData("a {{ n", 1, 3, "this '{{' is never closed", null)]
    [InlineData("{{ (n }}", 1, 7, "unexpected '}', expected ')'", null)]
    [InlineData("{{ 'a }}", 1, 4, "this string is never closed", null)]
    [InlineData("a\n {# b", 2, 2, "missing end of comment tag", null)]
    [InlineData("{{ n n }}", 1, 6, "expected '}}', found 'n'", null)]
    [InlineData("{{ 1 + }}", 1, 8, "expected an expression, found '}}'", null)]
    [InlineData("{% if %}{% endif %}", 1, 7, "expected an expression, found '%}'", null)]
    [InlineData("{{ n ? 1 }}", 1, 6, "unexpected character '?'", null)]
    [InlineData("{{ f(**n, 1) }}", 1, 11, "invalid syntax for function call expression", null)]
    public void Parsing_fails_at_the_right_place(string template, int line, int column, string reason, string? suggestion) =>
        Check(Assert.Throws<JinjaException>(() => JinjaTemplate.Parse(template, "t.j2")), line, column, reason, suggestion);

    private static void Check(JinjaException error, int line, int column, string reason, string? suggestion)
    {
        var tail = suggestion is null ? "" : $"; did you mean '{suggestion}'?";
        Assert.Equal($"t.j2:{line}:{column}: {reason}{tail}", error.Message);
        Assert.Equal((line, column, "t.j2"), (error.Line, error.Column, error.Template));
        Assert.Equal((reason, suggestion), (error.Reason, error.Suggestion));
    }
}
