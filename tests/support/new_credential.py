"""Run in a copy of the project that has one folder more: is the new credential usable?

python -m tests.support.new_credential <data folder> <name of the credential>
"""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

from controllers.story.cast import gather_cast
from controllers.story.issuing import entitlement, issue
from controllers.story.people import Desk, Phone
from controllers.story.telling import Teller
from tests.support.installation import running_on_fakes


async def _main(data_dir: Path, name: str) -> None:
    async with running_on_fakes(data_dir) as swift:
        cast = await gather_cast(Teller(), swift.settings, swift.secrets.operator_key)
        grant = {"organisation": "fund", "credential": name}
        await cast.operator.post("/api/governance/grants", grant)
        phone = await (await Phone.new(cast.base_url)).unlock()
        await issue(cast, phone, "fund", name, **entitlement())
        (card,) = await phone.credentials()
        sys.stdout.write(f"{card['credential']}: {card['title']}\n")
        again = await cast.operator.post("/api/governance/schemas")
        framework = await Desk.get(cast.operator, "/api/governance/framework")
        sys.stdout.write(f"nothing to add: {again['version'] == framework['version']}\n")
        await cast.close()


if __name__ == "__main__":
    asyncio.run(_main(Path(sys.argv[1]), sys.argv[2]))
