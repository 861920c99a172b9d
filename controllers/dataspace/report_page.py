"""The report of a run as a page to print: what was asked, how, within which limits, who signed.

In three languages; the signed document stands at the end of the page as it is, so that the page
can be verified without the node (dataspace.releasing.report.verify_report).
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from jinja2 import Environment

from controllers.dataspace.console import texts as spoken
from controllers.dataspace.console.answers import (
    asked_in,
    findings_of,
    has_models,
    meaning_of,
)
from controllers.dataspace.console.words import Words
from controllers.texts import LANGUAGES, Texts
from core.canonical import Json
from dataspace.questions.catalogue import catalogue
from dataspace.questions.notes import WORDS, Note

_PAGE = """<!doctype html>
<html lang="{{ language }}"><head><meta charset="utf-8"><title>{{ report.title }}</title>
<style>body{font:16px/1.5 sans-serif;max-width:60rem;margin:2rem auto;padding:0 1rem}
table{border-collapse:collapse}.wide{overflow-x:auto}
td,th{border:1px solid #999;padding:.2rem .6rem;text-align:left}
pre{white-space:pre-wrap;overflow-wrap:anywhere;font-size:.7rem}</style></head><body>
<h1>{{ report.title }}</h1>
<p>{{ say(report.environment) }}. {{ say("intelligence") }}</p>
<div class="wide"><table><caption>{{ say("result") }}</caption><thead><tr>
{% for each in result.columns %}<th>{{ words.column(each) }}</th>
{% endfor %}</tr></thead><tbody>{% for row in result.rows %}<tr>{% for cell in row %}
<td>{{ say("withheld") if cell is none and result.suppressed
else words.shown(result, row, loop.index0) }}</td>{% endfor %}</tr>{% endfor %}</tbody>
</table></div>
{% if meaning %}<dl>{% for name, text in meaning %}<dt>{{ name }}</dt>
<dd>{{ text }}</dd>{% endfor %}</dl>{% endif %}
{% for note in notes %}<p>{{ note }}</p>{% endfor %}
{% if findings or models %}<h2>{{ told("result.models") }}</h2>
{% if models %}<p>{{ told("result.models.help") }}</p>{% endif %}
<ul>{% for each in findings %}<li>{{ each }}</li>{% endfor %}</ul>{% endif %}
<h2>{{ say("how") }}</h2><dl>
<dt>{{ say("question") }}</dt><dd>{{ question }}</dd>
{% for name, text in asked %}<dt>{{ name }}</dt><dd>{{ text }}</dd>{% endfor %}
<dt>{{ say("purpose") }}</dt><dd>{{ words.said("purpose", report.purpose) }}</dd>
<dt>{{ say("leak") }}</dt><dd>{{ leak }}</dd>
<dt>{{ say("method") }}</dt><dd>{{ words.said("method", report.method.engine)
}}{% if report.method.circuit %},
{{ report.method.circuit }}. {{ say("parties", parties=report.method.computing|length,
together=report.method.together) }}{% endif %}</dd>
<dt>{{ say("holders") }}</dt><dd>{% for did in report.holders %}{{ names[did] or did }}
{{ ", " if not loop.last }}{% endfor %}</dd>
<dt>{{ say("threshold") }}</dt><dd>{{ say("threshold.is", cases=report.threshold,
organisations=report.contributors) }}</dd>
<dt>{{ say("budget") }}</dt><dd>{{ say("budget.is", spent=report.budget.run_milli / 1000,
agreed=report.budget.agreed_milli / 1000) }}</dd>
<dt>{{ say("suppressed") }}</dt><dd>{{ say("suppressed.is", number=report.suppressed,
cells=report.cells) }}</dd>
<dt>{{ say("agreement") }}</dt><dd>{{ report.agreement }}</dd>
<dt>{{ say("plan") }}</dt><dd>{{ report.plan }}</dd>
<dt>{{ say("run") }}</dt><dd>{{ report.tag }}, {{ report.at }}</dd></dl>
<h2>{{ say("signed") }}</h2><ul>{% for each in signatures %}<li>{{ each }}</li>{% endfor %}</ul>
<h2>{{ say("document") }}</h2><pre>{{ document }}</pre></body></html>
"""

_template = Environment(autoescape=True).from_string(_PAGE)
TEXTS = Texts(Path(__file__).parent / "languages")


def report_page(
    result: Json,
    agreement: Json,
    vocabulary: Json,
    plan: Json | None = None,
    language: str = LANGUAGES[0],
) -> str:
    """HTML that fetches nothing, in words where the vocabulary and the console have them.

    Without the plan it does not say of which cases the numbers are. A language that there is
    not is the first one.
    """
    language = language if language in LANGUAGES else LANGUAGES[0]
    names: dict[str, Any] = {each["did"]: each["name"] for each in agreement["participants"]}
    report, released = result["report"]["report"], result["released"]
    words = Words(vocabulary, language, names)
    return _template.render(
        language=language,
        say=TEXTS.say_in(language),
        report=report,
        told=spoken.say_in(language),
        words=words,
        question=_title(report["question"], words),
        asked=asked_in(plan, words) if plan else (),
        meaning=meaning_of(released, plan, words),
        findings=findings_of(released, words),
        models=has_models(released),
        leak=_spoken(language, f"leak.{report['question']}", report["leak"]),
        result=released,
        notes=[_spoken(language, f"note.{n}", _note(n)) for n in released["notes"]],
        names=names,
        signatures=[names.get(each.partition("#")[0], each) for each in result["signatures"]],
        document=json.dumps(result["report"], indent=1, ensure_ascii=False),
    )


def _title(question: str, words: Words) -> str:
    known = catalogue().get(question)
    return question if known is None else words.text(known.titles)


def _note(code: str) -> str:
    return WORDS[Note(code)] if code in {each.value for each in Note} else code


def _spoken(language: str, key: str, otherwise: str) -> str:
    """The console's own words for it, where it has some."""
    return spoken.say_in(language)(key) if spoken.is_said(language, key) else otherwise
