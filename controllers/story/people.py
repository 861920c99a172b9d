"""The people of the story, each with the tool that they have: a desk its API key, a holder
her phone. They speak HTTP like everybody else; nothing here reaches into the services."""

from __future__ import annotations

import asyncio
import base64
import secrets
import ssl
import time
from dataclasses import dataclass, field
from typing import Any, Self

import httpx

from core.errors import Unavailable

Json = dict[str, Any]
Values = dict[str, str | int]

_PATIENCE = 60.0
_PAUSE = 0.05


class Refused(Exception):
    """The other side said no: its problem document (RFC 9457)."""

    def __init__(self, problem: Json) -> None:
        super().__init__(problem.get("title", ""))
        self.problem = problem

    @property
    def why(self) -> str:
        """The most exact reason that the problem gives."""
        given = self.problem
        return str(given.get("reason") or given.get("step") or given["type"].rpartition(":")[2])


class _Caller:
    """An HTTP client with a bearer token."""

    def __init__(self, base_url: str, bearer: str | None) -> None:
        headers = {"Authorization": f"Bearer {bearer}"} if bearer else {}
        self._http = httpx.AsyncClient(
            base_url=base_url,
            headers=headers,
            timeout=_PATIENCE * 3,
            trust_env=False,
            # what this machine trusts: an installation may have a certificate of its own
            verify=ssl.create_default_context() if base_url.startswith("https:") else True,
        )

    async def post(self, path: str, body: Json | None = None, **headers: str) -> Json:
        return await self._send("POST", path, json=body or {}, headers=headers)

    async def get(self, path: str, **params: str) -> Json:
        return await self._send("GET", path, params=params)

    async def close(self) -> None:
        await self._http.aclose()

    async def _send(self, method: str, path: str, **options: Any) -> Json:
        answer = await self._http.request(method, path, **options)
        if answer.is_success:
            decoded = answer.json()
            return decoded if isinstance(decoded, dict) else {"items": decoded}
        raise Refused(answer.json())


class Desk(_Caller):
    """A desk of an organisation: issues, or checks."""

    async def offer(self, credential: str, **values: str | int) -> Json:
        """Start an issuance."""
        body = {"credential": credential, "values": values}
        key = {"Idempotency-Key": secrets.token_hex(16)}
        return await self.post("/api/issuer/issuances", body, **key)

    async def issued(self, issuance: Json, state: str = "issued") -> Json:
        """Wait until the issuance is in this state."""
        return await self._until(
            f"/api/issuer/issuances/{issuance['id']}", lambda found: found["state"] == state
        )

    async def revoke(self, *issuances: Json) -> Json:
        """Withdraw credentials."""
        ids = [issuance["id"] for issuance in issuances]
        return await self.post("/api/issuer/revocations", {"issuance_ids": ids})

    async def ask(self, check: str, **parameters: str | int) -> Json:
        """Start a check."""
        return await self.post(
            "/api/verifier/checks", {"check": check, "parameters": parameters}
        )

    async def verdict(self, check: Json) -> Json:
        """Wait for the verdict."""
        return await self._until(
            f"/api/verifier/checks/{check['id']}", lambda found: found["verdict"] is not None
        )

    async def learnt(self, check: Json) -> Json:
        """What was shown, by credential."""
        found = await self.get(f"/api/verifier/checks/{check['id']}/disclosed")
        values: Json = found["values"]
        return values

    async def _until(self, path: str, fits: Any) -> Json:
        deadline = time.monotonic() + _PATIENCE
        while time.monotonic() < deadline:
            found = await self.get(path)
            if fits(found):
                return found
            await asyncio.sleep(_PAUSE)
        raise Unavailable("What was waited for did not happen")


@dataclass
class Phone:
    """A holder's phone: her wallet's id and key are nowhere else."""

    wallet_id: str
    key: str
    base_url: str
    session: _Caller | None = field(default=None, repr=False)

    @classmethod
    async def new(cls, base_url: str) -> Self:
        """A new wallet, locked."""
        key = base64.urlsafe_b64encode(secrets.token_bytes(32)).decode().rstrip("=")
        caller = _Caller(base_url, None)
        made = await caller.post("/api/wallet/wallets", {"key": key})
        await caller.close()
        return cls(made["wallet_id"], key, base_url)

    async def unlock(self) -> Self:
        """Open a session."""
        caller = _Caller(self.base_url, None)
        opened = await caller.post(
            f"/api/wallet/wallets/{self.wallet_id}/sessions", {"key": self.key}
        )
        await caller.close()
        self.session = _Caller(self.base_url, opened["session"])
        return self

    async def lock(self) -> None:
        """Close the session."""
        if self.session is not None:
            await self.session.post("/api/wallet/session/close")
            await self.session.close()
            self.session = None

    @property
    def open(self) -> _Caller:
        """The open session. Raises Unavailable when the wallet is locked."""
        if self.session is None:
            raise Unavailable("The wallet is locked")
        return self.session

    async def look(
        self, link: str, code: str | None = None, variant: str | None = None
    ) -> Json:
        """See what a link holds."""
        body = {"link": link, "code": code, "variant": variant}
        return await self.open.post("/api/wallet/links", body)

    async def look_at_invitation(self, invitation: Json, statement: Json) -> Json:
        """See what an invitation holds that came without a link."""
        body = {"invitation": invitation, "statement": statement}
        return await self.open.post("/api/wallet/links", body)

    async def take(self, offer: Json) -> Json:
        """Look at an offer and take it."""
        seen = await self.look(offer["link"], offer["code"])
        return await self.open.post(f"/api/wallet/offers/{seen['id']}/accept")

    async def say_yes(self, request: Json, choice: Json | None = None) -> Json:
        """Answer a request."""
        path = f"/api/wallet/requests/{request['id']}/accept"
        return await self.open.post(path, {"choice": choice})

    async def say_no(self, request: Json) -> Json:
        """Decline a request."""
        return await self.open.post(f"/api/wallet/requests/{request['id']}/decline")

    async def show(self, check: Json, variant: str | None = None) -> Json:
        """Look at a check and answer it."""
        return await self.say_yes(await self.look(check["link"], variant=variant))

    async def credentials(self, *, state: bool = False) -> list[Json]:
        """What is in the wallet."""
        found = await self.open.get(
            "/api/wallet/credentials", state="true" if state else "false"
        )
        items: list[Json] = found["items"]
        return items
