"""The ledger an account is matched against: entries that were imported, or a company's own table.

Either tells cheaply, by a number for each day, that entries of the day may be others than they
were: how many imports have touched it, or how many rows the table has of it.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Final, TypeAlias

from recon.io.database import Database
from recon.io.ledger import imports_by_day, read_entries
from recon.io.mapped_ledger import Entries, MappedLedger, read_mapped_entries, rows_by_day
from recon.periods import Period

Ledger: TypeAlias = Database | MappedLedger

_LOOKED_BACK: Final = timedelta(days=31)  # a table may have years, and is asked after every run


@dataclass(frozen=True)
class Marks:
    """The numbers, and what they are called among the inputs of a run, for they are never compared
    with those of another kind. Of days before `since` nothing is known."""

    name: str
    by_day: Mapping[date, int]
    since: date = date.min

    def of(self, day: date) -> int:
        return self.by_day.get(day, 0)


def entries_of(ledger: Ledger, provider: str, account: str, period: Period) -> Entries:
    """The entries of an account that are dated in a period."""
    if isinstance(ledger, MappedLedger):
        return read_mapped_entries(ledger, provider, account, period)
    return read_entries(ledger, provider, account, period)


def marks_of(ledger: Ledger, provider: str, account: str, period: Period) -> Marks:
    """The marks of the days of a period; of a company's table only those of its last month."""
    if not isinstance(ledger, MappedLedger):
        return Marks("imports", imports_by_day(ledger, provider, account))
    since = max(period.first, period.last - _LOOKED_BACK)
    rows = rows_by_day(ledger, provider, account, Period(since, period.last))
    return Marks("rows", rows, since)
