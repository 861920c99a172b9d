"""Haven's one tree of errors.

    HavenError
    ├── InvalidInput            the caller sent something that cannot be meant
    │   ├── TooLarge            more than is taken at once
    │   ├── MalformedQuery      a query to the trust registry that is none of its protocol's
    │   └── PlanRefused         a plan for the data space that a node's own gate refuses
    ├── NotAuthenticated        no key, or a key that opens nothing
    ├── Forbidden               a key that may not do this
    │   ├── SessionClosed       the wallet's session is not open on its agent (any more)
    │   └── GovernanceDenied    the governance framework says no, and why
    ├── NotFound                there is no such thing, or none that the caller may know of
    │   └── NotKnown            the trust registry has no record of it: for a consumer, a no
    ├── Conflict                the thing is in a state that does not allow this
    ├── Gone                    it was there; its time is over or it was used
    ├── TooManyTries            a secret was guessed at too often
    ├── TooManyRequests         more is asked from one network than we can do for all
    ├── VerificationError       something signed or hashed does not hold; names the step
    ├── Unavailable             an agent, a registry or the database does not answer
    │   └── RunFailed           a joint computation ended without an outcome
    ├── NodeRefused             a node of the data space said no to the console before it
    ├── StorageFull             the disk is full; nothing was written
    └── ConfigurationError      the installation is set up wrongly

An error's words are shown to people: `detail` never holds a personal value, a pseudonym, a
key or a token (docs/adr, decision 6). HTTP knows these errors in one place only, which maps
them to RFC 9457 problem details by `slug` and `status`. An app that speaks other languages goes
by `code`, which says it more closely than the slug where there is more to tell apart.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar


class HavenError(Exception):
    """Root of the tree. `slug` is stable and ends up in the problem's `type`."""

    slug: ClassVar[str] = "internal"
    title: ClassVar[str] = "Something went wrong on our side"
    status: ClassVar[int] = 500

    def __init__(self, detail: str, **extra: str | int) -> None:
        super().__init__(detail)
        self.detail = detail
        self.extra = extra

    @property
    def code(self) -> str:
        """A stable word for what happened: given as `code`, else the slug."""
        return str(self.extra.get("code", self.slug))


class InvalidInput(HavenError):
    slug = "invalid-input"
    title = "This cannot be used as it is"
    status = 422


class TooLarge(InvalidInput):
    slug = "too-large"
    title = "This is too large"
    status = 413


class MalformedQuery(InvalidInput):
    """The protocol (TRQP v2.0) has 400 for it, and no other number."""

    slug = "malformed-query"
    title = "This is no query of the protocol"
    status = 400


class PlanRefused(InvalidInput):
    """`checks` are those of the gate, each with its result, as JSON."""

    slug = "plan-refused"
    title = "This question is not let through"

    def __init__(
        self, detail: str, *, checks: Sequence[Mapping[str, Any]] = (), **extra: str | int
    ) -> None:
        super().__init__(detail, **extra)
        self.checks = checks


class NotAuthenticated(HavenError):
    slug = "not-authenticated"
    title = "Please sign in"
    status = 401


class Forbidden(HavenError):
    slug = "forbidden"
    title = "You may not do this"
    status = 403


class SessionClosed(Forbidden):
    """Not shown to people as it is: the store is opened again, or the session has ended."""

    slug = "session-closed"
    title = "This wallet is locked"
    status = 401


class GovernanceDenied(Forbidden):
    """The engine said no. `extra` carries `rule_id` and `reason` (a stable code)."""

    slug = "governance-denied"
    title = "The governance framework does not allow this"

    def __init__(self, detail: str, *, rule_id: str, reason: str, **extra: str | int) -> None:
        super().__init__(detail, rule_id=rule_id, reason=reason, **extra)
        self.rule_id = rule_id
        self.reason = reason


class NotFound(HavenError):
    slug = "not-found"
    title = "There is nothing here"
    status = 404


class NotKnown(NotFound):
    slug = "not-known"
    title = "The registry does not know this"


class Conflict(HavenError):
    slug = "conflict"
    title = "This is not possible any more, or not yet"
    status = 409


class Gone(HavenError):
    slug = "gone"
    title = "This has ended"
    status = 410


class TooManyTries(HavenError):
    slug = "too-many-tries"
    title = "Too many tries"
    status = 429


class TooManyRequests(HavenError):
    slug = "too-many-requests"
    title = "Too much at once"
    status = 429


class VerificationError(HavenError):
    """A signed or hashed object does not hold. `step` names the first check that failed."""

    slug = "verification-failed"
    title = "This could not be verified"
    status = 422

    def __init__(self, detail: str, *, step: str, **extra: str | int) -> None:
        super().__init__(detail, step=step, **extra)
        self.step = step


class Unavailable(HavenError):
    slug = "unavailable"
    title = "A part of the system does not answer"
    status = 503


class RunFailed(Unavailable):
    """Nothing was released at this party. `step` names where it ended; `kind` is the name of
    the error's class where this party's own process failed."""

    slug = "run-failed"
    title = "The joint computation did not finish"

    def __init__(
        self, detail: str, *, step: str = "", kind: str = "", **extra: str | int
    ) -> None:
        super().__init__(detail, **({"step": step} if step else {}), **extra)
        self.step = step
        self.kind = kind


class NodeRefused(HavenError):
    """Its `status` and `code` are the node's, and `checks` the gate's if it was the gate."""

    slug = "node-refused"
    title = "The node does not do this"
    status = 409

    def __init__(
        self,
        detail: str,
        *,
        answered: int = 409,
        checks: Sequence[Mapping[str, Any]] = (),
        **extra: str | int,
    ) -> None:
        super().__init__(detail, **extra)
        self.status = answered  # type: ignore[misc] # as the node answered, not of the class
        self.checks = checks


class StorageFull(HavenError):
    slug = "storage-full"
    title = "There is no space left to keep this"
    status = 507


class ConfigurationError(HavenError):
    slug = "configuration"
    title = "This installation is not set up correctly"
    status = 500
