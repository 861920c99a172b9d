"""What stands in a backup: the manifest first, then the parts under fixed names."""

from __future__ import annotations

from datetime import datetime

from pydantic import BaseModel, ConfigDict

MANIFEST = "manifest.json"
CONTROLLERS_FILE = "controllers.db"
CONTROLLERS_DUMP = "controllers.dump"
STORES = "organisations/"  # dumps of the organisations' stores, if those are on PostgreSQL
FILES = "files/"  # the data folder
# always directly below `files/`, wherever the installation keeps them
SECRETS = ("secrets.json", "registry-write.key", "did-domain")


class Manifest(BaseModel):
    """What a restore has to know before anything else."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    made_at: datetime
    haven: str
    did_domain: str
    controllers_on_postgres: bool
    organisations_on_postgres: bool
