"""Every page of the desks."""

from __future__ import annotations

from fastapi import APIRouter

from controllers.desks import checking, issued, issuing, kiosk, paper, signing, tasks


def routers() -> tuple[APIRouter, ...]:
    """To be included by the public app."""
    return (
        signing.router,
        issuing.router,
        issued.router,
        checking.router,
        kiosk.router,
        tasks.router,
        paper.router,
    )
