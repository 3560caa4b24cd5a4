"""What each run found. Results are never edited: a rerun supersedes them, and they stay.

At any moment each (provider, account, business date) has at most one current run. `run_id` is made
of a run's inputs, so the same inputs are the same run, and inputs that go back to what they were
make the old run current again.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any, Final, TypeAlias

import polars as pl
import sqlalchemy as sa

from recon.book_tables import POSTING, RESERVE
from recon.boundary import check
from recon.control_tables import CLEARED_ITEM, SMALL_DIFFERENCE
from recon.errors import ensure
from recon.io import audit
from recon.io.audit import PROGRAM
from recon.io.case_sync import RunOfCases, follow
from recon.io.changes import RunChange, change_of_run, compared, store_change
from recon.io.closing import refuse_if_closed
from recon.io.control_schema import CLEARED_ITEMS, ROLL_FORWARDS
from recon.io.database import Database, read_frame
from recon.io.frames import content_digest, read_rows, write_frame
from recon.io.schema import (
    DISCREPANCIES,
    FEE_SUMMARIES,
    OPEN_ITEMS,
    OUR_CHARGES,
    PAYOUTS,
    POSTINGS,
    RECEIPTS,
    RESERVES,
    RUNS,
    SETTLEMENT_BATCHES,
    current_runs_of,
)
from recon.periods import Period
from recon.reporting.summary import Summary
from recon.results import DayResult
from recon.tables import (
    DISCREPANCY,
    FEE_SUMMARY,
    OPEN_ITEM,
    OUR_CHARGE,
    PAYOUT,
    RECEIPT,
    ROLL_FORWARD,
    empty,
)
from recon.wording import Language

_JSON: Final = ("not_proved_because", "file_ids", "summary", "inputs")


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
    inputs: Mapping[str, Any] = field(default_factory=dict)  # part: a digest, or the names in it
    opening: str | None = None  # a digest of the open items it began with
    closing: str | None = None  # and of those it left

    @property
    def proved(self) -> bool:
        return not self.not_proved_because

    @staticmethod
    def of(
        result: DayResult,
        summary: Summary,
        *,
        started_at: datetime,
        finished_at: datetime,
        inputs: Mapping[str, Any] | None = None,
        opening: str | None = None,
    ) -> "RunRecord":
        """The record of a day's result, which `summary` tells, too; its own counts discrepancies,
        open items and rejects."""
        return RunRecord(
            run_id=summary["run_id"],
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
                "metrics": summary["metrics"],
                "language": summary["language"],
            },
            inputs=inputs or {},
            opening=opening,
            closing=open_items_digest(result.open_items),
        )


@dataclass(frozen=True)
class RunRows:
    """What a run found, as the canonical tables of which a row each is kept."""

    discrepancies: pl.DataFrame
    open_items: pl.DataFrame
    batches: pl.DataFrame
    payouts: pl.DataFrame = field(default_factory=lambda: empty(PAYOUT))
    receipts: pl.DataFrame = field(default_factory=lambda: empty(RECEIPT))
    postings: pl.DataFrame = field(default_factory=lambda: empty(POSTING))
    reserve: pl.DataFrame = field(default_factory=lambda: empty(RESERVE))
    fees: pl.DataFrame = field(default_factory=lambda: empty(FEE_SUMMARY))
    our_charges: pl.DataFrame = field(default_factory=lambda: empty(OUR_CHARGE))
    roll_forward: pl.DataFrame = field(default_factory=lambda: empty(ROLL_FORWARD))
    cleared: pl.DataFrame = field(default_factory=lambda: empty(CLEARED_ITEM))
    small_differences: pl.DataFrame = field(default_factory=lambda: empty(SMALL_DIFFERENCE))

    @staticmethod
    def of(result: DayResult) -> "RunRows":
        return RunRows(
            discrepancies=result.discrepancies,
            open_items=result.open_items,
            batches=result.batches,
            payouts=result.payouts,
            receipts=result.receipts,
            postings=result.postings,
            reserve=result.reserve,
            fees=result.fees,
            our_charges=result.our_charges,
            roll_forward=result.roll_forward,
            cleared=result.cleared,
            small_differences=result.small_differences,
        )

    def by_table(self) -> dict[str, pl.DataFrame]:
        return {
            "DISCREPANCY": self.discrepancies,
            "OPEN_ITEM": self.open_items,
            "SETTLEMENT_BATCH": self.batches,
            "PAYOUT": self.payouts,
            "RECEIPT": self.receipts,
            "POSTING": self.postings,
            "RESERVE": self.reserve,
            "FEE_SUMMARY": self.fees,
            "OUR_CHARGE": self.our_charges,
            "ROLL_FORWARD": self.roll_forward,
        }


_TABLES: Final = {
    "DISCREPANCY": DISCREPANCIES,
    "OPEN_ITEM": OPEN_ITEMS,
    "SETTLEMENT_BATCH": SETTLEMENT_BATCHES,
    "PAYOUT": PAYOUTS,
    "RECEIPT": RECEIPTS,
    "POSTING": POSTINGS,
    "RESERVE": RESERVES,
    "FEE_SUMMARY": FEE_SUMMARIES,
    "OUR_CHARGE": OUR_CHARGES,
    "ROLL_FORWARD": ROLL_FORWARDS,
}


Told: TypeAlias = tuple[str | None, pl.DataFrame]  # the run before, and RUN_CHANGE against it


def open_items_digest(items: pl.DataFrame) -> str:
    """What tells one state of the open items from another."""
    return content_digest(items, "side", "item_id")


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
            .where(*current_runs_of(provider, account), RUNS.c.business_date < business_date)
            .order_by(RUNS.c.business_date.desc())
            .limit(1)
            .scalar_subquery()
        )
        columns = (OPEN_ITEMS.c[name] for name in OPEN_ITEM)
        select = sa.select(*columns).where(OPEN_ITEMS.c.run_id == latest)
        return read_frame(self._database, select, OPEN_ITEM).sort("side", "item_id")

    def record(self, run: RunRecord, found: RunRows, *, actor: str = PROGRAM) -> RunChange:
        """Make `run` the current run of its day, in one transaction, with all its rows, and say
        what it changes. The change is kept, the cases follow, and the audit trail tells it.

        A run_id that is current already changes nothing; one that was superseded becomes current
        again, with the rows it had. Errors: ClosedError when the day was signed off meanwhile;
        BrokenInvariantError for frames of another shape.
        """
        for name, frame in found.by_table().items():
            check(name, frame)
        with self._database.begin() as connection:
            current = _current(connection, run.provider, run.account, run.business_date)
            if current is not None and current.run_id == run.run_id:
                return RunChange.nothing()
            why = "this run was under way when it was signed"
            refuse_if_closed(connection, run.provider, run.account, run.business_date, why)
            before = _discrepancies_of(connection, current)
            supersedes = None if current is None else current.run_id
            if supersedes is not None:
                superseded = {"superseded_by": run.run_id, "superseded_at": run.finished_at}
                old = RUNS.c.run_id == supersedes
                connection.execute(sa.update(RUNS).where(old).values(superseded))
            if _is_made_current_again(connection, run):
                after = _discrepancies_of(connection, run)
            else:
                after = found.discrepancies
                connection.execute(sa.insert(RUNS).values(_values(run)))
                for name, frame in found.by_table().items():
                    _write(connection, _TABLES[name], run, frame)
                _write(connection, CLEARED_ITEMS, run, found.cleared)
            told_alike = current is None or _language(current) == _language(run)
            change = compared(before, after, told_alike=told_alike)
            _tell(connection, run, supersedes, change, found, actor)
        return change

    def change_against(
        self, current: RunRecord | None, run_id: str, found: pl.DataFrame, language: Language
    ) -> Told:
        """What a run with these DISCREPANCY changes, or has changed when it was recorded."""
        with self._database.connect() as connection:
            if current is None or current.run_id == run_id:
                return change_of_run(connection, run_id)
            before = _discrepancies_of(connection, current)
        told_alike = _language(current) == language
        return current.run_id, compared(before, found, told_alike=told_alike).rows

    def first_day(self, provider: str, account: str) -> date | None:
        """The first business date that has a current run."""
        first = sa.select(sa.func.min(RUNS.c.business_date))
        with self._database.connect() as connection:
            return connection.execute(first.where(*current_runs_of(provider, account))).scalar()

    def day_before(self, provider: str, account: str, business_date: date) -> date | None:
        """The latest earlier business date that was run."""
        latest = sa.select(sa.func.max(RUNS.c.business_date)).where(
            *current_runs_of(provider, account), RUNS.c.business_date < business_date
        )
        with self._database.connect() as connection:
            return connection.execute(latest).scalar()

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


def _current(
    connection: sa.Connection, provider: str, account: str, business_date: date
) -> RunRecord | None:
    select = sa.select(RUNS).where(
        *current_runs_of(provider, account), RUNS.c.business_date == business_date
    )
    row = connection.execute(select).mappings().first()
    return None if row is None else _record(row)


def _record(row: Mapping[Any, Any]) -> RunRecord:
    values = {name: value for name, value in row.items() if name != "proved"}
    values |= {name: json.loads(values[name] or "null") for name in _JSON}
    values["inputs"] = values["inputs"] or {}
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


def _tell(
    connection: sa.Connection,
    run: RunRecord,
    supersedes: str | None,
    change: RunChange,
    found: RunRows,
    actor: str,
) -> None:
    """Everything that follows from a run that was just made current."""
    day: dict[str, Any] = {
        "run_id": run.run_id,
        "provider": run.provider,
        "account": run.account,
        "business_date": run.business_date,
    }
    if supersedes is not None:
        store_change(connection, change, run=day, supersedes=supersedes, now=run.finished_at)
    audit.append(
        connection,
        actor=actor,
        event="run" if supersedes is None else "run supersedes",
        subject=f"run:{run.run_id}",
        now=run.finished_at,
        before=supersedes or "",
        after=run.run_id,
        provider=run.provider,
        account=run.account,
        business_date=run.business_date,
        proved=run.proved,
        **{kind: change.rows.filter(change=kind).height for kind in ("new", "cleared", "changed")},
    )
    of_cases = RunOfCases(**day, supersedes=supersedes, now=run.finished_at)
    follow(connection, of_cases, found.small_differences)
