"""What the current runs of many days say: their figures and what is open."""

import json
from datetime import date
from typing import Final

import polars as pl
import sqlalchemy as sa

from recon.io.database import Database, read_frame
from recon.io.schema import OPEN_ITEMS, RUNS
from recon.metrics import METRIC
from recon.periods import Period
from recon.tables import OPEN_ITEM, Schema, conform

_RUN: Final[Schema] = {
    "run_id": pl.String(),
    "provider": pl.String(),
    "account": pl.String(),
    "business_date": pl.Date(),
}


def current_runs(database: Database, period: Period) -> pl.DataFrame:
    """run_id, provider, account, business_date of the current runs of a period, in that order."""
    select = sa.select(*(RUNS.c[name] for name in _RUN)).where(*_current(period))
    return read_frame(database, select, _RUN).sort("business_date", "provider", "account")


def metric_history(database: Database, period: Period) -> pl.DataFrame:
    """METRIC of the current runs of a period; a run of a version that kept none has no rows."""
    select = sa.select(RUNS.c.provider, RUNS.c.account, RUNS.c.business_date, RUNS.c.summary).where(
        *_current(period)
    )
    with database.connect() as connection:
        runs = connection.execute(select).all()
    rows = [
        {"provider": provider, "account": account, "business_date": day} | figure
        for provider, account, day, summary in runs
        for figure in json.loads(summary).get("metrics", [])
    ]
    schema = dict(METRIC) | {"value": pl.String()}
    frame = pl.DataFrame(rows, schema=schema) if rows else pl.DataFrame(schema=schema)
    return conform(frame, METRIC).sort("business_date", "provider", "account", "name", "currency")


def open_items_at(database: Database, day: date) -> pl.DataFrame:
    """OPEN_ITEM with provider and account: what each account's last run up to a day left open."""
    latest = (
        sa.select(RUNS.c.provider, RUNS.c.account, sa.func.max(RUNS.c.business_date).label("day"))
        .where(RUNS.c.superseded_by.is_(None), RUNS.c.business_date <= day)
        .group_by(RUNS.c.provider, RUNS.c.account)
        .subquery()
    )
    is_latest = sa.and_(
        RUNS.c.provider == latest.c.provider,
        RUNS.c.account == latest.c.account,
        RUNS.c.business_date == latest.c.day,
        RUNS.c.superseded_by.is_(None),
    )
    select = (
        sa.select(RUNS.c.provider, RUNS.c.account, *(OPEN_ITEMS.c[name] for name in OPEN_ITEM))
        .select_from(RUNS)
        .join(latest, is_latest)
        .join(OPEN_ITEMS, OPEN_ITEMS.c.run_id == RUNS.c.run_id)
    )
    schema = {"provider": pl.String(), "account": pl.String(), **OPEN_ITEM}
    return read_frame(database, select, schema).sort("provider", "account", "side", "item_id")


def _current(period: Period) -> tuple[sa.ColumnElement[bool], ...]:
    return (
        RUNS.c.superseded_by.is_(None),
        RUNS.c.business_date.between(period.first, period.last),
    )
