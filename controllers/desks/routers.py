"""Every page of the desks."""

from __future__ import annotations

from fastapi import APIRouter

from controllers.desks import paper, signing


def routers() -> tuple[APIRouter, ...]:
    """To be included by the public app."""
    return (
        signing.router,
        paper.router,
    )
