"""Frames in and out of SQL: exact to the last digit and character, on both databases."""

from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal
from pathlib import Path

import polars as pl
import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from recon.errors import BrokenInvariantError
from recon.io import frames
from recon.io.database import Database, read_frame
from recon.io.frames import text_batches, write_frame
from recon.io.schema import ExactDecimal, columns_of
from recon.money import MONEY
from recon.tables import DISCREPANCY, INSTANT, empty

SAMPLE = {
    "text": pl.String(),
    "amount": MONEY,
    "day": pl.Date(),
    "instant": INSTANT,
    "count": pl.Int64(),
    "flag": pl.Boolean(),
    "texts": pl.List(pl.String),
}
SAMPLES = sa.Table("sample", sa.MetaData(), *columns_of(SAMPLE))
NOW = datetime(2026, 11, 20, 8, 0, tzinfo=UTC)


def round_trip(database: Database, frame: pl.DataFrame) -> pl.DataFrame:
    with database.begin() as connection:
        SAMPLES.drop(connection, checkfirst=True)
        SAMPLES.create(connection)
        write_frame(connection, SAMPLES, frame)
    return read_frame(database, sa.select(SAMPLES), SAMPLE)


def test_money_and_instants_are_exact_to_the_last_digit(database: Database) -> None:
    frame = pl.DataFrame(
        {
            "text": ["0.1", "007", "", None],
            "amount": [
                Decimal("12345678901234567.89"),
                Decimal("-99999999999999999999.999999999999999999"),
                Decimal("0.000000000000000001"),
                None,
            ],
            "day": [date(2026, 11, 20), date(1999, 12, 31), None, None],
            "instant": [datetime(2026, 11, 20, 23, 59, 59, 999999, UTC), None, NOW, None],
            "count": [2**63 - 1, -1, None, 0],
            "flag": [True, False, None, None],
            "texts": [['a"b', "\n", ""], [], None, [None]],
        },
        schema=SAMPLE,
    )
    assert round_trip(database, frame).sort("amount").equals(frame.sort("amount"))


def test_sqlalchemy_reads_and_writes_the_same_values_as_frames_do(database: Database) -> None:
    amounts = [Decimal("12345678901234567.89"), Decimal("1E+3"), Decimal("-0.00"), None]
    moment = datetime(2026, 11, 20, 18, 0, tzinfo=timezone(timedelta(hours=8)))
    frame = round_trip(database, empty(SAMPLE))
    with database.begin() as connection:
        rows = [{"amount": amount, "instant": moment} for amount in amounts]
        connection.execute(sa.insert(SAMPLES), rows)
        read = connection.execute(sa.select(SAMPLES.c.amount, SAMPLES.c.instant)).all()
    assert {(row.amount, row.instant) for row in read} == {
        (None if amount is None else Decimal(amount), moment) for amount in amounts
    }
    frame = read_frame(database, sa.select(SAMPLES), SAMPLE)
    assert set(frame["amount"]) == set(amounts)
    assert set(frame["instant"]) == {moment}


def test_sqlite_never_stores_an_amount_as_a_float(tmp_path: Path) -> None:
    database = Database.open(f"sqlite:///{tmp_path}/recon.db")
    with database.begin() as connection:
        table = sa.Table("t", sa.MetaData(), sa.Column("amount", ExactDecimal()))
        table.create(connection)
        connection.execute(sa.insert(table), [{"amount": Decimal("0.10")}])
        write_frame(connection, table, pl.DataFrame({"amount": [Decimal("0.10")]}))
        stored = connection.exec_driver_sql("SELECT typeof(amount), amount FROM t").all()
    assert [tuple(row) for row in stored] == [("text", "0.1"), ("text", "0.1")]
    database.dispose()


def test_a_float_and_a_naive_instant_do_not_get_into_the_database(database: Database) -> None:
    with pytest.raises(BrokenInvariantError, match="float"):
        frames.as_text(pl.DataFrame({"amount": [0.1]}))
    with pytest.raises(BrokenInvariantError, match="time zone"):
        frames.as_text(pl.DataFrame({"instant": [datetime(2026, 11, 20)]}))  # noqa: DTZ001
    naive = sa.insert(SAMPLES).values(instant=datetime(2026, 11, 20))  # noqa: DTZ001
    round_trip(database, empty(SAMPLE))
    with pytest.raises(sa.exc.StatementError, match="no time zone"), database.begin() as connection:
        connection.execute(naive)


@settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    st.lists(
        st.none()
        | st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=9)
        | st.sampled_from(["\\", "\\N", "\\.", "\\n", "\t\r\n", "''", '"', "null", "a\\\\nb"]),
        min_size=1,
        max_size=9,
    )
)
def test_any_text_comes_back_as_it_went_in(database: Database, texts: list[str | None]) -> None:
    frame = pl.DataFrame({"text": texts, "count": range(len(texts))}, schema_overrides=SAMPLE)
    frame = frame.with_columns(texts=pl.concat_list("text", "text"))
    back = round_trip(database, frame).sort("count")
    assert back.select("text", "count", "texts").equals(frame)


def test_nul_which_no_database_can_hold_becomes_visible(database: Database) -> None:
    frame = pl.DataFrame({"text": ["a\0b"], "texts": [["\0"]]}, schema_overrides=SAMPLE)
    back = round_trip(database, frame)
    assert back.select("text", "texts").rows() == [("a␀b", ["␀"])]


def test_batches_lose_nothing_at_their_borders(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(frames, "BATCH_ROWS", 7)
    monkeypatch.setattr(frames, "_INSERT_ROWS", 5)
    frame = pl.DataFrame({"text": ["x\ny"] * 28, "count": range(28)}, schema_overrides=SAMPLE)
    back = round_trip(database, frame)
    assert back.sort("count").select("text", "count").equals(frame)


def test_slices_of_a_select_are_all_of_it(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(frames, "SLICE", 3)
    texts = ["x\ny", "null", None, "", '"\\', "a", "b", "c", "d"]
    counts = [1, 2, 3, 4, 17, 18, 19, 21, 5]  # with a hole longer than a slice
    frame = pl.DataFrame({"text": texts, "count": counts}, schema_overrides=SAMPLE)
    round_trip(database, frame)
    number = SAMPLES.c.count
    for condition in (number > 0, number != 5, number == 21, number < 0):
        select = sa.select(SAMPLES).where(condition)
        with database.connect() as connection:
            sliced = frames.read_rows(connection, select, SAMPLE, sliced_by=number)
        assert sliced.sort("count").equals(read_frame(database, select, SAMPLE).sort("count"))


def test_any_other_database_is_read_through_its_cursor(database: Database) -> None:
    round_trip(database, pl.DataFrame({"text": ["a", None]}, schema_overrides=SAMPLE))
    select = sa.select(SAMPLES.c.text, sa.cast(SAMPLES.c.count, sa.Text()).label("count"))
    with database.connect() as connection:
        rows = pl.concat(frames._cursor_batches(connection, select, ["text", "count"]))
        same = pl.concat(text_batches(connection, select))
    assert rows.sort("text").equals(same.sort("text"))


def test_parameters_are_bound_and_never_pasted(database: Database) -> None:
    hostile = "'; DROP TABLE sample; --%s"
    round_trip(database, pl.DataFrame({"text": [hostile, "a"]}, schema_overrides=SAMPLE))
    for condition in (SAMPLES.c.text == hostile, SAMPLES.c.text.in_([hostile, "%(x)s"])):
        found = read_frame(database, sa.select(SAMPLES).where(condition), SAMPLE)
        assert found["text"].to_list() == [hostile]


def test_the_nested_columns_of_a_discrepancy_survive(database: Database) -> None:
    table = sa.Table("nested", sa.MetaData(), *columns_of(DISCREPANCY))
    fields = [{"field": "a", "ledger": None, "provider": '"1"\n'}]
    frame = pl.DataFrame(
        {"discrepancy_id": ["1", "2"], "mismatched_fields": [fields, None]},
        schema_overrides=DISCREPANCY,
    )
    with database.begin() as connection:
        table.create(connection)
        write_frame(connection, table, frame)
    back = read_frame(database, sa.select(table), DISCREPANCY).sort("discrepancy_id")
    assert back["mismatched_fields"].to_list() == [fields, None]
