"""Large frames of a run as Parquet: written to a temporary name, renamed when complete."""

import os
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

import polars as pl

from recon.errors import ReconError

# Polars tells a disk that is full as a failed computation.
_OS_ERROR: Final = re.compile(r"\(os error \d+\)")


class ParquetStore:
    """Keeps a run's `lines` and `matches` in one directory; see `day.Store`.

    Writing and collecting share one streaming pass over the source. A file appears under its name
    only when it is whole; what a killed run leaves behind ends in `.part` and is overwritten.
    """

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        directory.mkdir(parents=True, exist_ok=True)

    def __call__(
        self, kept: Mapping[str, pl.LazyFrame], collected: Sequence[pl.LazyFrame]
    ) -> tuple[dict[str, pl.LazyFrame], list[pl.DataFrame]]:
        parts = {name: self.directory / f"{name}.parquet.part" for name in kept}
        sinks = [
            kept[name].sink_parquet(
                part,
                compression="lz4",
                statistics=False,
                maintain_order=True,
                row_group_size=64 * 1024,
                lazy=True,
            )
            for name, part in parts.items()
        ]
        try:
            frames = pl.collect_all([*sinks, *collected], engine="streaming")
            for name, part in parts.items():
                _settle(part, self.path(name))
        except OSError as error:
            raise ReconError(f"cannot write {self.directory}: {error.strerror or error}") from None
        except pl.exceptions.ComputeError as error:
            if _OS_ERROR.search(str(error)) is None:
                raise
            said = str(error).rpartition("error: ")[2]
            raise ReconError(f"cannot write {self.directory}: {said}") from None
        stored = {name: pl.scan_parquet(self.path(name)) for name in kept}
        return stored, frames[len(sinks) :]

    def path(self, name: str) -> Path:
        return self.directory / f"{name}.parquet"


def _settle(part: Path, final: Path) -> None:
    with part.open("rb") as written:
        os.fsync(written.fileno())
    os.replace(part, final)
