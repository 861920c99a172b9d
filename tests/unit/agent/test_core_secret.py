"""A secret does not show itself, whichever way it is printed."""

from __future__ import annotations

import copy
import json
import logging
import traceback
from dataclasses import dataclass

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.secret import Secret

PLANTED = "planted-secret-value"


@dataclass
class Record:
    key: Secret


@pytest.mark.parametrize(
    "shown",
    [
        repr(Secret(PLANTED)),
        str(Secret(PLANTED)),
        f"{Secret(PLANTED)}",
        f"{Secret(PLANTED):>40}",
        f"{Secret(PLANTED)!r}",
        "%s" % Secret(PLANTED),  # noqa: UP031 # one of the ways that must show nothing
        "{:s}".format(Secret(PLANTED)),  # noqa: UP032 # the same
        repr([Secret(PLANTED)]),
        repr({"key": Secret(PLANTED)}),
        repr(Record(Secret(PLANTED))),
        repr(copy.copy(Secret(PLANTED))),
    ],
)
def test_printing_shows_nothing(shown: str) -> None:
    assert PLANTED not in shown
    assert "***" in shown


def test_logging_and_failing_show_nothing(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    try:
        raise ValueError(Secret(PLANTED))
    except ValueError:
        logging.getLogger("test").exception("failed with %s", Secret(PLANTED))
        assert PLANTED not in traceback.format_exc()
    assert PLANTED not in caplog.text


def test_it_is_not_written_as_json() -> None:
    with pytest.raises(TypeError):
        json.dumps({"key": Secret(PLANTED)})


def test_it_has_no_place_for_anything_else() -> None:
    assert not hasattr(Secret(PLANTED), "__dict__")


@given(st.text(), st.text())
def test_secrets_are_equal_when_their_values_are(one: str, two: str) -> None:
    assert Secret(one).reveal() == one
    assert Secret(one).matches(two) is (one == two)
    assert (Secret(one) == Secret(two)) is (one == two)
    assert Secret(one) != one
    assert (hash(Secret(one)) == hash(Secret(two))) or one != two
