"""Which days were run on what is no longer so, because an earlier day was run again since."""

import json
from collections.abc import Callable, Mapping
from dataclasses import asdict
from datetime import date
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
    closed_before = closed_by_day(database, schedule, account)
    payouts_due_on = _payouts_due_by_day(database, account.provider, account.account)
    left_before = _left_before(database, account, tariffs)
    left: str | None = None
    for place, (day, opening, closing, inputs) in enumerate(rows):
        moved = None not in (left, opening) and left != opening
        known = json.loads(inputs or "{}")
        if (
            moved
            or _has_other_payouts(payouts_due_on, day, known)
            or ("closed" in known and known["closed"] != closed_as_input(closed_before(day)))
            or any(differs(day, known) for differs in left_before)
        ):
            return [row.business_date for row in rows[place:]]
        left = closing
    return []


_Differs = Callable[[date, Mapping[str, Any]], bool]


def _left_before(
    database: Database, account: AccountSettings, tariffs: list[Tariff]
) -> list[_Differs]:
    """Whether other reserves, or another turnover, are there for a day than its run began with.

    A run under other settings is not compared: what it looked at was chosen by them.
    """
    parts = (
        ("reserves", reserves_by_day(database, account), "account", digest(asdict(account))),
        ("fee_usage", usage_by_day(database, account, tariffs), "tariffs",
         schedule_digest(tariffs)),
    )  # fmt: skip

    def differing(
        part: str, before: Callable[[date], pl.DataFrame], setting: str, now: str
    ) -> _Differs:
        return lambda day, known: (
            known.get(setting) == now
            and part in known
            and known[part] != entries_digest(before(day))
        )

    return [differing(*part) for part in parts]


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


def _has_other_payouts(
    payouts_due_on: Callable[[date], pl.DataFrame], day: date, inputs: Mapping[str, Any]
) -> bool:
    known = inputs.get("payouts")
    return known is not None and bool(known != payouts_digest(payouts_due_on(day)))
