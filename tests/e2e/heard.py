"""What a phone and the server say to each other, as the phone knows it."""

from __future__ import annotations

import asyncio
import json
from dataclasses import dataclass, field
from typing import Any

import httpx
from playwright.async_api import Request, Response

from tests.e2e.phones import Phone


@dataclass
class Heard:
    """Every secret by its name; and the sessions that were opened."""

    secrets: dict[str, str] = field(default_factory=dict, repr=False)
    sessions: list[str] = field(default_factory=list, repr=False)
    _reading: list[asyncio.Task[None]] = field(default_factory=list, repr=False)

    def listen(self, phone: Phone) -> None:
        phone.context.on("request", self._asked)
        phone.context.on("response", self._answered)

    async def complete(self) -> None:
        await asyncio.gather(*self._reading)

    def _asked(self, request: Request) -> None:
        if "/api/wallet/" in request.url and request.post_data:
            self._note(json.loads(request.post_data))

    def _answered(self, response: Response) -> None:
        wanted = ("/sessions", "/devices/unlock", "/wallets", "/recovery/open")
        if response.ok and response.url.endswith(wanted):
            self._reading.append(asyncio.ensure_future(self._read(response)))

    async def _read(self, response: Response) -> None:
        said = await response.json()
        self._note(said)
        if "session" in said:
            self.sessions.append(said["session"])

    def _note(self, said: Any) -> None:
        if isinstance(said, list):
            for each in said:
                self._note(each)
        elif isinstance(said, dict):
            for name in ("key", "device", "proof", "box", "lookup", "wallet_id", "session"):
                if isinstance(said.get(name), str) and said[name] not in self.secrets.values():
                    self.secrets[f"{name} {len(self.secrets)}"] = said[name]
            for each in said.values():
                self._note(each)

    def first(self, name: str) -> str:
        return next(value for key, value in self.secrets.items() if key.startswith(name))

    def without(self, *names: str) -> dict[str, str]:
        return {k: v for k, v in self.secrets.items() if k.split()[0] not in names}

    async def over(self, base_url: str) -> bool:
        """Whether the server knows each session as ended."""
        await self.complete()
        assert self.sessions
        async with httpx.AsyncClient(base_url=base_url, trust_env=False) as wallet:
            answers = [
                await wallet.get(
                    "/api/wallet/credentials", headers={"Authorization": f"Bearer {each}"}
                )
                for each in self.sessions
            ]
        return {each.status_code for each in answers} == {401}
