"""Which days were run on what is no longer so: an earlier day was run again since, or statements or
entries of the day itself have come."""

import json
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from datetime import date, timedelta
from functools import cached_property
from typing import Any

import polars as pl
import sqlalchemy as sa

from recon.fees.schedule import Tariff
from recon.io.balances import closed_as_input, closed_by_day
from recon.io.canonical import digest
from recon.io.closing import closed
from recon.io.database import Database
from recon.io.deliveries import Schedule
from recon.io.entry_sources import Ledger, Marks, entries_of, marks_of
from recon.io.fee_history import usage_by_day
from recon.io.fee_schedules import schedule_digest
from recon.io.frames import content_digest
from recon.io.ledger import entries_digest
from recon.io.reserves import reserves_by_day
from recon.io.schema import RUNS, STATEMENT_FILES, current_runs_of
from recon.io.transit import payouts_by_day, sent_by_day
from recon.io.write_offs import approved_write_offs
from recon.periods import Period, one_day
from recon.settings import AccountSettings


@dataclass(frozen=True)
class Stale:
    """Days of an account that are to be run again, oldest first, and what the first of them began
    with that is no longer so: a part of its inputs, or None where no day is stale."""

    dates: tuple[date, ...] = ()
    because: str | None = None


def stale_days(
    database: Database,
    ledger: Ledger,
    account: AccountSettings,
    tariffs: list[Tariff],
    schedule: Schedule,
) -> Stale:
    """The business dates whose current run began with something else than earlier days, or other
    accounts, have left now, or than is here of the day itself; and all later ones, oldest first.
    That is the open items, the balance the statement before closes with, what was held back, the
    turnover that fees go by, the payouts told before, of a bank account those to come, and the
    day's statements and entries where it is not closed. Running the first of them again tells
    whether the next still is.

    `tariffs` is the fee schedule of the account, `schedule` says on which days it rests.
    """
    run = RUNS.c
    days = (
        sa.select(run.business_date, run.opening, run.closing, run.inputs)
        .where(*current_runs_of(account.provider, account.account))
        .order_by(run.business_date)
    )
    with database.connect() as connection:
        rows = connection.execute(days).all()
    if not rows:
        return Stale()
    days_run = Period(rows[0].business_date, rows[-1].business_date)
    origins = _origins(database, ledger, account, tariffs, schedule, days_run)
    left: str | None = None
    for place, (day, opening, closing, inputs) in enumerate(rows):
        known = json.loads(inputs or "{}")
        others = [origin.part for origin in origins if origin.is_other(day, known)]
        if None not in (left, opening) and left != opening:
            others.insert(0, "open_items")
        if others:
            return Stale(tuple(row.business_date for row in rows[place:]), others[0])
        left = closing
    return Stale()


@dataclass(frozen=True)
class _Origin:
    """Something that a day begins with: which input of its run that is, and what it would be now.

    It is read once for all days, and not at all where no run has looked at it. `under` is an input,
    and its value now: a run under another is not compared, for that chose what it looked at.
    """

    part: str
    read: Callable[[], Callable[[date], pl.DataFrame]]
    told: Callable[[pl.DataFrame], object]  # as the inputs of a run have it
    under: tuple[str, str] | None = None

    @cached_property
    def before(self) -> Callable[[date], pl.DataFrame]:
        return self.read()

    def is_other(self, day: date, inputs: Mapping[str, Any]) -> bool:
        began_with = inputs.get(self.part)
        if began_with is None or (self.under and inputs.get(self.under[0]) != self.under[1]):
            return False
        return bool(began_with != self.told(self.before(day)))


@dataclass(frozen=True)
class _OwnStatements:
    """Statements of the day: another version, or one more, may have come."""

    database: Database
    account: AccountSettings
    open_from: date  # what comes for a closed day waits
    part: str = "files"

    @cached_property
    def _here(self) -> dict[date, set[str]]:
        file = STATEMENT_FILES.c
        select = sa.select(file.business_date, file.file_id).where(
            file.provider == self.account.provider,
            file.account == self.account.account,
            file.kind.in_(self.account.statements),
            file.superseded_by.is_(None),
        )
        found: dict[date, set[str]] = {}
        with self.database.connect() as connection:
            for day, file_id in connection.execute(select):
                found.setdefault(day, set()).add(file_id)
        return found

    def is_other(self, day: date, inputs: Mapping[str, Any]) -> bool:
        if day < self.open_from or inputs.get("account") != digest(asdict(self.account)):
            return False
        return set(inputs.get(self.part, ())) != self._here.get(day, set())


@dataclass(frozen=True)
class _OwnEntries:
    """Entries of the day that came since. They are read only where the mark of the day is another
    one, for a day may have millions. Of a closed day an import takes none; those that a company's
    table has of it wait."""

    ledger: Ledger
    account: AccountSettings
    days_run: Period
    open_from: date
    part: str = "entries"

    @cached_property
    def _marks(self) -> Marks:
        return marks_of(self.ledger, self.account.provider, self.account.account, self.days_run)

    def is_other(self, day: date, inputs: Mapping[str, Any]) -> bool:
        if day < self.open_from or day < self._marks.since:
            return False
        if inputs.get(self._marks.name) in (None, self._marks.of(day)):
            return False
        key = self.account.provider, self.account.account
        now = entries_of(self.ledger, *key, one_day(day)).frame
        return bool(inputs.get(self.part) != entries_digest(now))


def _origins(
    database: Database,
    ledger: Ledger,
    account: AccountSettings,
    tariffs: list[Tariff],
    schedule: Schedule,
    days_run: Period,
) -> list[_Origin | _OwnStatements | _OwnEntries]:
    with database.connect() as connection:
        lock = closed(connection, account.provider, account.account)
    open_from = date.min if lock is None else lock.until + timedelta(days=1)
    whose = (account.provider, account.account)
    settings = ("account", digest(asdict(account)))
    schedule_now = ("tariffs", schedule_digest(tariffs))
    return [
        _Origin("closed", lambda: closed_by_day(database, schedule, account), closed_as_input),
        _Origin("payouts", lambda: _payouts_due_by_day(database, *whose), payouts_digest),
        _Origin("sent_before", lambda: sent_by_day(database, account), payouts_digest, settings),
        _Origin("reserves", lambda: reserves_by_day(database, account), entries_digest, settings),
        _Origin("fee_usage", lambda: usage_by_day(database, account, tariffs), entries_digest,
                schedule_now),
        _OwnStatements(database, account, open_from),
        _OwnEntries(ledger, account, days_run, open_from),
    ]  # fmt: skip


def payouts_due(database: Database, provider: str, account: str, day: date) -> pl.DataFrame:
    """PAYOUT that a bank account should receive by a day, but for what was written off."""
    return _payouts_due_by_day(database, provider, account)(day)


def _payouts_due_by_day(
    database: Database, provider: str, account: str
) -> Callable[[date], pl.DataFrame]:
    """`payouts_due` of any day of an account, read once."""
    on_their_way = payouts_by_day(database, provider, account)
    written_off = approved_write_offs(database, provider, account, date.max)

    def due(day: date) -> pl.DataFrame:
        given_up = written_off.filter(pl.col("effective_on") <= day)["item_ids"]
        ids = given_up.explode().drop_nulls().implode()
        return on_their_way(day).filter(~pl.col("payout_id").is_in(ids))

    return due


def payouts_digest(payouts: pl.DataFrame) -> str:
    """What tells one set of payouts from another."""
    return content_digest(payouts, "payout_id")
