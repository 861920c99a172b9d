"""The first administrator of an organisation's desks, asked for by the operator."""

from __future__ import annotations

import httpx

from controllers.running import read_note
from controllers.secrets import load
from controllers.settings import Settings
from core.errors import NotFound, Unavailable

_PATIENCE = 20.0


async def invite_administrator(settings: Settings, slug: str, name: str) -> str:
    """The one-time link, made by the Haven that runs on this data folder.

    Raises ConfigurationError (no installation), Unavailable (it does not run), NotFound.
    """
    key = load(settings.secrets_folder).operator_key
    note = read_note(settings.data_dir)
    port = settings.public_port if note is None else note.port_base
    address = f"http://127.0.0.1:{port}/api/governance/organisations/{slug}/administrators"
    headers = {"Authorization": f"Bearer {key.reveal()}"}
    try:
        async with httpx.AsyncClient(timeout=_PATIENCE, headers=headers) as client:
            answer = await client.post(address, json={"name": name})
    except httpx.HTTPError as err:
        raise Unavailable("Haven does not run here. Start it with `haven up`.") from err
    if answer.status_code == NotFound.status:
        raise NotFound("There is no organisation of this short name")
    if not answer.is_success:
        raise Unavailable("Haven did not make the link. `haven status` says how it is.")
    return str(answer.json()["link"])
