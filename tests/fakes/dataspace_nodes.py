"""Five organisations' nodes and an evaluator in memory, by the officer API, for the console's
pages: plausible plans, gates that refuse what the real ones refuse, answers that are made up.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from typing import Any

import httpx

from controllers.dataspace.console.nodes import NodeAddress, NodeClient, Nodes

type Json = dict[str, Any]

LIMITS = {
    "least_cell": 11,
    "least_contributors": 2,
    "least_list": 25,
    "most_runs": 12,
    "most_plans": 500,
    "epsilon_milli": 3000,
    "longest_days": 30,
}
PLACES = {
    "shelter-a": ("Harbour House", "shelter"),
    "shelter-b": ("Safe Hands", "shelter"),
    "police": ("Metropolitan Police", "police"),
    "labour": ("Labour Inspectorate", "labour-inspectorate"),
    "health": ("Health Service", "health-service"),
    "evaluator": ("Neutral Evaluator", "evaluator"),
}
NO_LINKAGE = "health"
CHECKS = (
    "agreement", "expiry", "vocabulary", "question", "operation", "purpose", "people",
    "columns", "constraints", "thresholds", "framework", "linkage", "budget", "runs",
    "own-data", "list", "differences",
)  # fmt: skip
_KEY = "officer-key-of-{place}"
_LOOKS = ("preparing", "computing", "comparing", "released")  # a run goes on at each look


def _labels(en: str, es: str, km: str) -> Json:
    return {"en": en, "es": es, "km": km}


def _codes(*entries: tuple[str, str, str, str]) -> Json:
    return {"entries": [{"code": code, "labels": _labels(*said)} for code, *said in entries]}


VOCABULARY: Json = {
    "columns": {
        "registered_on": {
            "kind": "date",
            "labels": _labels("registered on", "fecha de registro", "ថ្ងៃចុះឈ្មោះ"),
        },
        "form_of_exploitation": {
            "kind": "code",
            "codes": "exploitation",
            "labels": _labels("form of exploitation", "forma de explotación", "ទម្រង់កេងប្រវ័ញ្ច"),
        },
        "region": {
            "kind": "code",
            "codes": "region",
            "labels": _labels("region", "región", "តំបន់"),
        },
        "cost_amount": {
            "kind": "number",
            "labels": _labels("cost of support", "costo del apoyo", "ថ្លៃដើមនៃការគាំទ្រ"),
        },
    },
    "codes": {
        "exploitation": _codes(
            ("forced-labour", "forced labour", "trabajo forzoso", "ពលកម្មដោយបង្ខំ"),
            ("sexual", "sexual exploitation", "explotación sexual", "ការកេងប្រវ័ញ្ចផ្លូវភេទ"),
            ("marriage", "forced marriage", "matrimonio forzado", "អាពាហ៍ពិពាហ៍ដោយបង្ខំ"),
            ("begging", "forced begging", "mendicidad forzada", "ការសុំទានដោយបង្ខំ"),
        ),
        "region": _codes(
            ("kh-phnom-penh", "Phnom Penh", "Phnom Penh", "ភ្នំពេញ"),
            ("kh-siem-reap", "Siem Reap", "Siem Reap", "សៀមរាប"),
            ("kh-battambang", "Battambang", "Battambang", "បាត់ដំបង"),
        ),
    },
}

_FILTERS = ["registered_on", "form_of_exploitation", "region"]
_LINKS = ["national_id", "name_and_birth_date", "sound_and_birth_year"]
QUESTIONS: list[Json] = [
    {
        "name": "counts",
        "title": _labels(
            "How many cases, and where", "Cuántos casos, y dónde", "មានករណីប៉ុន្មាន និងនៅទីណា"
        ),
        "help": {},
        "computation": "tabulation",
        "engine": "shares",
        "leak": _labels("Small cells stay closed.", "", ""),
        "groups": {
            "least": 0,
            "most": 4,
            "columns": ["form_of_exploitation", "region", "registered_on"],
        },
        "filters": _FILTERS,
        "measures": [],
        "link": [],
        "options": {
            "counted": {
                "kind": "choice",
                "choices": ["cases", "people"],
                "default": "cases",
                "label": {},
            },
            "missing": {"kind": "number", "least": 0, "most": 1, "default": 0, "label": {}},
        },
        "guards": ["threshold", "contributors"],
        "noise": False,
        "example": {"groups": [{"column": "region"}, {"column": "form_of_exploitation"}]},
    },
    {
        "name": "total",
        "title": _labels(
            "How many people there are in all",
            "Cuántas personas hay en total",
            "សរុបមានមនុស្សប៉ុន្មាននាក់",
        ),
        "help": {},
        "computation": "estimate",
        "engine": "ring",
        "leak": _labels("The evaluator sees exact overlaps.", "", ""),
        "groups": {"least": 0, "most": 0, "columns": []},
        "filters": _FILTERS,
        "measures": [],
        "link": _LINKS,
        "options": {
            "method": {
                "kind": "choice",
                "choices": ["models", "independence"],
                "default": "models",
                "label": {},
            }
        },
        "noise": False,
        "example": {"link": _LINKS},
    },
    {
        "name": "trends",
        "title": _labels("Whether it grows", "Si crece", "តើវាកើនឡើងឬទេ"),
        "help": {},
        "computation": "tabulation",
        "engine": "shares",
        "leak": _labels("With noise, what the budget allows.", "", ""),
        "groups": {"least": 1, "most": 2, "columns": ["registered_on", "region"]},
        "filters": _FILTERS,
        "measures": [],
        "link": [],
        "options": {},
        "guards": ["threshold", "contributors"],
        "noise": True,
        "example": {"groups": [{"column": "registered_on", "period": "year"}]},
    },
    {
        "name": "priorities",
        "title": _labels(
            "Which of our cases to look at first",
            "Qué casos nuestros mirar primero",
            "ករណីណារបស់យើងដែលត្រូវពិនិត្យមុន",
        ),
        "help": {},
        "computation": "linkage",
        "engine": "owners",
        "leak": _labels("Each owner learns of its own.", "", ""),
        "groups": {"least": 0, "most": 0, "columns": []},
        "filters": _FILTERS,
        "measures": [],
        "link": ["national_id"],
        "options": {},
        "noise": False,
        "example": {"link": ["national_id"]},
    },
]


def did_of(place: str) -> str:
    """The DID of a node."""
    return f"did:key:z{place}"


@dataclass
class Kept:
    """One plan of the space."""

    digest: str
    plan: Json
    asker: str
    refused: dict[str, str]  # by place: the code
    decided: dict[tuple[str, str], str] = field(default_factory=dict)  # (place, duty): state
    runs: list[str] = field(default_factory=list)


@dataclass
class Run:
    """One run; it goes on each time that somebody looks."""

    tag: str
    digest: str
    looks: int = 0

    @property
    def state(self) -> str:
        return _LOOKS[min(self.looks // 2, len(_LOOKS) - 1)]


class FakeSpace:
    """All nodes. `asked` lists every request as "place METHOD path"."""

    def __init__(self) -> None:
        self.plans: dict[str, Kept] = {}
        self.runs: dict[str, Run] = {}
        self.logs: dict[str, list[Json]] = {place: [] for place in PLACES}
        self.asked: list[str] = []
        self.down: set[str] = set()
        self.logs_agree = True

    def nodes(self) -> Nodes:
        """What a console is given."""
        return Nodes({place: self._client(place) for place in PLACES})

    def _client(self, place: str) -> NodeClient:
        address = NodeAddress(place, f"http://{place}.test", _KEY.format(place=place))
        return NodeClient(address, httpx.MockTransport(self._answering(place)))

    def _answering(self, place: str) -> Callable[[httpx.Request], httpx.Response]:
        def answer(request: httpx.Request) -> httpx.Response:
            path = request.url.path.removeprefix("/api")
            self.asked.append(f"{place} {request.method} {path}")
            if place in self.down:
                raise httpx.ConnectError("down")
            if request.headers.get("authorization") != f"Bearer {_KEY.format(place=place)}":
                return _problem(401, "not-authenticated", "no key")
            body = json.loads(request.content or b"{}")
            node = _Node(self, place)
            return (
                node.get(path, request.url.params)
                if request.method == "GET"
                else node.post(path, body)
            )

        return answer

    def note(self, place: str, kind: str) -> None:
        """An entry of a node's log."""
        log = self.logs[place]
        entry = {"number": len(log) + 1, "kind": kind, "at": _now().isoformat()}
        log.append({**entry, "hash": sha256(repr((place, entry)).encode()).hexdigest()})


@dataclass
class _Node:
    space: FakeSpace
    place: str

    @property
    def holds(self) -> bool:
        return self.place != "evaluator"

    def get(self, path: str, params: httpx.QueryParams) -> httpx.Response:
        parts = path.strip("/").split("/")
        plain: dict[str, Callable[[], Any]] = {
            "node": self._about,
            "vocabulary": lambda: VOCABULARY,
            "questions": lambda: {"items": QUESTIONS},
            "plans": self._list,
            "ledger": lambda: {
                "epsilon_milli": {"allowed": 3000, "spent": 500},
                "plans": 2,
                "runs": 1,
            },
            "log": lambda: {"items": self._log(params)},
            "cases/summary": lambda: {"cases": 412, "columns": [], "since": None},
        }
        if path.strip("/") in plain:
            return httpx.Response(200, json=plain[path.strip("/")]())
        kind, name = parts[0], parts[1].removesuffix(".csv")
        if kind == "plans" and name in self.space.plans:
            return httpx.Response(200, json=self._view(self.space.plans[name]))
        if kind == "runs" and name in self.space.runs:
            return httpx.Response(200, json=self._run(self.space.runs[name]))
        if kind == "priorities" and name in self.space.runs:
            return httpx.Response(200, json=_PRIORITIES)
        if kind == "results" and self._may_read(name):
            return self._result(name, path)
        return _problem(404, "not-found", "There is nothing here")

    def post(self, path: str, body: Json) -> httpx.Response:
        parts = path.strip("/").split("/")
        if path == "/plans":
            return self._propose(body)
        if path == "/log/compare":
            heads = [
                {
                    "did": did_of(each),
                    "entries": len(log),
                    "head": "ab" * 32,
                    "agrees": self.space.logs_agree,
                }
                for each, log in self.space.logs.items()
            ]
            return httpx.Response(200, json={"heads": heads, "agree": self.space.logs_agree})
        kept = self.space.plans.get(parts[1])
        if kept is None:
            return _problem(404, "not-found", "There is no such plan")
        return {
            "approve": self._approve,
            "refuse": self._refuse,
            "withdraw": self._withdraw,
            "run": self._begin,
        }[parts[2]](kept, body)

    # --- plans ------------------------------------------------------------------------------

    def _propose(self, body: Json) -> httpx.Response:
        days = body.pop("days", 7)
        plan = {
            **body,
            "asker": did_of(self.place),
            "expires": (_now() + timedelta(days)).isoformat(),
        }
        refused = {place: code for place in PLACES if (code := self._gate(place, plan))}
        if self.place in refused:
            return httpx.Response(
                422,
                json={
                    "code": refused[self.place],
                    "detail": "The gate refuses",
                    "checks": _checks(refused[self.place]),
                },
            )
        content = json.dumps({k: v for k, v in plan.items() if k != "expires"}, sort_keys=True)
        digest = "z" + sha256(content.encode()).hexdigest()
        kept = Kept(digest, plan, self.place, refused)
        for place in self._holders(plan):
            kept.decided[(place, "data")] = "waiting"
        self.space.plans.setdefault(digest, kept)
        for place in PLACES:
            self.space.note(place, "gate-refused" if place in refused else "plan-received")
        return httpx.Response(201, json=self._view(self.space.plans[digest]))

    def _holders(self, plan: Json) -> list[str]:
        linked = bool(plan["link"])
        return [p for p in PLACES if p != "evaluator" and not (linked and p == NO_LINKAGE)]

    def _gate(self, place: str, plan: Json) -> str | None:
        narrow = [f for f in plan["filters"] if f.get("first") and f.get("last")]
        if plan["threshold"] < LIMITS["least_cell"]:
            return "threshold-too-low"
        if plan["link"] and narrow:
            return "list-too-short"
        ran = [each.plan for each in self.space.plans.values() if each.runs]
        near = [p for p in ran if p["groups"] == plan["groups"] and _last(p) != _last(plan)]
        return "differencing-few" if near and place == "police" else None

    def _view(self, kept: Kept) -> Json:
        code = kept.refused.get(self.place)
        own: Json = {
            "columns": ["region", "form_of_exploitation", "cases"],
            "rows": [["kh-phnom-penh", "sexual", 17], ["kh-siem-reap", "forced-labour", 4]],
        }
        return {
            "digest": kept.digest,
            "plan": kept.plan,
            "state": self._state(kept),
            "gate": {"admitted": not code, "checks": _checks(code), "refused": code},
            "expired": False,
            "reveals": {
                "sentences": [],
                "also_sees": [],
                "own": {**own, "of": len(own["rows"])} if self.holds else None,
            },
            "approvals": [
                {
                    "did": did_of(place),
                    "name": PLACES[place][0],
                    "duty": duty,
                    "state": state,
                    "until": (_now() + timedelta(14)).isoformat()
                    if state == "approved"
                    else None,
                }
                for (place, duty), state in kept.decided.items()
            ],
            "runs": {"done": len(kept.runs), "allowed": kept.plan["runs"]},
            "results": [tag for tag in kept.runs if self._may_read(tag)],
        }

    def _list(self) -> Json:
        lines = [self._line(each) for each in reversed(self.space.plans.values())]
        return {
            "items": lines,
            "waiting": [each for each in lines if each["waits"]],
            "older": None,
        }

    def _line(self, kept: Kept) -> Json:
        own = [state for (place, _), state in kept.decided.items() if place == self.place]
        return {
            "digest": kept.digest,
            "title": kept.plan["title"],
            "asker": kept.asker,
            "question": kept.plan["operation"],
            "state": self._state(kept),
            "waits": self._state(kept) == "waiting" and "waiting" in own,
            "results": [tag for tag in kept.runs if self._may_read(tag)],
        }

    def _log(self, params: httpx.QueryParams) -> list[Json]:
        after, most = int(params.get("after", 0)), int(params.get("most", 2000))
        return self.space.logs[self.place][after : after + most]

    def _state(self, kept: Kept) -> str:
        states = set(kept.decided.values())
        if kept.refused or "refused" in states:
            return "refused"
        if any(self.space.runs[tag].state == "released" for tag in kept.runs):
            return "answered"
        if kept.runs:
            return "running"
        if "withdrawn" in states:
            return "withdrawn"
        return "approved" if states == {"approved"} else "waiting"

    def _approve(self, kept: Kept, body: Json) -> httpx.Response:
        if self.place in kept.refused:
            return _problem(409, kept.refused[self.place], "The gate refuses it")
        kept.decided[(self.place, body["duty"])] = "approved"
        self.space.note(self.place, "approved")
        return httpx.Response(200, json=self._view(kept))

    def _refuse(self, kept: Kept, body: Json) -> httpx.Response:
        kept.decided[(self.place, body["duty"])] = "refused"
        return httpx.Response(200, json=self._view(kept))

    def _withdraw(self, kept: Kept, _body: Json) -> httpx.Response:
        kept.decided[(self.place, "data")] = "withdrawn"
        return httpx.Response(200, json=self._view(kept))

    # --- runs -------------------------------------------------------------------------------

    def _begin(self, kept: Kept, _body: Json) -> httpx.Response:
        if set(kept.decided.values()) != {"approved"}:
            return _problem(409, "approval-approved", "Not every holder has approved")
        tag = sha256(f"{kept.digest}{len(kept.runs)}".encode()).hexdigest()[:32]
        self.space.runs[tag] = Run(tag, kept.digest)
        kept.runs.append(tag)
        return httpx.Response(202, json={"tag": tag})

    def _run(self, run: Run) -> Json:
        run.looks += 1
        return {
            "tag": run.tag,
            "plan": run.digest,
            "state": run.state,
            "phase": run.state,
            "failure": None,
            "seen": run.state in ("comparing", "released"),
            "counts": run.state == "released",
            "started": _now().isoformat(),
            "ended": None,
            "parties": 5,
            "t": 2,
            "seconds": 0.4 * run.looks,
        }

    def _may_read(self, tag: str) -> bool:
        run = self.space.runs.get(tag)
        return (
            run is not None
            and did_of(self.place) in self.space.plans[run.digest].plan["receivers"]
        )

    def _result(self, tag: str, path: str) -> httpx.Response:
        if path.endswith(".csv"):
            return httpx.Response(
                200, text="region,cases\r\n", headers={"content-type": "text/csv"}
            )
        if path.endswith("/report"):
            return httpx.Response(
                200, html="<!doctype html><title>Report</title><h1>Report</h1>"
            )
        kept = self.space.plans[self.space.runs[tag].digest]
        released = RELEASED["total" if kept.plan["link"] else "counts"]
        return httpx.Response(
            200,
            json={
                "tag": tag,
                "plan": kept.digest,
                "released": released,
                "method": "ring" if kept.plan["link"] else "shares",
                "parties": 5,
                "t": 2,
                "thresholds": {"cell": 11},
                "budget": {},
                "limits": [],
                "signatures": [{}] * 6,
                "at": _now().isoformat(),
            },
        )

    def _about(self) -> Json:
        name, role = PLACES[self.place]
        participants = [
            {
                "did": did_of(place),
                "name": each,
                "role": its_role,
                "holds_data": place != "evaluator",
                "computes": place != "evaluator",
                "no_linkage": place == NO_LINKAGE,
            }
            for place, (each, its_role) in PLACES.items()
        ]
        return {
            "did": did_of(self.place),
            "name": name,
            "role": role,
            "environment": "sandbox",
            "holds_data": self.holds,
            "no_linkage": self.place == NO_LINKAGE,
            "agreement": {
                "id": "urn:uuid:00000000-0000-0000-0000-000000000000",
                "title": "Counting together",
                "digest": "zAgreement",
                "state": "FINALIZED",
                "starts": "2026-01-01T00:00:00+00:00",
                "ends": "2027-01-01T00:00:00+00:00",
                "limits": LIMITS,
                "purposes": ["planning", "prevalence"],
                "participants": participants,
            },
            "cases": 412 if self.holds else 0,
            "log": {"entries": len(self.space.logs[self.place]), "head": "ab" * 32},
            "evaluator": did_of("evaluator"),
            "t": {"parties": 5, "t": 2},
        }


RELEASED: dict[str, Json] = {
    "counts": {
        "columns": ["region", "form_of_exploitation", "cases"],
        "decimals": {},
        "rows": [
            ["kh-phnom-penh", "forced-labour", 318],
            ["kh-phnom-penh", "sexual", 441],
            ["kh-phnom-penh", "marriage", None],
            ["kh-siem-reap", "forced-labour", 97],
            ["kh-siem-reap", "sexual", 120],
            ["kh-siem-reap", "marriage", None],
            ["kh-battambang", "forced-labour", 204],
            ["kh-battambang", "sexual", 61],
            ["kh-battambang", "marriage", 14],
        ],
        "suppressed": 2,
        "notes": ["below-threshold"],
        "extra": {},
    },
    "total": {
        "columns": ["model", "people", "low", "high"],
        "decimals": {},
        "rows": [
            ["independence", 8120, 7400, 8990],
            ["stepwise", 11430, 9800, 13640],
            ["bales-hesketh-silverman", None, None, None],
            ["bayesian-average", 10980, 9100, None],
        ],
        "suppressed": 0,
        "notes": [],
        "extra": {
            "estimates": {
                "findings": [{"code": "sparse-pairs", "words": "Some pairs are sparse."}],
                "models": [
                    {
                        "model": "bales-hesketh-silverman",
                        "fault": "does-not-exist",
                        "why": "It has none.",
                    }
                ],
            }
        },
    },
}
_PRIORITIES: Json = {
    "columns": ["rank", "case", "kind", "others"],
    "rows": [[1, "HH-0031", "national_id", "any"]],
}


def _checks(code: str | None) -> list[Json]:
    refused = {
        "threshold-too-low": "thresholds",
        "list-too-short": "list",
        "differencing-few": "differences",
    }.get(code or "")
    return [
        {
            "number": number,
            "name": name,
            "held": name != refused,
            "detail": code if name == refused else "",
        }
        for number, name in enumerate(CHECKS, start=1)
    ]


def _last(plan: Json) -> str | None:
    return next((str(f["last"]) for f in plan["filters"] if f.get("last")), None)


def _problem(status: int, code: str, detail: str) -> httpx.Response:
    return httpx.Response(status, json={"code": code, "detail": detail, "status": status})


def _now() -> datetime:
    return datetime.now(UTC)
