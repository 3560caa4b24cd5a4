"""Which days were run on what is no longer so, because an earlier day was run again since."""

import json
from collections.abc import Mapping
from datetime import date
from typing import Any

import polars as pl
import sqlalchemy as sa

from recon.io.balances import Closing, closings
from recon.io.database import Database
from recon.io.frames import content_digest
from recon.io.schema import RUNS
from recon.io.transit import payouts_in_transit
from recon.io.write_offs import approved_write_offs


def stale_dates(database: Database, provider: str, account: str) -> list[date]:
    """The business dates whose current run began with other open items than the day before leaves
    now, with another balance than the statement before closes with now, or, of a bank account, with
    other payouts than are sent now; and all later ones, oldest first. Running the first of them
    again tells whether the next still is.
    """
    run = RUNS.c
    days = (
        sa.select(run.business_date, run.opening, run.closing, run.inputs)
        .where(run.provider == provider, run.account == account, run.superseded_by.is_(None))
        .order_by(run.business_date)
    )
    with database.connect() as connection:
        rows = connection.execute(days).all()
    closed = closings(database, provider, account)
    left: str | None = None
    for place, (day, opening, closing, inputs) in enumerate(rows):
        moved = None not in (left, opening) and left != opening
        known = json.loads(inputs or "{}")
        if (
            moved
            or _has_other_payouts(database, provider, account, day, known)
            or _has_other_closing(closed, known)
        ):
            return [row.business_date for row in rows[place:]]
        left = closing
    return []


def payouts_due(database: Database, provider: str, account: str, day: date) -> pl.DataFrame:
    """PAYOUT that a bank account should receive by a day, but for what was written off."""
    given_up = approved_write_offs(database, provider, account, None, day)["item_ids"]
    on_their_way = payouts_in_transit(database, provider, account, day)
    ids = given_up.explode().drop_nulls().implode()
    return on_their_way.filter(~pl.col("payout_id").is_in(ids))


def payouts_digest(payouts: pl.DataFrame) -> str:
    """What tells one set of payouts from another."""
    return content_digest(payouts, "payout_id")


def _has_other_payouts(
    database: Database, provider: str, account: str, day: date, inputs: Mapping[str, Any]
) -> bool:
    known = inputs.get("payouts")
    if known is None:
        return False
    return bool(known != payouts_digest(payouts_due(database, provider, account, day)))


def _has_other_closing(closed: Mapping[date, Closing], inputs: Mapping[str, Any]) -> bool:
    began_with = inputs.get("closed") or {}
    return any(closed.get(date.fromisoformat(on)) != closing for on, closing in began_with.items())
