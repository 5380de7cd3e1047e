namespace Capillary.Tests.Jinja.Differential;

/// <summary>Makes templates from a grammar: the same seed, the same template. Most of them render; the others find errors.</summary>
internal sealed class Grammar
{
    private static readonly string[] Numbers = ["n", "f", "zero", "neg", "1", "2", "-3", "0", "10", "2.5", "0.1", "1e3", "100", "site.port", "list[0]", "rows[1].id",
        "2 ** 70", "1e22", "0.125", "-2.675"];

    private static readonly string[] Texts =
        ["name", "text", "'a'", "'b c'", "''", "'x,y,z'", "html", "uni", "lines", "quote", "site.name", "words[1]", "'%s'", "'Ünï'", "long", "'12'", "rows[0].kind"];

    private static readonly string[] Lists =
        ["list", "words", "[1, 2, 3]", "(1, 2)", "['a', 'b']", "[]", "empty", "range(4)", "[2.5, 1]", "[true, none]", "[[1, 2], [3]]", "('x', 'y')"];

    private static readonly string[] Maps = ["site", "site.labels", "{'a': 1, 'b': 2}", "{}", "rows[0]", "{1: 'x', 'k': [1]}", "users[0]", "dict(z=1, y=2)"];

    private static readonly string[] OptionSets =
        ["{}", "{}", "{}", """{"trim_blocks": true}""", """{"lstrip_blocks": true, "trim_blocks": true}""", """{"autoescape": true}""", """{"undefined": "default"}"""];

    private readonly Random _random;
    private int _depth;

    private Grammar(int seed) => _random = new Random(seed);

    public static JinjaCase Case(int seed)
    {
        var grammar = new Grammar(seed);
        var source = grammar.Body(grammar._random.Next(1, 4));
        using var options = System.Text.Json.JsonDocument.Parse(grammar.Pick(OptionSets));
        return new JinjaCase($"seed {seed}", new Dictionary<string, string> { [JinjaCase.Main] = source },
            options.RootElement.Clone().EnumerateObject().ToDictionary(p => p.Name, p => p.Value));
    }

    private string Pick(params string[] choices) => choices[_random.Next(choices.Length)];

    private bool Chance(int percent) => _random.Next(100) < percent;

    private string Body(int statements) => string.Concat(Enumerable.Range(0, statements).Select(_ => Statement()));

    private string Statement()
    {
        if (++_depth > 4) return Finish($"{{{{ {Any()} }}}}");
        return Finish(_random.Next(14) switch
        {
            0 => $"{Tag($"if {Condition()}")}{Body(1)}{(Chance(50) ? Tag("else") + Body(1) : "")}{Tag("endif")}",
            1 => $"{Tag($"for i in {List()}")}{{{{ i }}}}{Body(1)}{(Chance(20) ? Tag("else") + "none" : "")}{Tag("endfor")}",
            2 => $"{Tag($"for k, v in {Map()}.items()")}{{{{ k }}}}={{{{ v }}}};{Tag("endfor")}",
            3 => $"{Tag($"for i in {List()} if {Condition()}")}{{{{ {Pick("loop.index", "loop.last", "loop.revindex", "loop.cycle('a', 'b')", "loop.length")} }}}}{Tag("endfor")}",
            4 => $"{Tag($"set x = {Any()}")}{{{{ x }}}}",
            5 => $"{Tag("set x")}{Body(1)}{Tag("endset")}{{{{ x | {Pick("upper", "length", "trim", "title")} }}}}",
            6 => $"{Tag($"macro m(a, b={Any()})")}{{{{ a }}}}-{{{{ b }}}}{Tag("endmacro")}{{{{ m({Any()}{(Chance(40) ? ", " + Any() : "")}) }}}}",
            7 => $"{Tag($"with y = {Any()}")}{{{{ y }}}}{Body(1)}{Tag("endwith")}",
            8 => $"{Tag($"filter {TextFilter()}")}{Body(1)}{Tag("endfilter")}",
            9 => Pick(" text\n", "\n", "  ", "a{# comment #}b\n", "\n  \n"),
            _ => $"{{{{{Pick("", "", "-")} {Any()} {Pick("", "", "-")}}}}}",
        });
    }

    private string Finish(string statement)
    {
        _depth--;
        return statement;
    }

    private string Tag(string inside) => $"{Pick("", "", "\n  ")}{{%{Pick("", "", "", "-", "+")} {inside} {Pick("", "", "", "-")}%}}";

    private string Any()
    {
        if (++_depth > 7) return Finish(Pick(Pick(Numbers), Pick(Texts), Pick(Lists), Pick(Maps)));
        return Finish(_random.Next(12) switch
        {
            0 or 1 or 2 => Number(),
            3 or 4 or 5 => Text(),
            6 or 7 => List(),
            8 => Map(),
            9 => Condition(),
            10 => $"({Any()} if {Condition()} else {Any()})",
            _ => Pick("missing | default(1)", "site.nope | d('x')", "nothing", "mixed", "(1, 'a')", "users | map(attribute='name') | list"),
        });
    }

    private string Number()
    {
        if (++_depth > 7) return Finish(Pick(Numbers));
        return Finish(_random.Next(16) switch
        {
            0 or 1 => $"({Number()} {Pick("+", "-", "*")} {Number()})",
            2 => $"{Number()} {Pick("+", "-", "*", "//", "/", "%")} {Number()}",
            3 => $"({Number()} {Pick("//", "/", "%")} {Pick("2", "3", "-4", "0.5", "7")})",
            4 => $"{Pick(Numbers)} ** {Pick("2", "3", "0", "-1", "0.5", "5")}",
            5 => $"({List()}) | length",
            6 => $"{Pick("list", "[1, 2, 3]", "[2.5, 1]", "range(4)")} | {Pick("sum", "max", "min", "first", "last")}",
            7 => $"({Text()}) | length",
            8 => $"({Number()}) | {Pick("abs", "int", "float", "round", "round(1)", "round(2, 'floor')", "round(-1)", "round(5, 'ceil')", "filesizeformat", "tojson")}",
            9 => $"({Text()}) | {Pick("int", "float", "int(3)", "wordcount")}",
            10 => $"({Text()}).{Pick("find('a')", "count('a')", "rfind('l')", "find('o', 3)")}",
            11 => $"-({Number()})",
            _ => Pick(Numbers),
        });
    }

    private string TextFilter() => Pick(
        "upper", "lower", "title", "capitalize", "trim", "e", "string", "reverse", "replace('a', 'b')", "replace('l', 'L', 1)", "indent(2)", "indent(1, true)",
        "center(12)", "truncate(9)", "truncate(8, true, '', 0)", "wordwrap(10)", "striptags", "urlencode", "tojson", "forceescape", "safe", "urlize", "default('q')",
        "indent(3, blank=true)", "wordwrap(7, false)", "pprint");

    private string Text()
    {
        if (++_depth > 7) return Finish(Pick(Texts));
        return Finish(_random.Next(14) switch
        {
            0 or 1 or 2 => $"({Text()}) | {TextFilter()}",
            3 => $"({Any()} ~ {Any()})",
            4 => $"{Pick(Texts)}.{Pick("upper()", "title()", "strip()", "swapcase()", "replace('a', '-')", "center(9, '*')", "ljust(8)", "zfill(6)", "capitalize()", "removeprefix('b')", "expandtabs()")}",
            5 => $"({Text()})[{Pick("0", "-1", "1:", ":-1", "::-1", "1:5:2", "-3:")}]",
            6 => $"({Text()} + {Text()})",
            7 => $"({Pick("'%s'", "'<%5s>'", "'%-6s|'", "'%r'")} % ({Any()},))",
            8 when Chance(50) => $"'{Printf()}|' % ({Number()},)",
            8 => $"({Pick("'%d'", "'%05d'", "'%+.2f'", "'%e'", "'%g'", "'%x'", "'%8.3f'", "'%.0f'")} % ({Number()}))",
            9 => $"'{{{Pick("", "!r", ":>10", ":<10", ":^9", "!s:*^12")}}}'.format({Pick(Texts)})",
            10 when Chance(50) => $"'{{:{Spec()}}}'.format({Pick(Number(), Pick(Texts))})",
            10 => $"'{{{Pick("", ":d", ":5", ":,", ":.2f", ":+", ":e", ":g", ":08.2f", ":.1%", ":x")}}}'.format({Number()})",
            11 => $"({List()}) | join({Pick("", "', '", "'<'", "n")})",
            12 => $"({Text()}) * {Pick("2", "0", "3")}",
            _ => Pick(Texts),
        });
    }

    private string Spec() => Pick("", "", "<", ">", "^", "=", "x<", "*^", "0=", "😀>") + Pick("", "", "+", "-", " ") + Pick("", "", "#") + Pick("", "", "0")
        + Pick("", "", "5", "12", "20") + Pick("", "", "", ",", "_") + Pick("", "", ".0", ".1", ".3", ".10", ".20")
        + Pick("", "", "", "d", "f", "e", "g", "%", "n", "b", "o", "x", "X", "c", "F", "E", "G", "s");

    private string Printf() => "%" + Pick("", "", "#", "0", "-", "+", " ", "+0", "-#", "# ") + Pick("", "5", "12") + Pick("", "", ".0", ".3", ".12")
        + Pick("d", "i", "o", "u", "x", "X", "e", "E", "f", "F", "g", "G", "c", "r", "s", "a");

    private string List()
    {
        if (++_depth > 7) return Finish(Pick(Lists));
        return Finish(_random.Next(14) switch
        {
            0 => $"({List()}) | {Pick("sort", "unique | list", "reverse | list", "list", "sort(reverse=true)", "sort(case_sensitive=true)")}",
            1 => $"({List()}) | {Pick("select | list", "reject('none') | list", "select('odd') | list", "map('string') | list", "map('upper') | list", "select('string') | list")}",
            2 => $"({List()}) | {Pick("batch(2) | list", "batch(3, 0) | list", "slice(2) | list", "slice(3, 'f') | list")}",
            3 => $"(({List()}) | list + ({List()}) | list)",
            4 => $"({List()})[{Pick("1:", ":-1", "::-1", "::2", "-2:")}]",
            5 => $"{Map()} | {Pick("list", "dictsort", "items | list")}",
            6 => $"{Map()}.{Pick("keys() | list", "values() | list", "items() | list")}",
            7 => $"({Text()}).{Pick("split()", "split(',')", "splitlines()", "partition(',')", "rsplit('l', 1)", "split('o', 1)")}",
            8 => $"rows | {Pick("map(attribute='id') | list", "selectattr('kind', 'eq', 'x') | list", "groupby('kind')", "sort(attribute='id')", "rejectattr('id', 'gt', 1) | map(attribute='kind') | list")}",
            9 => $"[{Any()}, {Any()}]",
            10 => $"({Any()}, {Any()})",
            _ => Pick(Lists),
        });
    }

    private string Map()
    {
        if (++_depth > 7) return Finish(Pick(Maps));
        return Finish(_random.Next(5) switch
        {
            0 => $"{{'k': {Any()}, {Pick("'j'", "2", "none", "(1, 2)", "2.5")}: {Any()}}}",
            1 => $"dict({Pick(Maps)}, q={Any()})",
            _ => Pick(Maps),
        });
    }

    private string Condition()
    {
        if (++_depth > 7) return Finish(Pick("yes", "no", "n", "empty"));
        return Finish(_random.Next(11) switch
        {
            0 => $"({Number()}) {Pick("<", ">", "<=", ">=", "==", "!=")} {Number()}",
            1 => $"({Text()}) {Pick("==", "!=", "<", ">", "in", "not in")} {Text()}",
            2 => $"{Any()} {Pick("in", "not in")} {List()}",
            3 => $"(({Any()}) is {Pick("", "not ")}{Pick("defined", "none", "string", "number", "mapping", "iterable", "sequence", "boolean", "integer", "float", "true", "callable")})",
            4 => $"(({Number()}) is {Pick("odd", "even", "divisibleby 3", "gt 2", "eq 7", "in list")})",
            5 => $"{Condition()} {Pick("and", "or")} {Condition()}",
            6 => $"not {Condition()}",
            7 => $"{Number()} {Pick("<", "<=")} {Number()} {Pick("<", "==", ">")} {Number()}",
            8 => $"{Any()} == {Any()}",
            9 => $"(({Text()}) is {Pick("upper", "lower", "in words", "eq 'a'")})",
            _ => Pick("yes", "no", "n", "empty", "list", "missing is defined", "missing"),
        });
    }
}
