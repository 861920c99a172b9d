"""What no description can generate: bytes that are no JSON, JSON that nobody means, marks that
must not come back, headers of every shape. Sent to each operation that takes a body, with the
key that fits, so that it gets as far as it can."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
import requests
from described import PUBLIC, Operation, operations, streams, vocabulary, writing
from inhabited import Inhabited
from judged import judge
from rubbish import GOOD, HEADERS, MARK, RUBBISH, SPOILING, STRANGE_IDS

_WORDS = vocabulary(PUBLIC)
_ALL = operations(PUBLIC)
_TAKING = [each for each in writing(_ALL) if each.body]
_JSON = {"Content-Type": "application/json"}
_TIMEOUT = 30

each_taking = pytest.mark.parametrize("operation", _TAKING, ids=lambda each: each.label)


def send(
    world: Inhabited,
    http: requests.Session,
    operation: Operation,
    body: bytes | None,
    headers: dict[str, str],
) -> requests.Response:
    """Ask about things that exist, with the key that fits; hold the answer to the list."""
    path = operation.path
    for name in ("ended issuance_id", "ended check_id", *world.known):
        if f"{{{name.rpartition(' ')[2]}}}" in path and (streams(operation) or " " not in name):
            path = path.replace(f"{{{name.rpartition(' ')[2]}}}", world.known[name][0])
    bearer = world.bearers()[world.fitting(path)]
    before = world.fingerprint()
    answer = http.request(
        operation.method,
        f"{world.url}{path}",
        data=body,
        headers={"Authorization": f"Bearer {bearer}"} | headers,
        timeout=_TIMEOUT,
    )
    judge(answer)
    if answer.status_code >= 400:
        assert world.fingerprint() == before, "a refused request changed something"
        assert MARK not in answer.text
    return answer


def spoilt(good: Any) -> Iterator[Any]:
    """The good body with each of its values, and each of its names, spoilt in turn."""
    if not isinstance(good, dict):
        yield from SPOILING.values()
        return
    for name, value in good.items():
        for each in spoilt(value):
            yield good | {name: each}
        yield {key: kept for key, kept in good.items() if key != name}
    yield good | {MARK: MARK}
    yield good | {f"{MARK}\x00": MARK}
    if not any(isinstance(value, dict) for value in good.values()):
        yield from SPOILING.values()


def test_each_operation_with_a_body_has_a_good_one() -> None:
    assert {each.path for each in _TAKING} == set(GOOD)


@each_taking
@pytest.mark.parametrize("body", RUBBISH.values(), ids=list(RUBBISH))
def test_rubbish_is_refused(
    world: Inhabited, http: requests.Session, operation: Operation, body: bytes
) -> None:
    assert send(world, http, operation, body, _JSON).status_code in {413, 422}


@each_taking
def test_a_body_of_another_kind_is_refused(
    world: Inhabited, http: requests.Session, operation: Operation
) -> None:
    body = json.dumps(GOOD[operation.path]).encode()
    for kind in (
        "text/plain",
        "application/xml",
        "multipart/form-data; boundary=x",
        "",
        "\x7f",
    ):
        answer = send(world, http, operation, body, {"Content-Type": kind})
        assert answer.status_code == 422, kind


@each_taking
def test_one_wrong_value_is_refused_without_repeating_it(
    world: Inhabited, http: requests.Session, operation: Operation
) -> None:
    for body in spoilt(GOOD[operation.path]):
        send(world, http, operation, json.dumps(body).encode(), _JSON)


@pytest.mark.parametrize("operation", _ALL, ids=lambda each: each.label)
def test_no_header_upsets_an_operation(
    world: Inhabited, http: requests.Session, operation: Operation
) -> None:
    # a body that is refused, so that what happens is owed to the header alone
    body = b'{"none": 1}' if operation in _TAKING else None
    for name, values in HEADERS.items():
        for value in values:
            if name == "Content-Length" and operation not in _TAKING:
                continue
            if operation.method == "post" and body is None and name != "Authorization":
                continue  # these would be done
            if operation.method == "delete" and name != "Authorization":
                continue
            send(
                world,
                http,
                operation,
                body,
                _JSON | {name: value},
            )


@pytest.mark.parametrize("operation", _ALL, ids=lambda each: each.label)
def test_no_id_upsets_an_operation(
    world: Inhabited, http: requests.Session, operation: Operation
) -> None:
    bearer = world.bearers()[world.fitting(operation.path)]
    if "{" not in operation.path:
        return
    for strange in STRANGE_IDS:
        path = operation.path
        for name in [each.name for each in operation.path_parameters]:
            path = path.replace(f"{{{name}}}", strange)
        before = world.fingerprint()
        answer = http.send(_exactly(world.url + path, operation, bearer), timeout=_TIMEOUT)
        judge(answer)
        # to delete what is not there is no error
        assert answer.status_code >= 400 or operation.method == "delete"
        assert MARK not in answer.text
        assert world.fingerprint() == before


def _exactly(url: str, operation: Operation, bearer: str) -> requests.PreparedRequest:
    """A request whose address is sent as it is written."""
    body = json.dumps(GOOD[operation.path]) if operation in _TAKING else None
    headers = {"Authorization": f"Bearer {bearer}"} | _JSON
    request = requests.Request(operation.method, url, data=body, headers=headers).prepare()
    request.url = url
    return request


@pytest.mark.parametrize("path", sorted({each.path for each in _ALL}))
def test_no_other_method_does_anything(
    world: Inhabited, http: requests.Session, path: str
) -> None:
    known = {each.method for each in _ALL if each.path == path}
    for method in {"get", "post", "put", "patch", "delete", "options", "trace", "head"} - known:
        answer = http.request(method, world.url + path.replace("{", "").replace("}", ""))
        judge(answer) if method != "head" else None
        assert answer.status_code in {404, 405}


def test_what_is_described_is_what_runs(world: Inhabited, http: requests.Session) -> None:
    served = http.get(f"{world.url}/api/openapi.json").json()
    assert served == PUBLIC
