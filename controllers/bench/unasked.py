"""The floor of a question over HTTP: the same answer to everything, by the same server.

python -m controllers.bench.unasked PORT ANSWER
"""

from __future__ import annotations

import sys

import uvicorn
from starlette.types import Receive, Scope, Send


def application(answer: bytes) -> object:
    """Plain ASGI that reads the body and answers the bytes."""

    async def answers(scope: Scope, receive: Receive, send: Send) -> None:
        del scope
        while (await receive()).get("more_body"):
            pass
        headers = [(b"content-type", b"application/json")]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": answer})

    return answers


def main() -> None:
    """Serve until told to stop."""
    port, answer = sys.argv[1:]
    app = application(answer.encode())
    uvicorn.run(
        app,  # type: ignore[arg-type]  # an ASGI application, which uvicorn's types do not name
        host="127.0.0.1",
        port=int(port),
        http="httptools",
        access_log=False,
        log_level="warning",
        lifespan="off",
    )


if __name__ == "__main__":
    main()
