"""Which days were run on what is no longer so, because an earlier day was run again since."""

import json
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from datetime import date
from functools import cached_property
from typing import Any

import polars as pl
import sqlalchemy as sa

from recon.fees.schedule import Tariff
from recon.io.balances import closed_as_input, closed_by_day
from recon.io.canonical import digest
from recon.io.database import Database
from recon.io.deliveries import Schedule
from recon.io.fee_history import usage_by_day
from recon.io.fee_schedules import schedule_digest
from recon.io.frames import content_digest
from recon.io.ledger import entries_digest
from recon.io.reserves import reserves_by_day
from recon.io.schema import RUNS, current_runs_of
from recon.io.transit import payouts_by_day
from recon.io.write_offs import approved_write_offs
from recon.settings import AccountSettings


def stale_dates(
    database: Database, account: AccountSettings, tariffs: list[Tariff], schedule: Schedule
) -> list[date]:
    """The business dates whose current run began with something else than earlier days, or other
    accounts, have left now; and all later ones, oldest first. That is the open items, the balance
    the statement before closes with, what was held back, the turnover that fees go by, and of a
    bank account the payouts. Running the first of them again tells whether the next still is.

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
    origins = _origins(database, account, tariffs, schedule)
    left: str | None = None
    for place, (day, opening, closing, inputs) in enumerate(rows):
        moved = None not in (left, opening) and left != opening
        known = json.loads(inputs or "{}")
        if moved or any(origin.is_other(day, known) for origin in origins):
            return [row.business_date for row in rows[place:]]
        left = closing
    return []


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


def _origins(
    database: Database, account: AccountSettings, tariffs: list[Tariff], schedule: Schedule
) -> list[_Origin]:
    whose = (account.provider, account.account)
    settings = ("account", digest(asdict(account)))
    schedule_now = ("tariffs", schedule_digest(tariffs))
    return [
        _Origin("closed", lambda: closed_by_day(database, schedule, account), closed_as_input),
        _Origin("payouts", lambda: _payouts_due_by_day(database, *whose), payouts_digest),
        _Origin("reserves", lambda: reserves_by_day(database, account), entries_digest, settings),
        _Origin("fee_usage", lambda: usage_by_day(database, account, tariffs), entries_digest,
                schedule_now),
    ]  # fmt: skip


def payouts_due(database: Database, provider: str, account: str, day: date) -> pl.DataFrame:
    """PAYOUT that a bank account should receive by a day, but for what was written off."""
    return _payouts_due_by_day(database, provider, account)(day)


def _payouts_due_by_day(
    database: Database, provider: str, account: str
) -> Callable[[date], pl.DataFrame]:
    """`payouts_due` of any day of an account, read once."""
    on_their_way = payouts_by_day(database, provider, account)
    written_off = approved_write_offs(database, provider, account, None, date.max)

    def due(day: date) -> pl.DataFrame:
        given_up = written_off.filter(pl.col("effective_on") <= day)["item_ids"]
        ids = given_up.explode().drop_nulls().implode()
        return on_their_way(day).filter(~pl.col("payout_id").is_in(ids))

    return due


def payouts_digest(payouts: pl.DataFrame) -> str:
    """What tells one set of payouts from another."""
    return content_digest(payouts, "payout_id")
