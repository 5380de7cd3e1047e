#!/usr/bin/python3
"""Writes jinja2-golden.json: what the real Jinja2 (3.1, StrictUndefined) makes of each template below.

Run by hand after adding a template: `/usr/bin/python3 generate-jinja2-golden.py`. The tests need no Python.
"""
import json
import pathlib

import jinja2

CONTEXT = {
    "name": "basel-lab-1", "n": 7, "f": 2.5, "yes": True, "no": False, "nothing": None, "empty": [], "text": "Hello, World",
    "list": [3, 1, 2], "words": ["b", "A", "c", "a"], "site": {"name": "basel", "port": 8080, "labels": {"zone": "eu", "tier": "lab"}},
    "rows": [{"id": 2, "kind": "x", "tags": {"a": "q"}}, {"id": 1, "kind": "Y", "tags": {"a": "p"}}, {"id": 3, "kind": "x", "tags": {"a": "r"}}],
    "html": "<a href='x'>&amp;</a>", "uni": "Zürich 😀 \u2028", "lines": "one\ntwo\n\nthree\n", "quote": "it's \"so\"",
}

EXPRESSIONS = r"""
1 + 2 * 3|7 // 2|-7 // 2|7 // -2|-7 % 3|7 % -3|7.5 // 2|-7.5 % 2|7 / 2|6 / 2|2 ** 10|2 ** -1|2 ** 3 ** 2|-2 ** 2|2.0 ** 3|1e16|1e15
1.0|0.1 + 0.2|1e-5|0.0001|123456789.123|1e22|-0.0|1_000|0x1f|0b11|0o17|1.5e3|'a' 'b'|'a' ~ 1 ~ none ~ true|'ab' * 3|3 * 'ab'|[1] * 2
[1, 2] + [3]|(1, 2) + (3,)|1 == 1.0|true == 1|'1' == 1|[1, 2] == [1, 2.0]|{'a': 1} == {'a': 1}|(1,) == [1]|1 < 2 < 3|1 < 3 < 2|3 > 2 >= 2
'a' < 'b'|[1, 2] < [1, 3]|2 in list|2 not in list|'ell' in text|'name' in site|'x' in site|not yes|not no and yes|no or 'x'|0 or none|1 and 2
yes and no or 3|'a' if yes else 'b'|'a' if no else 'b'|'a' if no else 'b' if no else 'c'|[1, 'a', none, 1.5, true]|{'a': 1, 'b': [1]}|(1,)|()|(1, 2)
[]|{}|1, 2|site.name|site['name']|site.labels.zone|site['labels']['zone']|list[0]|list[-1]|list.0|rows.0.id|rows[1]['tags'].a|text[0]|text[-1]
text[1:4]|text[::-1]|text[:-7]|list[1:]|list[::2]|list[::-1]|(1, 2, 3)[1:]|uni[7]|uni[::-1]|uni|[uni]|[quote]|['it\'s']|['a\nb\x00\\']|'\u00e9\t.'
'\q'|+5|-n|--n|+yes|-(2 + 3)|n - 1|n -1|n-1|f * 2|7 % 4 ~ 'x'|1 ~ 2 + 3|(1 ~ 2) ~ 3|{'a': {'b': 1}}.a.b|[[1, 2], [3]][0][1]|"a" + 'b'|yes + yes
3 if n > 5|list is defined|missing is defined|missing is undefined|site.missing is defined|nothing is none|n is odd|n is even|4 is divisibleby 2
4 is divisibleby(3)|n is number|f is float|n is integer|yes is integer|yes is boolean|yes is number|text is string|list is sequence|site is mapping
list is iterable|n is iterable|n is eq 7|n is ne 7|n is lt 8|n is ge 7|n is in [1, 7]|n is not in [1]|n is not odd|yes is true|no is false|1 is true
'abc' is lower|'ABC' is upper|n is gt 3 and f is lt 3|text is not none|range is callable|site is sequence|text is iterable|1.0 is integer
loop is defined|n == 7 is true|not n is odd|-1 is odd|[1, 2, 3] is sequence|none is string|'a' is in 'abc'
"""

FILTERS = r"""
missing | default('x')|missing | d|nothing | default('x')|nothing | default('x', true)|'' | default('x', boolean=true)|site.nope | default(1)
text | upper|text | lower|'hello wORLD foo-bar (baz)' | title|'hELLO' | capitalize|'  x ' | trim|'xxaxx' | trim('x')|text | replace('l', 'L')
text | replace('l', 'L', 2)|'abc' | replace('', '-')|list | join(', ')|list | join|rows | join('/', attribute='id')|'abc' | join('.')|list | length
text | count|site | length|uni | length|list | first|list | last|text | first|site | first|list | sort|list | sort(reverse=true)|words | sort
words | sort(case_sensitive=true)|rows | sort(attribute='id') | map(attribute='id') | join|rows | sort(attribute='kind,id') | map(attribute='id') | list
rows | sort(attribute='tags.a', reverse=true) | map(attribute='tags.a') | join|list | reverse | list|'abc' | reverse|words | unique | list
words | unique(case_sensitive=true) | list|rows | unique(attribute='kind') | map(attribute='id') | list|'abc' | list|site.labels | list
rows | map(attribute='kind') | list|rows | map(attribute='nope', default='-') | list|words | map('upper') | list|list | map('string') | join('+')
words | map('replace', 'a', 'z') | list|list | select('odd') | list|list | reject('odd') | list|[0, 1, '', 'a'] | select | list|list | select('gt', 1) | list
[0, 1, none] | reject | list|rows | selectattr('kind', 'eq', 'x') | map(attribute='id') | list|rows | rejectattr('kind', '==', 'x') | map(attribute='id') | list
rows | selectattr('id') | list | length|rows | selectattr('nope', 'defined') | list|'42' | int|'42.9' | int|'x' | int|'x' | int(5)|'0x1f' | int(base=16)
'ff' | int(0, 16)|' 12 ' | int|2.9 | int|-2.9 | int|none | int|true | int|'1_000' | int|'1.5' | float|'x' | float|'x' | float(1)|3 | float|'1e3' | float
'inf' | float|'nan' | float|-5 | abs|-5.5 | abs|2.5 | round|3.5 | round|2.675 | round(2)|0.125 | round(2)|2.1 | round(method='ceil')
2.789 | round(1, 'floor')|42 | round|1234.5 | round(-2)|1250 | round(-2)|9.9999 | round(2)|-0.4 | round|1e300 | round(2)|list | min|list | max
words | min|words | max|words | max(case_sensitive=true)|rows | min(attribute='id')|list | sum|rows | sum(attribute='id')|list | sum(start=10)|[0.5, 1] | sum
lines | indent|lines | indent(2, true)|lines | indent(2, blank=true)|lines | indent('> ')|'a' | indent(first=true)|site | tojson|html | tojson|uni | tojson
[1, 1.5, none, true, 'a', {'b': []}, {}] | tojson|site | tojson(indent=2)|[] | tojson(2)|'"\\\n\x7f' | tojson|site | dictsort|site.labels | dictsort(false, 'value')
{'b': 1, 'A': 2, 'c': 0} | dictsort|{'b': 1, 'A': 2} | dictsort(true)|{'b': 1, 'A': 2} | dictsort(reverse=true)|site.labels | items | list|missing | items | list
[1, 2, 3] | batch(2) | list|[1, 2, 3] | batch(2, 'x') | list|'a b/c?d=é&' | urlencode|{'a b': 1, 'c': 'd/e'} | urlencode|[['a', 1]] | urlencode|html | escape|'<' | e
html | safe|5 | string|'foo' | center(9)|'fo' | center(7)|'one two-three' | wordcount|-1 | abs|list | map('abs') | sum|(list | sort)[0]|n | string | length
'%s' | upper|[3, 1] | sort | first|text | lower | replace('o', '0') | upper|'a,b' | replace(',', '\n')|'x' ~ 'y' | upper|[1, [2]] | string|true | string
"""

METHODS = r"""
text.upper()|text.lower()|' a '.strip()|'xax'.strip('x')|' a '.lstrip()|' a '.rstrip()|'a,b,c'.split(',')|'a b  c'.split()|'a,b,c'.split(',', 1)
' a b  c '.split(none, 1)|'a,b,c'.rsplit(',', 1)|''.split()|''.split(',')|'a,b'.replace(',', ';')|text.startswith('Hello')|text.endswith('d')|text.startswith(('x', 'H'))
', '.join(['a', 'b'])|'-'.join('abc')|site.items() | list|site.labels.keys() | list|site.labels.values() | list|site.get('name')|site.get('nope')|site.get('nope', 5)
'they\'re bill\'s'.title()|'aBC dE'.capitalize()|text.find('o')|text.rfind('o')|text.find('z')|text.count('l')|''.count('')|'a\nb\r\nc'.splitlines()|'5'.zfill(3)
'-5'.zfill(4)|'ab'.center(7, '*')|'abc'.center(6, '*')|'a'.ljust(3, '.')|'a'.rjust(3)|'12'.isdigit()|'a1'.isalpha()|'a1'.isalnum()|'Ab'.isupper()|'ab'.islower()
'foobar'.removeprefix('foo')|'foobar'.removesuffix('bar')|list.index(1)|list.count(1)|{'items': 1}['items']|{'a': 1}.items() | list|'a'.upper().lower()|text.index('W')
range(3) | list|range(1, 3) | list|range(5, 0, -2) | list|range(0) | list|dict(a=1, b=2)|dict({'a': 1}, b=2)|dict([('a', 1)])|namespace(a=1).a|(1, 2).index(2)
"""

TEMPLATES = [
    "plain", "", "\n", "a\n", "a\n\n", "{{ n }}\n", "{# c #}x{# {{ y }} #}", "a\r\nb\rc", "  {{- n -}}  x", "a {%- if yes %} b {% endif -%} c",
    "{% raw %}{{ x }}{% y %}{% endraw %}", "a {%- raw -%} {{ x }} {%- endraw -%} b", "{{ '}}' }}{{ '%}' }}", "{{ {'a': {'b': 1}} }}",
    "{% if no %}a{% elif n == 7 %}b{% else %}c{% endif %}", "{% if no %}a{% endif %}x", "{% if list %}y{% endif %}{% if empty %}n{% else %}e{% endif %}",
    "{% for i in list %}{{ i }},{% endfor %}", "{% for i in empty %}x{% else %}none{% endfor %}", "{% for c in 'ab' %}[{{ c }}]{% endfor %}",
    "{% for k in site %}{{ k }} {% endfor %}", "{% for k, v in site.items() %}{{ k }}={{ v }};{% endfor %}",
    "{% for k, v in site.labels | dictsort %}{{ k }}={{ v }};{% endfor %}", "{% for i in list if i > 1 %}{{ loop.index }}/{{ loop.length }}:{{ i }} {% endfor %}",
    "{% for i in list if i > 9 %}x{% else %}none{% endfor %}", "{% for (a, b), c in [((1, 2), 3)] %}{{ a }}{{ b }}{{ c }}{% endfor %}",
    "{% for i in list %}{{ loop.index }}{{ loop.index0 }}{{ loop.first }}{{ loop.last }}{{ loop.length }}{{ loop.revindex }}{{ loop.revindex0 }} {% endfor %}",
    "{% for i in list %}{{ loop.previtem | default('-') }}<{{ i }}>{{ loop.nextitem | default('-') }} {% endfor %}",
    "{% for i in list %}{{ loop.cycle('a', 'b') }}{% endfor %}", "{% for i in [1, 1, 2] %}{{ loop.changed(i) }} {% endfor %}",
    "{% for i in [1, 2] %}{% for j in [3, 4] %}{{ loop.index }}{{ loop.depth }}{% endfor %}{{ loop.index }} {% endfor %}",
    "{% for i in 1, 2, 3 %}{{ i }}{% endfor %}", "{% for i in [1, 2] %}{{ i }}{% if not loop.last %}, {% endif %}{% endfor %}",
    "{% set x = 1 %}{{ x }}", "{% set x = 1, 2 %}{{ x }}", "{% set a, b = 1, 2 %}{{ b }}{{ a }}", "{% set a = 1 %}{% set a = a + 1 %}{{ a }}",
    "{% set x = 1 %}{% for i in list %}{% set x = i %}{{ x }}{% endfor %}{{ x }}", "{% if yes %}{% set x = 5 %}{% endif %}{{ x }}",
    "{% if no %}{% set n = 5 %}{% endif %}{{ n }}", "{% for i in list %}{% set n = n + i %}{{ n }} {% endfor %}{{ n }}",
    "{% set x = 0 %}{% for i in [1, 2] %}{% if loop.first %}{% set x = i %}{% endif %}{{ x }}{% endfor %}",
    "{% set ns = namespace(c=0) %}{% for i in list %}{% set ns.c = ns.c + i %}{% endfor %}{{ ns.c }}", "{% set x %}a{{ n }}b{% endset %}[{{ x }}]",
    "{% set x | upper %}a{{ name }}{% endset %}{{ x }}", "{% set x | replace('a', 'b') | upper %}aaa{% endset %}{{ x }}", "{% filter upper %}a{{ name }}{% endfilter %}",
    "{% filter indent(2) | upper %}a\nb{% endfilter %}", "{% with a = 1, b = n %}{{ a }}{{ b }}{% endwith %}", "{% set a = 1 %}{% with a = 2, b = a %}{{ a }}{{ b }}{% endwith %}{{ a }}",
    "{% with %}{% set q = 1 %}{{ q }}{% endwith %}{{ q is defined }}", "{% macro m(a, b=2) %}{{ a }}-{{ b }}{% endmacro %}{{ m(1) }} {{ m(1, 3) }} {{ m(b=4, a=5) }}",
    "{% macro m(a, b=a) %}{{ a }}{{ b }}{% endmacro %}{{ m(1) }}", "{% macro m() %}{{ name }}{{ x }}{% endmacro %}{% set x = 3 %}{{ m() }}",
    "{% macro f(i) %}{{ i }}{% if i > 0 %}{{ f(i - 1) }}{% endif %}{% endmacro %}{{ f(3) }}", "{% macro m(a) %}{{ a | default('none') }}{% endmacro %}{{ m() }}{{ m(1) }}",
    "{% macro m(x) %}{% for i in x %}{{ i }}{% endfor %}{% endmacro %}{{ m(list) | upper }}{{ m('ab') }}",
    "{% for i in list %}{% macro m() %}{{ i }}{% endmacro %}{{ m() }}{% endfor %}", "{% macro m() %}x{% endmacro %}{{ m }}", "{% macro outer() %}{% macro inner(a) %}<{{ a }}>{% endmacro %}{{ inner(1) }}{% endmacro %}{{ outer() }}",
    "{{ missing }}", "{{ site.nope }}", "{{ missing.x }}", "{% for i in missing %}{% endfor %}", "{% if missing %}{% endif %}", "{{ missing == 1 }}", "{{ missing | upper }}",
    "{{ 1 + 'a' }}", "{{ 'a' + 1 }}", "{{ 1 // 0 }}", "{{ 1 % 0 }}", "{{ 1 / 0 }}", "{{ 1 < 'a' }}", "{{ n.x }}", "{{ n() }}", "{{ list | sort(attribute='x') }}", "{{ [1, 'a'] | sort }}",
    "{{ list[9] }}", "{{ [] | first }}", "{{ n | length }}", "{% for i in n %}{% endfor %}", "{% for a, b in list %}{% endfor %}", "{% macro m(a) %}{{ a }}{% endmacro %}{{ m() }}", "{{ 1 in 2 }}",
    "{% macro m(a) %}{% endmacro %}{{ m(1, 2) }}", "{% macro m(a) %}{% endmacro %}{{ m(q=2) }}", "{{ 'x' if no }}", "{{ namespace(a=1).b }}", "{{ -text }}", "{{ 'a'.split('') }}", "{{ range(3, 1, 0) | list }}",
    "{{", "{{ }}", "{{ 1 + }}", "{% if %}{% endif %}", "{% if yes %}", "{% endif %}", "{% for x list %}{% endfor %}", "{{ 'a }}", "{{ (1 }}", "{{ 1) }}", "{% foo %}", "{# x", "{% raw %}x", "{{ n | nope }}", "{{ n is nope }}",
    "{{ n is odd is even }}", "{% set 1 = 2 %}", "{% set x %}", "{{ a b }}", "{% if yes %}{% else %}{% else %}{% endif %}", "{{ f(a=1, 2) }}", "{% macro m(a=1, b) %}{% endmacro %}", "{{ n | upper(1) }}", "{{ n ? 1 }}", "{{ 1 if }}",
]

WHITESPACE = [
    "  {% if yes %}\n  a\n  {% endif %}\nb\n", "x {% if yes %}\ny\n{% endif %}\n", "  {%+ if yes %}\na{% endif %}\n", "{% if yes +%}\na{% endif %}\n", "  {# c #}\n  x\n", "{%- if yes -%}\n a \n{%- endif -%}\n z",
    "  {{ n }}\n  {{ n }}  \n", "a\n  {% raw %}\n  {{ x }}\n  {% endraw %}\nb\n", "{# a -#}\n\n b", "a \n {#- b #} c", "{% for i in list %}\n  - {{ i }}\n{% endfor %}\nend\n", "\t{% set x = 1 %}\n{{ x }}\n",
    "a{% if yes %}\n\nb{% endif %}", "  x{% if yes %}y{% endif %}", "{% if yes %}\n  {% if yes %}\n    deep\n  {% endif %}\n{% endif %}\n", "{{ n -}}\n x", "{% if yes %} \n b{% endif %}", "{# one #}\n{# two #}\n  {# three #}\nx", "\n\n  {%- if yes %}a{% endif %}",
]
VARIANTS = [{}, {"trim_blocks": True}, {"lstrip_blocks": True}, {"trim_blocks": True, "lstrip_blocks": True}, {"keep_trailing_newline": True}]


def split_table(table):
    """One expression per cell; a bar with blanks around it is a filter, not a border."""
    for line in table.strip().splitlines():
        yield from line.replace(" | ", "\0").split("|")


def render(template, options):
    environment = jinja2.Environment(undefined=jinja2.StrictUndefined, **options)
    try:
        return {"expected": environment.from_string(template).render(CONTEXT)}
    except jinja2.TemplateSyntaxError:
        return {"error": "syntax"}
    except Exception:  # Undefined, TypeError, ZeroDivisionError: all are errors of the render
        return {"error": "render"}


def main():
    cases = []
    for table in (EXPRESSIONS, FILTERS, METHODS):
        for cell in split_table(table):
            cases.append(({}, "{{ " + cell.replace("\0", " | ") + " }}"))
    cases += [({}, template) for template in TEMPLATES]
    cases += [(options, template) for template in WHITESPACE for options in VARIANTS]
    out = [{"template": template, **({"options": options} if options else {}), **render(template, options)} for options, template in cases]
    lines = ",\n".join("    " + json.dumps(case, ensure_ascii=True) for case in out)
    path = pathlib.Path(__file__).with_name("jinja2-golden.json")
    path.write_text('{\n  "context": ' + json.dumps(CONTEXT) + ',\n  "cases": [\n' + lines + "\n  ]\n}\n")
    print(len(out), "cases, Jinja2", jinja2.__version__)


if __name__ == "__main__":
    main()
