"""What each run found. Results are never edited: a rerun supersedes them, and they stay.

At any moment each (provider, account, business date) has at most one current run. `run_id` is made
of a run's inputs, so the same inputs are the same run, and inputs that go back to what they were
make the old run current again.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any, Final

import polars as pl
import sqlalchemy as sa

from recon.book_tables import POSTING
from recon.errors import ensure
from recon.io.database import Database, read_frame
from recon.io.frames import read_rows, write_frame
from recon.io.schema import (
    DISCREPANCIES,
    FEE_SUMMARIES,
    OPEN_ITEMS,
    PAYOUTS,
    POSTINGS,
    RECEIPTS,
    RUNS,
    SETTLEMENT_BATCHES,
)
from recon.periods import Period
from recon.reporting.summary import figures
from recon.results import DayResult
from recon.tables import DISCREPANCY, FEE_SUMMARY, OPEN_ITEM, PAYOUT, RECEIPT, check, empty
from recon.wording import Language

# A discrepancy found again is another one when any of these is.
_TELLING: Final = (
    "type",
    "currency",
    "amount_ledger",
    "amount_provider",
    "difference",
    "explanation",  # the last: it says nothing where the runs are told in two languages
)
_JSON: Final = ("not_proved_because", "file_ids", "summary")


@dataclass(frozen=True)
class RunRecord:
    """One run. `summary` is any JSON object; the superseded pair is set by the store alone."""

    run_id: str
    provider: str
    account: str
    business_date: date
    started_at: datetime
    finished_at: datetime
    not_proved_because: tuple[str, ...] = ()
    file_ids: tuple[str, ...] = ()
    summary: Mapping[str, Any] = field(default_factory=dict)
    superseded_by: str | None = None
    superseded_at: datetime | None = None

    @property
    def proved(self) -> bool:
        return not self.not_proved_because

    @staticmethod
    def of(
        result: DayResult,
        *,
        run_id: str,
        started_at: datetime,
        finished_at: datetime,
        language: Language = "en",
    ) -> "RunRecord":
        """The record of a day's result; its summary counts discrepancies, open items, rejects."""
        return RunRecord(
            run_id=run_id,
            provider=result.provider,
            account=result.account,
            business_date=result.business_date,
            started_at=started_at,
            finished_at=finished_at,
            not_proved_because=result.not_proved_because,
            file_ids=tuple(file.file_id for file in result.files),
            summary={
                "discrepancy_count": result.discrepancies.height,
                "open_item_count": result.open_items.height,
                "reject_count": result.rejects.height,
                "metrics": figures(result),
                "language": language,
            },
        )


@dataclass(frozen=True)
class RunChange:
    """What differs from the run that was current before; the frames are DISCREPANCY.

    `cleared` are as they were, `changed` as they are now. With `unchanged` nothing was written.
    """

    unchanged: bool
    new: pl.DataFrame
    cleared: pl.DataFrame
    changed: pl.DataFrame


@dataclass(frozen=True)
class RunRows:
    """What a run found, as the canonical tables of which a row each is kept."""

    discrepancies: pl.DataFrame
    open_items: pl.DataFrame
    batches: pl.DataFrame
    payouts: pl.DataFrame = field(default_factory=lambda: empty(PAYOUT))
    receipts: pl.DataFrame = field(default_factory=lambda: empty(RECEIPT))
    postings: pl.DataFrame = field(default_factory=lambda: empty(POSTING))
    fees: pl.DataFrame = field(default_factory=lambda: empty(FEE_SUMMARY))

    @staticmethod
    def of(result: DayResult) -> "RunRows":
        return RunRows(
            discrepancies=result.discrepancies,
            open_items=result.open_items,
            batches=result.batches,
            payouts=result.payouts,
            receipts=result.receipts,
            postings=result.postings,
            fees=result.fees,
        )

    def by_table(self) -> dict[str, pl.DataFrame]:
        return {
            "DISCREPANCY": self.discrepancies,
            "OPEN_ITEM": self.open_items,
            "SETTLEMENT_BATCH": self.batches,
            "PAYOUT": self.payouts,
            "RECEIPT": self.receipts,
            "POSTING": self.postings,
            "FEE_SUMMARY": self.fees,
        }


_TABLES: Final = {
    "DISCREPANCY": DISCREPANCIES,
    "OPEN_ITEM": OPEN_ITEMS,
    "SETTLEMENT_BATCH": SETTLEMENT_BATCHES,
    "PAYOUT": PAYOUTS,
    "RECEIPT": RECEIPTS,
    "POSTING": POSTINGS,
    "FEE_SUMMARY": FEE_SUMMARIES,
}


class RunStore:
    """The runs of a database."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def previous(self, provider: str, account: str, business_date: date) -> RunRecord | None:
        """The current run of that very day, if it was ever run."""
        with self._database.connect() as connection:
            return _current(connection, provider, account, business_date)

    def open_items_before(self, provider: str, account: str, business_date: date) -> pl.DataFrame:
        """OPEN_ITEM: what the current run of the latest earlier business date left open, sorted by
        side and item_id; empty when there is no earlier run."""
        latest = (
            sa.select(RUNS.c.run_id)
            .where(*_of_account(provider, account), RUNS.c.business_date < business_date)
            .order_by(RUNS.c.business_date.desc())
            .limit(1)
            .scalar_subquery()
        )
        columns = (OPEN_ITEMS.c[name] for name in OPEN_ITEM)
        select = sa.select(*columns).where(OPEN_ITEMS.c.run_id == latest)
        return read_frame(self._database, select, OPEN_ITEM).sort("side", "item_id")

    def record(self, run: RunRecord, found: RunRows) -> RunChange:
        """Make `run` the current run of its day, in one transaction, with all its rows, and say
        what it changes.

        A run_id that is current already changes nothing; one that was superseded becomes current
        again, with the rows it had. Errors: BrokenInvariantError for frames of another shape.
        """
        for name, frame in found.by_table().items():
            check(name, frame)
        with self._database.begin() as connection:
            current = _current(connection, run.provider, run.account, run.business_date)
            if current is not None and current.run_id == run.run_id:
                nothing = empty(DISCREPANCY)
                return RunChange(unchanged=True, new=nothing, cleared=nothing, changed=nothing)
            before = _discrepancies_of(connection, current)
            if current is not None:
                superseded = {"superseded_by": run.run_id, "superseded_at": run.finished_at}
                old = RUNS.c.run_id == current.run_id
                connection.execute(sa.update(RUNS).where(old).values(superseded))
            if _is_made_current_again(connection, run):
                after = _discrepancies_of(connection, run)
            else:
                after = found.discrepancies
                connection.execute(sa.insert(RUNS).values(_values(run)))
                for name, frame in found.by_table().items():
                    _write(connection, _TABLES[name], run, frame)
        told_alike = current is None or _language(current) == _language(run)
        return _change(before, after, _TELLING if told_alike else _TELLING[:-1])

    def later_runs(self, provider: str, account: str, business_date: date) -> list[date]:
        """The later business dates that have a run, made from the state this day had before."""
        day = RUNS.c.business_date
        select = sa.select(day).where(*_of_account(provider, account), day > business_date)
        with self._database.connect() as connection:
            return sorted(connection.execute(select).scalars())

    def discrepancies(
        self,
        period: Period | None = None,
        provider: str | None = None,
        account: str | None = None,
        types: Sequence[str] | None = None,
    ) -> pl.DataFrame:
        """DISCREPANCY of the current runs, sorted by business date, provider, account and id.

        `period` is that of the runs: a discrepancy found on a later day about an older movement
        belongs to the day it was reported on. None is no restriction.
        """
        columns = [DISCREPANCIES.c[name] for name in DISCREPANCY]
        select = (
            sa.select(*columns)
            .join_from(DISCREPANCIES, RUNS, DISCREPANCIES.c.run_id == RUNS.c.run_id)
            .where(RUNS.c.superseded_by.is_(None))
        )
        if period is not None:
            select = select.where(RUNS.c.business_date.between(period.first, period.last))
        if provider is not None:
            select = select.where(RUNS.c.provider == provider)
        if account is not None:
            select = select.where(RUNS.c.account == account)
        if types is not None:
            select = select.where(DISCREPANCIES.c.type.in_(types))
        frame = read_frame(self._database, select, DISCREPANCY)
        return frame.sort("business_date", "provider", "account", "discrepancy_id")


def _of_account(provider: str, account: str) -> tuple[sa.ColumnElement[bool], ...]:
    return (
        RUNS.c.provider == provider,
        RUNS.c.account == account,
        RUNS.c.superseded_by.is_(None),
    )


def _current(
    connection: sa.Connection, provider: str, account: str, business_date: date
) -> RunRecord | None:
    select = sa.select(RUNS).where(
        *_of_account(provider, account), RUNS.c.business_date == business_date
    )
    row = connection.execute(select).mappings().first()
    return None if row is None else _record(row)


def _record(row: Mapping[Any, Any]) -> RunRecord:
    values = {name: value for name, value in row.items() if name != "proved"}
    values |= {name: json.loads(values[name]) for name in _JSON}
    for name in ("not_proved_because", "file_ids"):
        values[name] = tuple(values[name])
    return RunRecord(**values)


def _values(run: RunRecord) -> dict[str, Any]:
    values = {column.name: getattr(run, column.name) for column in RUNS.c}
    texts = {
        name: json.dumps(values[name], ensure_ascii=False, sort_keys=True, default=str)
        for name in _JSON
    }
    return values | texts | {"superseded_by": None, "superseded_at": None}


def _is_made_current_again(connection: sa.Connection, run: RunRecord) -> bool:
    same = RUNS.c.run_id == run.run_id
    row = connection.execute(sa.select(RUNS).where(same)).mappings().first()
    if row is None:
        return False
    day = (run.provider, run.account, run.business_date)
    ensure(
        (row["provider"], row["account"], row["business_date"]) == day,
        f"run {run.run_id} is of another account or day",
    )
    connection.execute(sa.update(RUNS).where(same).values(superseded_by=None, superseded_at=None))
    return True


def _discrepancies_of(connection: sa.Connection, run: RunRecord | None) -> pl.DataFrame:
    if run is None:
        return empty(DISCREPANCY)
    columns = (DISCREPANCIES.c[name] for name in DISCREPANCY)
    select = sa.select(*columns).where(DISCREPANCIES.c.run_id == run.run_id)
    return read_rows(connection, select, DISCREPANCY)


def _write(connection: sa.Connection, table: sa.Table, run: RunRecord, frame: pl.DataFrame) -> None:
    write_frame(connection, table, frame.with_columns(run_id=pl.lit(run.run_id)))


def _language(run: RunRecord) -> str:
    return str(run.summary.get("language", "en"))


def _change(
    before: pl.DataFrame, after: pl.DataFrame, telling: Sequence[str] = _TELLING
) -> RunChange:
    key = "discrepancy_id"
    # Column by column: structs with a null in them are never equal to each other.
    differs = (pl.col(name).ne_missing(pl.col(f"{name}_before")) for name in telling)
    told_otherwise = (
        after.select(key, *telling)
        .join(before.select(key, *telling), on=key, how="inner", suffix="_before", validate="1:1")
        .filter(pl.any_horizontal(differs))
    )
    return RunChange(
        unchanged=False,
        new=after.join(before, on=key, how="anti").sort(key),
        cleared=before.join(after, on=key, how="anti").sort(key),
        changed=after.join(told_otherwise, on=key, how="semi").sort(key),
    )
