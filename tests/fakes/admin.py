"""The admin API of an agent that is not there: ready or not, as a test says."""

from __future__ import annotations

from agent.admin import AdminApi
from core.secret import Secret


class FakeApi(AdminApi):
    """Answers whether it is ready; every other call finds nobody."""

    def __init__(self) -> None:
        super().__init__(["http://127.0.0.1:1"], Secret("unused"))
        self.well = True
        self.asked = 0

    async def ready(self) -> bool:
        self.asked += 1
        return self.well
