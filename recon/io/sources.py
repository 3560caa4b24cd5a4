"""How statements of a provider arrive: the `[source]` table of configs/providers/<slug>.toml."""

from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict


class Settings(BaseModel):
    """A table of the configuration: unknown settings are refused, because a misspelled tolerance
    must not be ignored, and nothing changes once it is read."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class FolderSource(Settings):
    """Files are dropped into a folder by people or by another program."""

    channel: Literal["folder"]
    path: Path  # relative paths start beside the configuration


SourceSettings = FolderSource
