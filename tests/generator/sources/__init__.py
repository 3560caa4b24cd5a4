"""The sources of the shipped samples: a module here is a provider, found by listing.

Each has `samples() -> SampleSet`. Three days, invented ids, the layouts of real statements, and a
ledger that says what each movement should be, with planted discrepancies that the labels tell.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from functools import cache
from importlib import import_module
from pkgutil import iter_modules
from typing import Final

import polars as pl

SEED: Final = 20261120
DAYS: Final = (date(2026, 11, 18), date(2026, 11, 19), date(2026, 11, 20))


@dataclass(frozen=True)
class SampleSet:
    """The samples of one provider.

    `files` are statements by name, in the order they are received; `rows` is how many data rows
    each of them has, as the generator counted them; `described` says what the files are, by the
    pattern of their names, for the README of sample_statements.
    """

    slug: str
    files: Mapping[str, bytes]
    rows: Mapping[str, int]
    described: Mapping[str, str]
    ledger: pl.DataFrame  # LEDGER_ENTRY
    labels: pl.DataFrame  # LABEL; those a run after the last day would report are left out
    carried: pl.DataFrame  # CARRIED


@cache
def all_sources() -> list[SampleSet]:
    names = sorted(module.name for module in iter_modules(__path__))
    return [import_module(f"{__name__}.{name}").samples() for name in names]
