"""What is thrown at the operations: good bodies to spoil, and what to spoil them with."""

from __future__ import annotations

import json
from typing import Any

from inhabited import PAYMENT

MARK = "Zq9Plantedmark"  # whatever is refused does not come back
_KEY = "A" * 43
_SLOT = {"proof": _KEY, "box": "b" * 80}
_NEW = {"slug": "mine", "label": "Mine", "role": "court", "name": {"en": "Mine"}}

# a good body for each, to be spoilt in one place after another
GOOD: dict[str, dict[str, Any]] = {
    "/api/issuer/issuances": {
        "credential": "service-eligibility",
        "values": {"status": "assessed", "region": "KH-12", "household_size": 2},
        "replaces": "none",
    },
    "/api/issuer/revocations": {"issuance_ids": ["none"]},
    "/api/verifier/checks": {"check": "payment", "parameters": PAYMENT},
    "/api/wallet/wallets": {"key": _KEY},
    "/api/wallet/wallets/{wallet_id}/sessions": {"key": _KEY},
    "/api/wallet/wallets/{wallet_id}/destroy": {"key": _KEY},
    "/api/wallet/devices": {"device": _KEY, "slots": [_SLOT, _SLOT | {"proof": "B" * 43}]},
    "/api/wallet/devices/unlock": {"device": _KEY, "proof": _KEY},
    "/api/wallet/devices/slot": {"device": _KEY, "proof": _KEY, "slot": 1, "new": _SLOT},
    "/api/wallet/devices/forget": {"device": _KEY, "proof": _KEY},
    "/api/wallet/devices/others/forget": {"device": _KEY},
    "/api/wallet/devices/cards/forget": {},
    "/api/wallet/recovery": {"lookup": _KEY, "box": "b" * 80},
    "/api/wallet/recovery/open": {"lookup": _KEY},
    "/api/wallet/recovery/tried": {},
    "/api/wallet/links": {
        "link": "http://localhost/l/none",
        "code": "ABCDEF",
        "variant": "plain",
    },
    "/api/wallet/requests/{request_id}/accept": {"choice": {"identity": "none"}},
    "/api/governance/authority": _NEW,
    "/api/governance/organisations": _NEW,
    "/api/governance/organisations/{slug}/administrators": {"name": "Somebody"},
    "/api/governance/organisations/{slug}/keys": {"role": "issue"},
    "/api/governance/grants": {"organisation": "spare", "credential": "identity"},
    "/api/governance/drafts": {
        "operation": {
            "kind": "join",
            "organisation": "spare",
            "role": "court",
            "name": {"en": "Spare"},
            "jurisdictions": ["KH"],
            "until": "2090-01-01T00:00:00Z",
        }
    },
    "/api/governance/drafts/{draft_id}/sign": {"digest": "0" * 64},
    "/api/governance/drafts/{draft_id}/proofs": {
        "proof": {
            "type": "DataIntegrityProof",
            "cryptosuite": "eddsa-jcs-2022",
            "created": "2026-01-01T00:00:00Z",
            "verificationMethod": "did:webvh:Qm:haven.localhost:nobody#key-1",
            "proofPurpose": "assertionMethod",
            "proofValue": "z" + "1" * 64,
        }
    },
    "/api/governance/elsewhere": {
        "authority": "did:webvh:QmOther:other.example:o:authority1",
        "entity": "did:webvh:QmOther:other.example:o:shelter0001",
        "action": "issue",
        "resource": "identity",
    },
    "/api/governance/decide": {
        "query": {"kind": "act", "who": "spare", "action": "issue", "resource": "identity"},
        "as_of": "2026-07-01T00:00:00Z",
        "in_force_at": "2090-01-01T00:00:00Z",
    },
    "/l/{token}/accept": {"claim": "c" * 40, "code": "ABCDEF"},
    "/moves": {"claim": "c" * 40},
}

RUBBISH: dict[str, bytes] = {
    "nothing": b"",
    "no JSON": MARK.encode(),
    "half": b'{"' + MARK.encode(),
    "no UTF-8": b"\xff\xfe\x00" + MARK.encode(),
    "UTF-16": f'{{"key": "{MARK}"}}'.encode("utf-16"),
    "byte order mark": b'\xef\xbb\xbf{"key": "x"}',
    "not a number": b'{"key": NaN, "values": Infinity}',
    "long number": b'{"key": ' + b"9" * 5000 + b"}",
    "a list": b"[[[[]]]]",
    "a text": json.dumps(MARK).encode(),
    "deep lists": b"[" * 20_000 + b"]" * 20_000,
    "deep objects": b'{"values":' * 5_000 + b"1" + b"}" * 5_000,
    "too large": b'{"label": "' + b"x" * 300_000 + b'"}',
    "twice the same": b'{"key": "a", "key": "b"}',
    "prototype": b'{"__proto__": {"admin": true}, "constructor": {}}',
}

SPOILING: dict[str, Any] = {
    "mark": MARK,
    "NUL": f"{MARK}\x00",
    "lone surrogate": f"{MARK}\ud800",
    "controls": f"\r\n\x1b[31m{MARK}\u202e\u200b",
    "astral": f"𝒵\U0010ffff{MARK}",
    "long": MARK * 2000,
    "template": f"{{{MARK}}} %s %n ${{{MARK}}}",
    "markup": f"<script>{MARK}</script>",
    "quote": f"'; DROP TABLE link; --{MARK}",
    "path": f"../../{MARK}",
    "big": 2**70,
    "negative": -(2**63) - 1,
    "fraction": 1e308,
    "truth": True,
    "null": None,
    "list": [MARK],
    "object": {MARK: {MARK: MARK}},
}

HEADERS: dict[str, tuple[str, ...]] = {
    "Idempotency-Key": ("", "short", "x" * 65, "x" * 60_000, "with space", "\xff" * 10),
    "Last-Event-ID": ("", "-1", "1e9", str(2**63), str(2**63 - 1), "9" * 500, MARK, "\xb2"),
    "Range": (
        "bytes=0-",
        "bytes=-1",
        f"bytes={'9' * 40}-1",
        "lines=1-2",
        ",".join(["0-1"] * 500),
    ),
    "Accept-Language": ("", ";;;,,,", "km;q=9" * 60, MARK * 40, "\xe9", "../en", "en" * 5000),
    "Accept": ("", "*/*", "application/json;q=0", MARK * 400, "text/html, application/json"),
    "Authorization": (
        "",
        "Bearer",
        "Bearer ",
        "Basic Zm9vOmJhcg==",
        f"Bearer {MARK}",
        "Bearer hvw_",
        "Bearer hvn__",
        "Bearer hvn_\xff_\xff",
        "Bearer hvw_" + "A" * 9000,
        "bearer",
    ),
    "Content-Length": ("0", "3"),
    "Cookie": (f"session={MARK}", "\xff", ";" * 4000),
    "Host": ("", "evil.invalid", f"{MARK}:99999999", "[::1"),
    "X-Forwarded-For": (MARK, "1.2.3.4, " * 500, "\xff"),
    "X-HTTP-Method-Override": ("DELETE",),
    "Expect": ("100-continue",),
}


STRANGE_IDS = (
    "%00",
    "%ff",
    "..",
    "%2e%2e%2f",
    "%0d%0aSet-Cookie:a=b",
    "a" * 4000,
    "0",
    "-1",
    "%F0%9F%92%A9",
    "%ED%A0%80",
    "null",
    "undefined",
    "'%20OR%201=1",
    "%7B%7D",
    MARK,
    f"{MARK}%00",
    "%25s",
)
