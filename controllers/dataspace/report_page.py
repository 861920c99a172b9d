"""The report of a run as a page to print: what was asked, how, within which limits, who signed.

The signed document stands at the end of the page as it is, so that the page can be verified
without the node (dataspace.releasing.report.verify_report).
"""

from __future__ import annotations

import json
from typing import Any

from jinja2 import Environment

from core.canonical import Json
from dataspace.questions.notes import WORDS, Note

_PAGE = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>{{ report.title }}</title>
<style>body{font:16px/1.5 sans-serif;max-width:60rem;margin:2rem auto;padding:0 1rem}
table{border-collapse:collapse}td,th{border:1px solid #999;padding:.2rem .6rem;text-align:left}
pre{white-space:pre-wrap;overflow-wrap:anywhere;font-size:.7rem}</style></head><body>
<h1>{{ report.title }}</h1>
<p>{{ report.environment|upper }}. What comes out is intelligence about many. It proves nothing
about a person.</p>
<table><caption>Result</caption><thead><tr>{% for each in result.columns %}<th>{{ each }}</th>
{% endfor %}</tr></thead><tbody>{% for row in result.rows %}<tr>{% for cell in row %}
<td>{{ "withheld" if cell is none else cell }}</td>{% endfor %}</tr>{% endfor %}</tbody></table>
{% for note in notes %}<p>{{ note }}</p>{% endfor %}
<h2>How</h2><dl>
<dt>Question</dt><dd>{{ report.question }}, for {{ report.purpose }}</dd>
<dt>What it lets others learn</dt><dd>{{ report.leak }}</dd>
<dt>Method</dt><dd>{{ report.method.engine }}{% if report.method.circuit %},
{{ report.method.circuit }}: {{ report.method.computing|length }} parties compute, of which
{{ report.method.together }} together learn nothing more{% endif %}</dd>
<dt>Whose cases went in</dt><dd>{% for did in report.holders %}{{ names[did] or did }}
{{ ", " if not loop.last }}{% endfor %}</dd>
<dt>Threshold</dt><dd>{{ report.threshold }} cases, {{ report.contributors }} organisations</dd>
<dt>Privacy budget</dt><dd>{{ report.budget.run_milli / 1000 }} of
{{ report.budget.agreed_milli / 1000 }}</dd>
<dt>Withheld</dt><dd>{{ report.suppressed }} of {{ report.cells }}</dd>
<dt>Agreement</dt><dd>{{ report.agreement }}</dd><dt>Plan</dt><dd>{{ report.plan }}</dd>
<dt>Run</dt><dd>{{ report.tag }}, {{ report.at }}</dd></dl>
<h2>Signed by</h2><ul>{% for each in signatures %}<li>{{ each }}</li>{% endfor %}</ul>
<h2>The signed document</h2><pre>{{ document }}</pre></body></html>
"""

_template = Environment(autoescape=True).from_string(_PAGE)


def report_page(result: Json, agreement: Json) -> str:
    """HTML that fetches nothing."""
    names: dict[str, Any] = {each["did"]: each["name"] for each in agreement["participants"]}
    known = {each.value for each in Note}
    notes = [WORDS[Note(n)] if n in known else n for n in result["released"]["notes"]]
    return _template.render(
        report=result["report"]["report"],
        result=result["released"],
        notes=notes,
        names=names,
        signatures=[names.get(each.partition("#")[0], each) for each in result["signatures"]],
        document=json.dumps(result["report"], indent=1, ensure_ascii=False),
    )
