"""Asks a node's officer API from where it listens; run on the node's own host.

    python asking.py METHOD URL        key and body as JSON on standard input

Prints the status and the answer as JSON. Standard library alone, so that it starts at once.
"""

from __future__ import annotations

import json
import sys
import urllib.error
import urllib.request


def main() -> None:
    given = json.load(sys.stdin)
    data = None if given["body"] is None else json.dumps(given["body"]).encode()
    headers = {"Authorization": f"Bearer {given['key']}", "Content-Type": "application/json"}
    request = urllib.request.Request(sys.argv[2], data, headers, method=sys.argv[1])
    try:
        with urllib.request.urlopen(request, timeout=60) as answer:
            status, body = answer.status, answer.read()
    except urllib.error.HTTPError as err:
        status, body = err.code, err.read()
    json.dump({"status": status, "body": json.loads(body or b"null")}, sys.stdout)


if __name__ == "__main__":
    main()
