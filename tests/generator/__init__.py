"""Business days made from a seed, with planted discrepancies whose truth is known.

`generate_day(DaySpec(...))` gives the statements of a day as bytes, the ledger as LEDGER_ENTRY, and
a label for every discrepancy in them. `python -m tests.generator --help` writes days to files.
"""

from tests.generator.day import generate_day
from tests.generator.faults import (
    cut_at_row_boundary,
    cut_in_row,
    lose_rows,
    shuffle_rows,
    split_settlement_report,
)
from tests.generator.spec import (
    ACCOUNT,
    CARRIED,
    LABEL,
    OF_FILES,
    PLANTABLE,
    DaySpec,
    GeneratedDay,
    default_plants,
)

__all__ = [
    "ACCOUNT",
    "CARRIED",
    "LABEL",
    "OF_FILES",
    "PLANTABLE",
    "DaySpec",
    "GeneratedDay",
    "cut_at_row_boundary",
    "cut_in_row",
    "default_plants",
    "generate_day",
    "lose_rows",
    "shuffle_rows",
    "split_settlement_report",
]
