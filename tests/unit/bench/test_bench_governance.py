"""What wrk prints, read; and that the framework of the benchmark is one."""

from __future__ import annotations

import pytest

from controllers.bench.governance import Measured, read_wrk, ruled
from core.errors import Unavailable

PRINTED = """Running 10s test @ http://127.0.0.1:28400/trqp/authorization
  Latency Distribution
     50%    5.89ms
     99%   {p99}
  24011 requests in 10.00s, 11.38MB read
{more}Requests/sec:   2400.51
"""


@pytest.mark.parametrize(
    ("p99", "milliseconds"), [("17.20ms", 17.2), ("900.00us", 0.9), ("1.50s", 1500.0)]
)
def test_what_wrk_prints_is_read(p99: str, milliseconds: float) -> None:
    found = read_wrk(PRINTED.format(p99=p99, more=""))
    assert (found.per_second, found.failed) == (2400.51, 0)
    assert found.p99_ms == pytest.approx(milliseconds)


def test_answers_that_failed_are_counted() -> None:
    more = "  Non-2xx or 3xx responses: 7\n"
    assert read_wrk(PRINTED.format(p99="1.00ms", more=more)) == Measured(2400.51, 1.0, 7)


def test_what_is_not_wrk_is_told() -> None:
    with pytest.raises(Unavailable):
        read_wrk("unable to connect")


def test_the_framework_of_the_benchmark_passes_every_check() -> None:
    assert len(ruled(20).framework.participants) == 20
