"""The Haven that runs on a data folder, asked with the operator's key."""

from __future__ import annotations

from typing import Any

import httpx

from controllers.running import read_note
from controllers.secrets import load
from controllers.settings import Settings
from core.errors import Conflict, Forbidden, HavenError, InvalidInput, NotFound, Unavailable

_PATIENCE = 60.0  # a grant makes a credential definition
_REFUSED: dict[int, type[HavenError]] = {
    403: Forbidden,
    404: NotFound,
    409: Conflict,
    413: InvalidInput,
    422: InvalidInput,
}


class Calling:
    """Calls its API. Raises ConfigurationError (no installation), Unavailable (it does not
    run), and what it refuses, in its words."""

    def __init__(self, settings: Settings) -> None:
        key = load(settings.secrets_folder).operator_key
        note = read_note(settings.data_dir)
        port = settings.public_port if note is None else note.port_base
        self._address = f"http://127.0.0.1:{port}"
        self._headers = {"Authorization": f"Bearer {key.reveal()}"}

    async def get(self, path: str, **params: Any) -> Any:
        """The answer's JSON."""
        asked = {name: value for name, value in params.items() if value is not None}
        return await self._call("GET", path, params=asked)

    async def post(self, path: str, body: Any = None) -> Any:
        """The answer's JSON."""
        return await self._call("POST", path, json=body)

    async def _call(self, method: str, path: str, **options: Any) -> Any:
        try:
            async with httpx.AsyncClient(timeout=_PATIENCE, headers=self._headers) as client:
                answer = await client.request(method, self._address + path, **options)
        except httpx.HTTPError as err:
            raise Unavailable("Haven does not run here. Start it with `haven up`.") from err
        if answer.is_success:
            return answer.json()
        kind = _REFUSED.get(answer.status_code, Unavailable)
        raise kind(_detail(answer))


def _detail(answer: httpx.Response) -> str:
    try:
        return str(answer.json()["detail"])
    except (ValueError, KeyError, TypeError):
        return "Haven did not do it. `haven status` says how it is."
