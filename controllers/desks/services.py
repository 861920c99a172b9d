"""What the desks' pages rest on beside the issuer's and the verifier's services."""

from __future__ import annotations

from dataclasses import dataclass

from controllers.limits import Networks
from controllers.sealing import Seal
from controllers.secrets import InstallationSecrets
from controllers.settings import Settings
from controllers.staff.deeds import Deeds
from controllers.staff.options import Options
from controllers.staff.passkeys import Passkeys
from controllers.staff.people import People
from controllers.staff.places import Places
from controllers.staff.proposals import Proposals
from controllers.staff.sessions import StaffSessions
from controllers.store.database import Database


@dataclass(frozen=True, slots=True)
class Desks:
    """Who works at desks, how they come in, what they did."""

    people: People
    places: Places
    options: Options
    proposals: Proposals
    passkeys: Passkeys
    sessions: StaffSessions
    deeds: Deeds
    networks: Networks
    seal: Seal  # of references and other texts that rest with the desks

    @classmethod
    def built(
        cls, settings: Settings, secrets: InstallationSecrets, database: Database
    ) -> Desks:
        """All of it on one database."""
        seal = Seal(secrets.sealing_key, "staff")
        people = People(database, seal)
        return cls(
            people=people,
            places=Places(database, seal),
            options=Options(database),
            proposals=Proposals(database, seal),
            passkeys=Passkeys(database, people, settings.base_url),
            sessions=StaffSessions(database, seal),
            deeds=Deeds(database),
            networks=Networks(settings.trusted_proxies),
            seal=Seal(secrets.sealing_key, "desk"),
        )

    async def purge(self) -> None:
        """Forget what is past."""
        for each in (self.passkeys, self.sessions, self.proposals, self.deeds):
            await each.purge()
