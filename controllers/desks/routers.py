"""Every page of the desks."""

from __future__ import annotations

from fastapi import APIRouter

from controllers.desks import (
    checking,
    doings,
    governing,
    governing_changes,
    issued,
    issuing,
    kiosk,
    organisation,
    paper,
    signing,
    staffing,
    tasks,
)
from controllers.desks.numbers import router as numbers


def routers() -> tuple[APIRouter, ...]:
    """To be included by the public app."""
    return (
        signing.router,
        issuing.router,
        issued.router,
        checking.router,
        kiosk.router,
        tasks.router,
        staffing.router,
        organisation.router,
        numbers.router,
        doings.router,
        governing_changes.router,
        governing.router,
        paper.router,
    )
