using Capillary.Jinja;
using Capillary.Jinja.Builtins;
using Xunit;

namespace Capillary.Tests.Jinja;

/// <summary>Whatever is given to a filter, test, method or operator: there is a text or a JinjaException, and nothing else.</summary>
public sealed class OddArgumentsTests
{
    private static readonly string[] Values =
    [
        "0", "-1", "3", "9223372036854775807", "-9223372036854775808", "-4294967296", "10 ** 30", "-10 ** 400", "1.5", "5e-324", "'inf' | float",
        "'-inf'", "'nan'", "true", "none", "''", "'a'", "'a😀 b'", "'\\ud800'", "'%*.*f'", "'{0[a].b!r:>{1}}'", "'<b>' | safe", "[]", "[3, 1]",
        "[none, [1]]", "(1, 'a')", "{}", "{1: 2, 'a': [1]}", "range(5, 0, -2)", "missing", "namespace(a=1)", "range", "'10.0.0.1/8'",
    ];

    private static readonly string[] Operators =
        ["+", "-", "*", "/", "//", "%", "**", "~", "<", ">=", "==", "!=", "in", "not in", "and", "or"];

    public static TheoryData<string> Forms => new(
        Filters.Names.Select(name => $"({{0}}) | {name}({{1}})")
            .Concat(Capillary.Jinja.Builtins.Tests.Names.Where(name => char.IsLetter(name[0])).Select(name => $"({{0}}) is {name}({{1}})"))
            .Concat(StringMethods.All.Concat(StringTests.All).Concat(ListMethods.All).Concat(MapMethods.All)
                .Select(method => method.Signature.Name).Distinct().Select(name => $"({{0}}).{name}({{1}})"))
            .Concat(Operators.Select(symbol => $"({{0}}) {symbol} ({{1}})"))
            .Concat(["({0})[{1}]", "({0})[{1}:]", "({0})[::{1}]", "range({0}, {1})", "dict({0}, a={1})", "'%*d' % ({0}, {1})", "-({0})", "loop"]));

    [Theory]
    [MemberData(nameof(Forms))]
    public void Every_argument_gives_a_text_or_an_error_of_the_template(string form)
    {
        var options = new JinjaOptions { MaxSteps = 200_000, MaxOutputChars = 100_000 };
        var context = JinjaValue.FromMap(new Dictionary<string, JinjaValue>());
        foreach (var value in Values)
        {
            foreach (var argument in Values.Append("").Append("1, 9223372036854775807").Append("'a', -4294967296").Append("*[1, none, 'x']"))
            {
                var expression = form.Replace("{0}", value, StringComparison.Ordinal).Replace("{1}", argument, StringComparison.Ordinal);
                try
                {
                    JinjaTemplate.Parse($"{{{{ {expression} }}}}", "t", options).Render(context);
                }
                catch (JinjaException)
                {
                    // As good as a text.
                }
                catch (Exception e)
                {
                    Assert.Fail($"{expression}: {e}");
                }
            }
        }
    }
}
