"""What a run found otherwise than the one it superseded: compared, kept, and asked for later."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

import polars as pl
import sqlalchemy as sa

from recon.control_tables import RUN_CHANGE
from recon.io.control_schema import RUN_CHANGE_ROWS, RUN_CHANGES
from recon.io.database import Database, read_frame
from recon.io.frames import read_rows, write_frame
from recon.periods import Period
from recon.reporting.book import ACCOUNT_CHANGE
from recon.tables import DISCREPANCY, INSTANT, Schema, empty

# A discrepancy found again is another one when any of these is.
_TELLING: Final = (
    "type",
    "currency",
    "amount_ledger",
    "amount_provider",
    "difference",
    "explanation",  # the last: it says nothing where the runs are told in two languages
)
_HEADER: Final[Schema] = {
    "change_id": pl.Int64(),
    "business_date": pl.Date(),
    "provider": pl.String(),
    "account": pl.String(),
    "recorded_at": INSTANT,
    "run_id": pl.String(),
    "supersedes": pl.String(),
}


@dataclass(frozen=True)
class RunChange:
    """What differs from the run that was current before; the frames are DISCREPANCY.

    `cleared` are as they were, `changed` as they are now. With `unchanged` nothing was written.
    """

    unchanged: bool
    new: pl.DataFrame
    cleared: pl.DataFrame
    changed: pl.DataFrame
    rows: pl.DataFrame  # RUN_CHANGE: all three in one

    @staticmethod
    def nothing() -> "RunChange":
        none = empty(DISCREPANCY)
        return RunChange(True, none, none, none, empty(RUN_CHANGE))


def compared(before: pl.DataFrame, after: pl.DataFrame, *, told_alike: bool = True) -> RunChange:
    """DISCREPANCY of the run before and of this one -> what is new, cleared and changed;
    `told_alike`: both are told in one language."""
    key = "discrepancy_id"
    telling = _TELLING if told_alike else _TELLING[:-1]
    # Column by column: structs with a null in them are never equal to each other.
    differs = (pl.col(name).ne_missing(pl.col(f"{name}_before")) for name in telling)
    told_otherwise = (
        after.select(key, *telling)
        .join(before.select(key, *telling), on=key, how="inner", suffix="_before", validate="1:1")
        .filter(pl.any_horizontal(differs))
    )
    new = after.join(before, on=key, how="anti").sort(key)
    cleared = before.join(after, on=key, how="anti").sort(key)
    changed = after.join(told_otherwise, on=key, how="semi").sort(key)
    was = told_otherwise.select(key, "difference_before")
    parts = {
        "new": new.with_columns(difference_before=None),
        "cleared": cleared.with_columns(difference_before="difference", difference=None),
        "changed": changed.join(was, on=key, how="left"),
    }
    rows = [
        part.with_columns(change=pl.lit(name)).select(
            pl.col(column).cast(dtype) for column, dtype in RUN_CHANGE.items()
        )
        for name, part in parts.items()
    ]
    return RunChange(False, new, cleared, changed, pl.concat(rows))


def store_change(
    connection: sa.Connection,
    change: RunChange,
    *,
    run: Mapping[str, Any],
    supersedes: str,
    now: datetime,
) -> None:
    """Keep a change of the run (run_id, provider, account, business_date), in its transaction."""
    newest = sa.select(sa.func.coalesce(sa.func.max(RUN_CHANGES.c.change_id), 0))
    change_id = int(connection.execute(newest).scalar_one()) + 1
    header = {"change_id": change_id, "supersedes": supersedes, "recorded_at": now}
    connection.execute(sa.insert(RUN_CHANGES).values({**run, **header}))
    rows = change.rows.with_columns(change_id=pl.lit(change_id))
    write_frame(connection, RUN_CHANGE_ROWS, rows)


def changes_of(
    database: Database, period: Period, provider: str, account: str
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Each time a run of these days superseded another, oldest first, with how many differences
    are new, cleared and changed; and RUN_CHANGE of all of them, by `change_id`."""
    change = RUN_CHANGES.c
    headers = sa.select(*(change[name] for name in _HEADER)).where(
        change.provider == provider,
        change.account == account,
        change.business_date.between(period.first, period.last),
    )
    ids = headers.with_only_columns(change.change_id)
    columns = {"change_id": pl.Int64(), **RUN_CHANGE}
    rows = sa.select(*(RUN_CHANGE_ROWS.c[name] for name in columns)).where(
        RUN_CHANGE_ROWS.c.change_id.in_(ids)
    )
    with database.connect() as connection:
        listed = read_rows(connection, headers, _HEADER).sort("change_id")
        found = read_rows(connection, rows, columns)
    counts = found.group_by("change_id").agg(
        (pl.col("change") == name).sum().cast(pl.Int64).alias(name)
        for name in ("new", "cleared", "changed")
    )
    counted = listed.join(counts, on="change_id", how="left").with_columns(
        pl.col("new", "cleared", "changed").fill_null(0)
    )
    return counted.sort("change_id"), found.sort("change_id", "change", "discrepancy_id")


def changes_of_runs(database: Database, run_ids: pl.Series) -> pl.DataFrame:
    """ACCOUNT_CHANGE: what each of these runs found otherwise when it last became current."""
    change = RUN_CHANGES.c
    latest = (
        sa.select(sa.func.max(change.change_id))
        .where(change.run_id.in_(run_ids.to_list()))
        .group_by(change.run_id)
    )
    select = (
        sa.select(
            *(change[name] for name in ("provider", "account", "business_date")),
            *(RUN_CHANGE_ROWS.c[name] for name in RUN_CHANGE),
        )
        .join_from(RUN_CHANGES, RUN_CHANGE_ROWS, change.change_id == RUN_CHANGE_ROWS.c.change_id)
        .where(change.change_id.in_(latest))
    )
    return read_frame(database, select, ACCOUNT_CHANGE)


def change_of_run(connection: sa.Connection, run_id: str) -> tuple[str | None, pl.DataFrame]:
    """What the run superseded when it last became current, and RUN_CHANGE against it."""
    change = RUN_CHANGES.c
    last = connection.execute(
        sa.select(change.change_id, change.supersedes)
        .where(change.run_id == run_id)
        .order_by(change.change_id.desc())
        .limit(1)
    ).first()
    if last is None:
        return None, empty(RUN_CHANGE)
    rows = sa.select(*(RUN_CHANGE_ROWS.c[name] for name in RUN_CHANGE)).where(
        RUN_CHANGE_ROWS.c.change_id == last.change_id
    )
    return last.supersedes, read_rows(connection, rows, RUN_CHANGE)
