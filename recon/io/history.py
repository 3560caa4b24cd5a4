"""What the current runs of many days say: their figures, what is open, what a rerun has changed."""

import json
from datetime import date
from typing import Final

import polars as pl
import sqlalchemy as sa

from recon.io.database import Database, read_frame
from recon.io.schema import DISCREPANCIES, OPEN_ITEMS, RUNS
from recon.metrics import METRIC
from recon.periods import Period
from recon.reporting.book import CHANGE
from recon.tables import DISCREPANCY, OPEN_ITEM, Schema, conform

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


def changes_of(database: Database, run_ids: pl.Series) -> pl.DataFrame:
    """CHANGE: what these runs say differently from the last run that each of them superseded."""
    order = sa.select(RUNS.c.run_id, RUNS.c.superseded_by).where(
        RUNS.c.superseded_by.in_(run_ids.to_list())
    )
    with database.connect() as connection:
        found = connection.execute(order.order_by(RUNS.c.superseded_at)).all()
    before = {successor: run_id for run_id, successor in found}  # the last of several wins
    if not before:
        return conform(pl.DataFrame(), CHANGE)
    old = _discrepancies(database, list(before.values()))
    new = _discrepancies(database, list(before))
    return _changed(old, new)


def _discrepancies(database: Database, run_ids: list[str]) -> pl.DataFrame:
    select = sa.select(*(DISCREPANCIES.c[name] for name in DISCREPANCY)).where(
        DISCREPANCIES.c.run_id.in_(run_ids)
    )
    return read_frame(database, select, DISCREPANCY)


def _changed(old: pl.DataFrame, new: pl.DataFrame) -> pl.DataFrame:
    """CHANGE between the discrepancies of two sets of runs."""
    key = ["provider", "account", "business_date", "discrepancy_id"]
    telling = ["type", "currency", "difference"]
    joined = new.select(*key, *telling, "explanation", is_new=True).join(
        old.select(*key, *telling, "explanation", is_old=True),
        on=key, how="full", coalesce=True, suffix="_before", validate="1:1",
    )  # fmt: skip
    same = pl.all_horizontal(
        *(pl.col(name).eq_missing(pl.col(f"{name}_before")) for name in telling)
    )
    change = (
        pl.when(pl.col("is_old").is_null())
        .then(pl.lit("new"))
        .when(pl.col("is_new").is_null())
        .then(pl.lit("cleared"))
        .when(~same)
        .then(pl.lit("changed"))
    )
    told = joined.with_columns(change=change).filter(pl.col("change").is_not_null())
    return conform(
        told.with_columns(
            pl.coalesce(name, f"{name}_before").alias(name)
            for name in ("type", "currency", "explanation")
        ).with_columns(difference_before="difference_before", difference_now="difference"),
        CHANGE,
    )


def _current(period: Period) -> tuple[sa.ColumnElement[bool], ...]:
    return (
        RUNS.c.superseded_by.is_(None),
        RUNS.c.business_date.between(period.first, period.last),
    )
