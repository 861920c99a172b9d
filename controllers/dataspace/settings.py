"""The settings of one node, with the prefix HAVEN_NODE_.

docs/dataspace/running-a-node.md describes each; a test says so.
"""

from __future__ import annotations

from pathlib import Path

from pydantic import Field, ValidationError, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict
from sqlalchemy import make_url
from sqlalchemy.exc import SQLAlchemyError

from core.errors import ConfigurationError


class NodeSettings(BaseSettings):
    """Frozen; made once in the command line or a test and handed inwards."""

    model_config = SettingsConfigDict(env_prefix="HAVEN_NODE_", frozen=True, extra="forbid")

    folder: Path = Field(
        Path(".haven/node"), description="The node's own folder: keys, framework, database"
    )
    host: str = Field(
        "127.0.0.1",
        description="Address that the port for other nodes binds to; others reach it only "
        "where this is one of the machine's own addresses, or 0.0.0.0",
    )
    officer_port: int = Field(
        8060, ge=0, le=65535, description="Port for officers, on loopback; 0: any free one"
    )
    database_url: str | None = Field(
        None, description="SQLAlchemy URL of the node's database; default: SQLite in its folder"
    )
    framework_file: Path | None = Field(
        None, description="Signed copy of the governance framework; default: in the folder"
    )
    compute_host: str | None = Field(
        None,
        description="Address that a computation's own process is reached at; "
        "default: the host that the terms name",
    )
    answer_seconds: float = Field(
        20, gt=0, le=600, description="How long another node may take for one answer"
    )
    compute_seconds: float = Field(
        600, gt=0, le=3600, description="How long one computation may take in all"
    )

    @field_validator("database_url")
    @classmethod
    def _is_url(cls, url: str | None) -> str | None:
        try:
            make_url(url or "sqlite://")
        except (SQLAlchemyError, ValueError):
            # its words repeat what it took for a port: the end of a password with @ and :
            raise ValueError("no URL; in a password, @ : / are %40 %3A %2F") from None
        return url

    @property
    def store_url(self) -> str:
        """The node's database."""
        return self.database_url or f"sqlite+aiosqlite:///{self.folder.resolve()}/node.db"

    @property
    def framework_path(self) -> Path:
        return self.framework_file or self.folder / "framework.json"


def read_node_settings(**given: object) -> NodeSettings:
    """The settings from the environment, with what was given beside it.

    Raises ConfigurationError, which names the setting and not what was written there.
    """
    try:
        return NodeSettings(**given)  # type: ignore[arg-type] # checked by pydantic
    except ValidationError as err:
        found = err.errors(include_url=False, include_input=False, include_context=False)
        wrong = "; ".join(
            f"HAVEN_NODE_{'_'.join(map(str, each['loc'])).upper()}: {each['msg']}"
            for each in found
        )
        raise ConfigurationError(wrong) from None  # the cause repeats what was written
