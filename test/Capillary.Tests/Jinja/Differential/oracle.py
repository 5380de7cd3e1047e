"""Renders templates with the real Jinja2, for DifferentialTests: one JSON case per line in, one JSON outcome per line out.

The first line in is the context, the first line out the version. A case has "templates" (name to source), "main" and "options".
"""
import json
import resource
import sys

import jinja2

UNDEFINED = {
    "strict": jinja2.StrictUndefined, "default": jinja2.Undefined, "chainable": jinja2.ChainableUndefined, "debug": jinja2.DebugUndefined,
}


def render(case, context):
    options = dict(case.get("options", {}))
    undefined = UNDEFINED[options.pop("undefined", "strict")]
    try:
        environment = jinja2.Environment(
            loader=jinja2.DictLoader(case["templates"]), undefined=undefined,
            extensions=["jinja2.ext.do", "jinja2.ext.loopcontrols"], **options)
        return {"text": environment.get_template(case["main"]).render(context)}
    except (jinja2.TemplateSyntaxError, SyntaxError) as e:
        return {"error": "syntax", "why": str(e)}
    except jinja2.TemplateNotFound as e:
        return {"error": "notfound", "why": str(e)}
    except jinja2.UndefinedError as e:
        return {"error": "undefined", "why": str(e)}
    except RecursionError as e:
        return {"error": "limit", "why": str(e)}
    except Exception as e:
        return {"error": "runtime", "why": f"{type(e).__name__}: {e}"}


def main():
    # A template that asks for more is an error of the render.
    resource.setrlimit(resource.RLIMIT_AS, (1 << 30, 1 << 30))
    context = sys.stdin.readline()
    print(json.dumps(jinja2.__version__), flush=True)
    for line in sys.stdin:
        # Read anew for each case: a template can change what it is given.
        print(json.dumps(render(json.loads(line), json.loads(context))), flush=True)


if __name__ == "__main__":
    main()
