"""A party that sends a pickle which, if it were loaded, would write a file."""

import pickle
from pathlib import Path
from typing import Any

from common import ARGUMENTS, play


class Crafted:
    def __reduce__(self) -> tuple[Any, ...]:
        return Path.touch, (Path(ARGUMENTS[0]),)


def change() -> None:
    import mpyc.runtime

    mpyc.runtime.pickle.dumps = lambda _: pickle.dumps(Crafted())


play(change)
