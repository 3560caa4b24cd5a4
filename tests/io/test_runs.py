"""Runs: recorded at once or not at all, superseded and never edited, compared with the last."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import polars as pl
import pytest
import sqlalchemy as sa

from recon.book_tables import RESERVE
from recon.boundary import check
from recon.errors import BrokenInvariantError, ClosedError
from recon.io import runs as runs_module
from recon.io.changes import RunChange, changes_of_runs, compared
from recon.io.control_schema import SIGN_OFFS
from recon.io.database import Database
from recon.io.open_items import open_items as open_item_statement
from recon.io.reserves import held_before, reserves_before
from recon.io.runs import RunRecord, RunRows, RunStore
from recon.io.schema import DISCREPANCIES, OPEN_ITEMS, RUNS, SETTLEMENT_BATCHES
from recon.io.stale import stale_days
from recon.periods import Period, one_day
from recon.reporting.summary import day_summary
from recon.tables import DISCREPANCY, OPEN_ITEM, SETTLEMENT_BATCH, conform, empty
from tests.reporting_helper import day_result
from tests.support import account_of, frame_of, shipped_config

DAY = date(2026, 11, 20)
NOW = datetime(2026, 11, 21, 2, 0, tzinfo=UTC)
RUN = RunRecord(
    run_id="run-1",
    provider="stripe",
    account="acct_1",
    business_date=DAY,
    started_at=NOW,
    finished_at=NOW + timedelta(seconds=5),
    not_proved_because=("the file settlement is missing", "差异"),
    file_ids=("f1", "f2"),
    summary={"rows": 3, "nested": {"a": [1, None]}},
)
# What has nothing to do with the database is tried on one of them.
ON_SQLITE = pytest.mark.parametrize("backend", ["sqlite"], indirect=True)


def discrepancies(*differences: str, **columns: Any) -> pl.DataFrame:
    """One discrepancy for each `id=difference`."""
    pairs = [pair.split("=") for pair in differences]
    frame = pl.DataFrame(
        {
            "discrepancy_id": [name for name, _ in pairs],
            "difference": [Decimal(difference) for _, difference in pairs],
        },
        schema={name: DISCREPANCY[name] for name in ("discrepancy_id", "difference")},
    )
    same = {
        "type": "amount_mismatch",
        "provider": "stripe",
        "account": "acct_1",
        "business_date": DAY,
        "explanation": "they differ",
        "first_seen_on": DAY,
        "age_days": 0,
        "severity": "low",
    }
    fixed = {name: pl.lit(value) for name, value in {**same, **columns}.items()}
    return conform(frame.with_columns(**fixed), DISCREPANCY)


def open_items(*ids: str) -> pl.DataFrame:
    same = {
        "side": "line",
        "kind": "payment",
        "business_date": DAY,
        "due_on": DAY,
        "currency": "EUR",
        "amount": Decimal("1.10"),
        "state": "open",
    }
    return pl.DataFrame([{"item_id": name, **same} for name in ids], schema=dict(OPEN_ITEM))


def record(
    store: RunStore,
    run: RunRecord,
    found: pl.DataFrame | None = None,
    left: pl.DataFrame | None = None,
) -> RunChange:
    batches = conform(
        pl.DataFrame({"provider": ["stripe"], "account": ["acct_1"]}), SETTLEMENT_BATCH
    )
    return store.record(
        run,
        RunRows(
            discrepancies() if found is None else found,
            open_items() if left is None else left,
            batches,
        ),
    )


def told(change: RunChange) -> tuple[list[str], list[str], list[str]]:
    for frame in (change.new, change.cleared, change.changed):
        check("DISCREPANCY", frame)
    new, cleared, changed = (
        frame["discrepancy_id"].to_list() for frame in (change.new, change.cleared, change.changed)
    )
    return new, cleared, changed


def run_on(day: int, run_id: str, **changes: Any) -> RunRecord:
    return replace(RUN, run_id=run_id, business_date=date(2026, 11, day), **changes)


def row_counts(database: Database) -> list[int]:
    tables = (RUNS, DISCREPANCIES, OPEN_ITEMS, SETTLEMENT_BATCHES)
    with database.connect() as connection:
        return [
            int(connection.execute(sa.select(sa.func.count()).select_from(table)).scalar_one())
            for table in tables
        ]


STRIPE = account_of("stripe", account="acct_1")
SCHEDULE = shipped_config().schedules["stripe", account_of("stripe").account]


@pytest.fixture
def store(database: Database) -> RunStore:
    return RunStore(database)


def test_a_run_is_read_back_as_it_was_recorded(store: RunStore) -> None:
    assert store.previous("stripe", "acct_1", DAY) is None
    record(store, RUN)
    assert store.previous("stripe", "acct_1", DAY) == RUN
    assert not RUN.proved
    assert store.previous("stripe", "acct_2", DAY) is None
    assert store.previous("stripe", "acct_1", date(2026, 11, 19)) is None


def test_everything_in_the_first_run_is_new(store: RunStore) -> None:
    change = record(store, RUN, discrepancies("d2=-1", "d1=0.01"))
    assert told(change) == (["d1", "d2"], [], [])
    assert not change.unchanged


def test_the_same_run_again_writes_nothing(store: RunStore, database: Database) -> None:
    found = discrepancies("d1=1")
    record(store, RUN, found, open_items("i1"))
    before = row_counts(database)
    again = record(store, replace(RUN, finished_at=NOW + timedelta(days=1)), found)
    assert again.unchanged
    assert told(again) == ([], [], [])
    assert row_counts(database) == before
    assert store.previous("stripe", "acct_1", DAY) == RUN


def test_a_rerun_supersedes_keeps_the_old_and_says_what_changed(
    store: RunStore, database: Database
) -> None:
    record(store, RUN, discrepancies("same=1", "gone=2", "other=3"))
    rerun = run_on(20, "run-2", finished_at=NOW + timedelta(days=1))
    change = record(store, rerun, discrepancies("same=1.000", "other=3.01", "fresh=4"))
    assert told(change) == (["fresh"], ["gone"], ["other"])
    assert change.changed["difference"].to_list() == [Decimal("3.01")]
    assert change.cleared["difference"].to_list() == [Decimal(2)]
    assert store.previous("stripe", "acct_1", DAY) == rerun
    assert row_counts(database) == [2, 6, 0, 2]
    with database.connect() as connection:
        old = connection.execute(sa.select(RUNS).where(RUNS.c.run_id == "run-1")).one()
    assert (old.superseded_by, old.superseded_at) == ("run-2", rerun.finished_at)
    assert store.discrepancies()["discrepancy_id"].to_list() == ["fresh", "other", "same"]


@ON_SQLITE
@pytest.mark.parametrize(
    ("column", "value", "is_changed"),
    [
        ("type", "fee_variance", True),
        ("explanation", "the provider charged 2.90 instead of 2.80", True),
        ("amount_ledger", Decimal("0.000000000000000001"), True),
        ("currency", "EUR", True),
        ("age_days", 3, False),
        ("severity", "high", False),
    ],
)
def test_a_discrepancy_is_changed_when_its_facts_are_not_when_it_is_a_day_older(
    store: RunStore, column: str, value: Any, is_changed: bool
) -> None:
    record(store, RUN, discrepancies("d1=1"))
    change = record(store, run_on(20, "run-2"), discrepancies("d1=1", **{column: value}))
    assert told(change) == ([], [], ["d1"] if is_changed else [])


def test_another_language_alone_changes_nothing() -> None:
    before, after = discrepancies("a=1"), discrepancies("a=1", explanation="不同")
    assert told(compared(before, after)) == ([], [], ["a"])
    assert told(compared(before, after, told_alike=False)) == ([], [], [])
    assert told(compared(before, discrepancies("a=2"), told_alike=False)) == ([], [], ["a"])


@ON_SQLITE
def test_what_a_run_has_changed_is_what_it_changed_when_it_last_became_current(
    store: RunStore, database: Database
) -> None:
    record(store, RUN, discrepancies("a=1"))
    record(store, run_on(20, "run-2"), discrepancies("b=1"))
    record(store, RUN)
    record(store, run_on(20, "run-3"), discrepancies("a=1", "c=1"))
    record(store, run_on(20, "run-2"))
    current = store.previous("stripe", "acct_1", DAY)
    supersedes, rows = store.change_against(current, "run-2", discrepancies("b=1"), "en")
    assert supersedes == "run-3"
    changes = sorted(rows.select("change", "discrepancy_id").rows())
    assert changes == [("cleared", "a"), ("cleared", "c"), ("new", "b")]
    of_book = changes_of_runs(database, pl.Series(["run-2"]))
    assert sorted(of_book.select("change", "discrepancy_id").rows()) == changes


def test_inputs_that_go_back_make_the_old_run_current_again(
    store: RunStore, database: Database
) -> None:
    record(store, RUN, discrepancies("d1=1"), open_items("i1"))
    record(store, run_on(20, "run-2"), discrepancies("d2=2"))
    before = row_counts(database)
    change = record(store, RUN, discrepancies("d1=1"), open_items("i1"))
    assert told(change) == (["d1"], ["d2"], [])
    assert row_counts(database) == before
    assert store.previous("stripe", "acct_1", DAY) == RUN
    assert store.discrepancies()["discrepancy_id"].to_list() == ["d1"]
    assert told(record(store, run_on(20, "run-2"))) == (["d2"], ["d1"], [])


def test_a_run_id_belongs_to_one_day(store: RunStore) -> None:
    record(store, RUN)
    with pytest.raises(BrokenInvariantError, match="another account or day"):
        record(store, run_on(21, "run-1"))


def test_a_failure_in_mid_record_leaves_the_run_before_current(
    store: RunStore, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    record(store, RUN, discrepancies("d1=1"), open_items("i1"))
    before = row_counts(database)

    def fail(connection: object, table: sa.Table, *rest: object) -> None:
        if table is SETTLEMENT_BATCHES:
            raise KeyboardInterrupt
        write(connection, table, *rest)  # type: ignore[arg-type]

    write = runs_module._write
    monkeypatch.setattr(runs_module, "_write", fail)
    with pytest.raises(KeyboardInterrupt):
        record(store, run_on(20, "run-2"), discrepancies("d2=2"), open_items("i2"))
    assert row_counts(database) == before
    assert store.previous("stripe", "acct_1", DAY) == RUN
    assert store.open_items_before("stripe", "acct_1", date(2026, 11, 21)).height == 1


@ON_SQLITE
def test_a_day_that_was_signed_while_it_was_run_again_keeps_its_result(
    store: RunStore, database: Database
) -> None:
    record(store, RUN)
    signed = {"provider": "stripe", "account": "acct_1", "business_date": DAY, "run_id": "run-1"}
    who = {"prepared_by": "anna", "prepared_at": NOW}
    kept = {"reports": "{}", "note": "", "audit_seq": 0, "audit_hash": ""}
    with database.begin() as connection:
        connection.execute(sa.insert(SIGN_OFFS).values(sign_off_id=1, **signed, **who, **kept))
    before = row_counts(database)
    for day in (19, 20):  # and what it rests on
        with pytest.raises(ClosedError, match="and this run was under way when it was signed"):
            record(store, run_on(day, "run-2"), discrepancies("a=1"))
    assert row_counts(database) == before
    assert record(store, RUN).unchanged
    record(store, run_on(21, "run-3"))
    with database.begin() as connection:
        connection.execute(sa.update(SIGN_OFFS).values(reopened_by="anna", reopened_at=NOW))
    record(store, run_on(20, "run-2"))


@ON_SQLITE
def test_what_was_held_back_is_read_as_far_back_as_something_of_it_comes_back(
    store: RunStore, database: Database
) -> None:
    for day in (17, 18, 19, 20):
        held = frame_of(RESERVE, [{"currency": "EUR", "opening": 0, "held": 1, "released": 0,
                                   "closing": day}])  # fmt: skip
        nothing = (discrepancies(), open_items(), empty(SETTLEMENT_BATCH))
        store.record(run_on(day, f"run {day}"), RunRows(*nothing, reserve=held))
    for days, first in ((0, 19), (2, 17)):
        account = replace(STRIPE, reserve_days=days)
        before = reserves_before(database, account, DAY)
        assert before["closing"].to_list() == list(range(first, 20))
    assert held_before(database, STRIPE, DAY)["amount"].to_list() == [19]


def test_open_items_come_from_the_latest_earlier_day_that_was_run(store: RunStore) -> None:
    record(store, run_on(17, "r17"), left=open_items("old"))
    record(store, run_on(19, "r19"), left=open_items("superseded"))
    record(store, run_on(19, "r19b"), left=open_items("b", "a"))
    record(store, run_on(21, "r21"), left=open_items("later"))
    record(store, run_on(19, "x", account="acct_2"), left=open_items("of another account"))

    def before(day: int) -> list[str]:
        frame = store.open_items_before("stripe", "acct_1", date(2026, 11, day))
        check("OPEN_ITEM", frame)
        return frame["item_id"].to_list()

    assert before(17) == []
    assert before(19) == ["old"]
    assert before(20) == ["a", "b"]
    assert before(21) == ["a", "b"]
    assert before(30) == ["later"]


@ON_SQLITE
def test_what_is_open_at_the_end_of_a_range_is_what_its_last_day_left(
    store: RunStore, database: Database
) -> None:
    for day, left in ((18, "a"), (19, "b"), (20, "c")):
        record(store, run_on(day, f"run {day}"), left=open_items(left))
    stated = open_item_statement(database, [STRIPE], Period(date(2026, 11, 18), date(2026, 11, 19)))
    assert stated.items["item_id"].to_list() == ["b"]


def test_a_day_that_left_nothing_open_hides_the_days_before(store: RunStore) -> None:
    record(store, run_on(18, "r18"), left=open_items("settled since"))
    record(store, run_on(19, "r19"))
    assert store.open_items_before("stripe", "acct_1", DAY).equals(empty(OPEN_ITEM))


def test_days_are_stale_from_the_first_that_began_with_something_else(
    store: RunStore, database: Database
) -> None:
    def days() -> list[int]:
        return [day.day for day in stale_days(database, database, STRIPE, [], SCHEDULE).dates]

    for day, opening, closing in ((20, "", "a"), (21, "a", "b"), (22, "b", "b"), (23, "b", "c")):
        record(store, run_on(day, f"r{day}", opening=opening, closing=closing))
    assert days() == []
    record(store, run_on(20, "rerun", opening="", closing="a"))
    assert days() == []  # another result, and the same left open
    record(store, run_on(21, "rerun 21", opening="a", closing="other"))
    assert days() == [22, 23]
    record(store, run_on(22, "rerun 22", opening="other", closing="b"))
    assert days() == []  # what 22 leaves is what 23 began with
    record(store, run_on(19, "r19", opening="", closing="x"))
    assert days() == [20, 21, 22, 23]


def test_runs_of_an_older_program_are_not_called_stale(store: RunStore, database: Database) -> None:
    record(store, run_on(20, "r20"))
    record(store, run_on(21, "r21", opening="a", closing="b"))
    assert stale_days(database, database, STRIPE, [], SCHEDULE).dates == ()


def test_discrepancies_are_found_by_day_account_and_type(store: RunStore) -> None:
    record(store, RUN, discrepancies("a=1", "b=2"))
    record(store, run_on(21, "r21"), discrepancies("c=3", type="fee_variance"))
    other = run_on(20, "p20", provider="paypal", account="m'1")
    record(store, other, discrepancies("d=4", provider="paypal", account="m'1"))

    def found(*filters: Any, **more: Any) -> list[str]:
        frame = store.discrepancies(*filters, **more)
        check("DISCREPANCY", frame)
        return sorted(frame["discrepancy_id"])

    assert found() == ["a", "b", "c", "d"]
    assert found(one_day(DAY)) == ["a", "b", "d"]
    assert found(Period(DAY, date(2026, 11, 21)), "stripe", "acct_1") == ["a", "b", "c"]
    assert found(None, "paypal", "m'1", None) == ["d"]
    assert found(types=["fee_variance", "fx_variance"]) == ["c"]
    assert found(types=[]) == []
    assert found(provider="x' OR '1'='1") == []


def test_the_record_of_a_result_carries_its_reasons_and_counts() -> None:
    result = day_result()
    run = RunRecord.of(result, day_summary(result, "r"), started_at=NOW, finished_at=NOW)
    assert (run.run_id, run.provider, run.account, run.business_date) == (
        *("r", result.provider, result.account),
        result.business_date,
    )
    assert run.file_ids == tuple(file.file_id for file in result.files)
    assert run.not_proved_because == result.not_proved_because
    assert not run.proved
    counts = {"discrepancy_count": 9, "open_item_count": 3, "reject_count": 2}
    assert counts.items() <= run.summary.items()
