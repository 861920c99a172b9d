"""The wallet app's files, as they are sent to phones (wallet_app/).

1. They are read once and kept compressed: there are few, and they change with a release only.
2. `shell.js` is made here: the list of files that the service worker keeps, and a version over
   all of them. A browser compares it at each start, so a changed file makes a new version.
3. `kiosk` is the start page under another address: there the app keeps nothing (docs/adr/0031).
4. The headers let the page load from here and from nowhere else, run no script that is not one
   of these files, and be framed by nobody. No address here holds anything about a person.
"""

from __future__ import annotations

import gzip
import hashlib
import html
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route, Router

from core.errors import NotFound

FOLDER = Path(__file__).resolve().parents[1] / "wallet_app"
START = "index.html"
KIOSK = "kiosk"

_KINDS: Mapping[str, str] = {
    ".html": "text/html; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".json": "application/json",
    ".webmanifest": "application/manifest+json",
    ".svg": "image/svg+xml",
    ".png": "image/png",
    ".txt": "text/plain; charset=utf-8",  # the licences of what others made go along
}
_PACKED = frozenset({".html", ".css", ".js", ".json", ".webmanifest", ".svg", ".txt"})
_WORKER, _LIST = "sw.js", "shell.js"
_LEAVE_TO = '<meta name="leave-to" content="">'
_AUTHORITY = '<meta name="authority" content="">'

_HEADERS: Mapping[str, str] = {
    # asked again each time, and answered "unchanged"; what works offline is the worker's matter
    "Cache-Control": "no-cache",
    "Content-Security-Policy": "default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; "
    "style-src 'self'; img-src 'self' data:; connect-src 'self'; manifest-src 'self'; "
    "worker-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(self), clipboard-read=(self), geolocation=(), "
    "microphone=(), payment=(), usb=()",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "Vary": "Accept-Encoding",
}


@dataclass(frozen=True, slots=True)
class ShellFile:
    """One file: its bytes, compressed where that helps, and the tag of its content."""

    kind: str
    plain: bytes
    packed: bytes | None
    tag: str


class Shell:
    """All files of the app by their path below /wallet/."""

    def __init__(
        self, leave_to: str, folder: Path = FOLDER, *, authority: str | None = None
    ) -> None:
        files = {path: (folder / path).read_bytes() for path in shell_files(folder)}
        files[START] = _with_leave_to(files[START], leave_to)
        files[START] = _with_authority(files[START], authority or "")
        files[_LIST] = _list_of(files)
        self._files = {path: _shell_file(path, content) for path, content in files.items()}

    def file(self, path: str) -> ShellFile:
        """The file at a path; the start page at none, and at the desks' devices' own address.
        Raises NotFound."""
        found = self._files.get(START if path in ("", KIOSK) else path)
        if found is None:
            raise NotFound("There is no such page")
        return found

    @property
    def paths(self) -> list[str]:
        """Every path there is."""
        return sorted(self._files)


def shell_files(folder: Path = FOLDER) -> list[str]:
    """What of the folder is sent to phones: what a page can load, and nothing else."""
    return sorted(
        path.relative_to(folder).as_posix()
        for path in folder.rglob("*")
        if path.suffix in _KINDS and not _is_ours(path.relative_to(folder))
    )


def routes(shell: Shell) -> Router:
    """What answers below /wallet."""

    async def answer(request: Request) -> Response:
        return _answer(shell.file(request.path_params["path"]), request.headers)

    return Router([Route("/{path:path}", answer, methods=["GET"])])


def _is_ours(path: Path) -> bool:
    """Settings of tools and lists for maintainers, which no page loads."""
    return path.name in {"jsconfig.json", "jsconfig.worker.json", "vendor.json"}


def _answer(file: ShellFile, asked: Mapping[str, str]) -> Response:
    headers = {**_HEADERS, "ETag": file.tag}
    if asked.get("if-none-match") == file.tag:
        return Response(status_code=304, headers=headers)
    packed = file.packed if "gzip" in asked.get("accept-encoding", "") else None
    if packed is not None:
        headers["Content-Encoding"] = "gzip"
    return Response(packed or file.plain, headers=headers, media_type=file.kind)


def _shell_file(path: str, content: bytes) -> ShellFile:
    suffix = Path(path).suffix
    packed = gzip.compress(content, 9, mtime=0) if suffix in _PACKED else None
    return ShellFile(_KINDS[suffix], content, packed, f'"{_digest(content)}"')


def _list_of(files: Mapping[str, bytes]) -> bytes:
    """The worker's list: the start page under its address, and not the worker itself."""
    kept = sorted("./" if path == START else path for path in files if path != _WORKER)
    version = _digest(b"".join(path.encode() + files[path] for path in sorted(files)))
    return f"self.SHELL = {json.dumps({'version': version, 'files': kept})};\n".encode()


def _with_leave_to(page: bytes, address: str) -> bytes:
    filled = _LEAVE_TO.replace('content=""', f'content="{html.escape(address)}"')
    return page.replace(_LEAVE_TO.encode(), filled.encode())


def _with_authority(page: bytes, did: str) -> bytes:
    filled = _AUTHORITY.replace('content=""', f'content="{html.escape(did)}"')
    return page.replace(_AUTHORITY.encode(), filled.encode())


def _digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()[:16]
