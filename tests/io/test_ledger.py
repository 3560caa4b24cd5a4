"""Importing the company's ledger: idempotent, exact, and every row accounted for."""

from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import polars as pl
import pytest
import sqlalchemy as sa

from recon.boundary import check
from recon.errors import UserError
from recon.io import csv_blocks
from recon.io.database import Database
from recon.io.ledger import LedgerImport, entries_digest, import_ledger, read_entries
from recon.io.schema import LEDGER_ENTRIES, LEDGER_ENTRY_VERSIONS, LEDGER_IMPORTS
from recon.money import MONEY
from recon.periods import Period, one_day
from recon.tables import LEDGER_ENTRY, REJECT, conform

DAY = date(2026, 11, 20)
NOW = datetime(2026, 11, 21, 2, 0, tzinfo=UTC)
LATER = datetime(2026, 11, 22, 2, 0, tzinfo=UTC)
HEADER = "entry_id,provider,account,business_date,kind,currency,amount,memo"
# What has nothing to do with the database is tried on one of them.
ON_SQLITE = pytest.mark.parametrize("backend", ["sqlite"], indirect=True)


def row(entry_id: str, amount: str = "10.00", memo: str = "") -> str:
    return f"{entry_id},stripe,acct_1,2026-11-20,payment,USD,{amount},{memo}"


def load(
    database: Database, tmp_path: Path, *lines: str, header: str = HEADER, now: datetime = NOW
) -> LedgerImport:
    """Import a CSV file of these lines; what became of its rows must add up to them."""
    path = tmp_path / "ledger.csv"
    path.write_text("\n".join([header, *lines]) + "\n", "utf-8")
    done = import_ledger(database, path, now)
    check("REJECT", done.rejects)
    assert done.rejects["line_no"].is_unique().all()
    return done


def counts(done: LedgerImport) -> tuple[int, int, int, int]:
    return done.inserted, done.unchanged, done.changed, done.rejects.height


def entries(database: Database, account: str = "acct_1", provider: str = "stripe") -> pl.DataFrame:
    found = read_entries(database, provider, account, one_day(DAY))
    check("LEDGER_ENTRY", found.frame)
    assert found.rejects.schema == pl.Schema(REJECT)
    return found.frame


def stored(database: Database, table: sa.Table) -> list[sa.Row[*tuple[Any, ...]]]:
    with database.connect() as connection:
        return list(connection.execute(sa.select(table)).all())


# Good files


def test_every_column_arrives_exactly_as_it_was(database: Database, tmp_path: Path) -> None:
    header = ",".join(LEDGER_ENTRY)
    line = (
        '007,wechatpay,"1230000109",M-1,2026-11-20,2026-11-20T10:00:00.25+08:00,refund,'
        '"order ""7"", new",420,R-1,JSAPI,CNY,-12345678901234567.89,succeeded,"退款\nline 2"'
    )
    done = load(database, tmp_path, line, header=header)
    assert counts(done) == (1, 0, 0, 0)
    frame = entries(database, "1230000109", "wechatpay")
    assert frame.row(0, named=True) == {
        "entry_id": "007",
        "provider": "wechatpay",
        "account": "1230000109",
        "merchant_id": "M-1",
        "business_date": DAY,
        "booked_at": datetime(2026, 11, 20, 2, 0, 0, 250_000, UTC),
        "kind": "refund",
        "merchant_ref": 'order "7", new',
        "txn_id": "420",
        "parent_ref": "R-1",
        "payment_method": "JSAPI",
        "currency": "CNY",
        "amount": Decimal("-12345678901234567.89"),
        "status": "succeeded",
        "memo": "退款\nline 2",
    }


def test_optional_columns_may_be_missing_and_empty_cells_are_null(
    database: Database, tmp_path: Path
) -> None:
    load(database, tmp_path, row("E1"))
    found = entries(database).row(0, named=True)
    assert {name for name, value in found.items() if value is None} == {
        *("merchant_id", "booked_at", "merchant_ref", "txn_id", "parent_ref"),
        *("payment_method", "status", "memo"),
    }


def test_an_instant_without_an_offset_is_utc(database: Database, tmp_path: Path) -> None:
    utc_by_text = {
        "2026-11-20T10:00:00Z": "2026-11-20 10:00:00",
        "2026-11-20 10:00:00": "2026-11-20 10:00:00",
        "2026-11-20T10:00": "2026-11-20 10:00:00",
        "2026-11-20T10:00+08": "2026-11-20 02:00:00",
        "2026-11-20T10:00:00.5+0800": "2026-11-20 02:00:00.5",
        "2026-11-20T00:30:00.123456789-05:30": "2026-11-20 06:00:00.123456",
    }
    lines = [f"{row(f'E{number}')},{text}" for number, text in enumerate(utc_by_text)]
    load(database, tmp_path, *lines, header=f"{HEADER},booked_at")
    assert entries(database)["booked_at"].to_list() == [
        datetime.fromisoformat(text).replace(tzinfo=UTC) for text in utc_by_text.values()
    ]


def test_byte_order_mark_windows_line_ends_and_blank_lines_do_not_matter(
    database: Database, tmp_path: Path
) -> None:
    path = tmp_path / "excel.csv"
    lines = [HEADER, row("E1"), "", row("E2", memo='"a\r\nb"'), "bad", ""]
    path.write_bytes(b"\xef\xbb\xbf" + "\r\n".join(lines).encode())
    done = import_ledger(database, path, NOW)
    assert counts(done) == (2, 0, 0, 1)
    assert done.rejects["line_no"].to_list() == [6]  # the quoted cell goes over two lines
    assert entries(database)["memo"].to_list() == [None, "a\r\nb"]


def test_columns_are_found_by_name(database: Database, tmp_path: Path) -> None:
    header = "amount,currency,kind,business_date,account,provider,entry_id"
    load(database, tmp_path, "1.5,USD,fee,2026-11-20,acct_1,stripe,E1", header=header)
    assert entries(database)["amount"].to_list() == [Decimal("1.5")]


def test_parquet_may_hold_text_or_types(database: Database, tmp_path: Path) -> None:
    moment = datetime(2026, 11, 20, 10, 0)  # noqa: DTZ001
    frame = pl.DataFrame(
        {
            "entry_id": [1, 2],
            "provider": "stripe",
            "account": "acct_1",
            "business_date": [DAY, DAY],
            "booked_at": pl.Series([moment, None]).dt.replace_time_zone("Asia/Shanghai"),
            "kind": pl.Series(["payment", "fee"], dtype=pl.Categorical),
            "currency": ["USD", "JPY"],
            "amount": pl.Series(["12345678901234567.89", "-5"]).cast(MONEY),
        }
    )
    frame.write_parquet(tmp_path / "typed.parquet")
    frame.with_columns(pl.all().cast(pl.String)).with_columns(
        booked_at=pl.Series(["2026-11-20T10:00:00+08:00", None]),
        amount=pl.Series(["12345678901234567.89", "-5.0"]),
    ).write_parquet(tmp_path / "text.parquet")
    assert counts(import_ledger(database, tmp_path / "typed.parquet", NOW)) == (2, 0, 0, 0)
    assert counts(import_ledger(database, tmp_path / "text.parquet", NOW)) == (0, 2, 0, 0)
    assert entries(database).select("entry_id", "amount", "booked_at").rows() == [
        ("1", Decimal("12345678901234567.89"), datetime(2026, 11, 20, 2, 0, tzinfo=UTC)),
        ("2", Decimal(-5), None),
    ]


def test_a_file_of_many_blocks_is_the_same_as_one(
    database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lines = [row(f"E{number:03}", memo='"two\nlines, ""quoted"""') for number in range(20)]
    load(database, tmp_path, *lines)
    whole = entries(database)
    for size in (1, 100, 999):
        monkeypatch.setattr(csv_blocks, "BLOCK_BYTES", size)
        assert counts(load(database, tmp_path, *lines, "torn")) == (0, 20, 0, 1)
    assert entries(database).equals(whole)


# Rejects


BAD_CELLS = [
    ("entry_id", "", "entry_id is empty"),
    ("entry_id", "  ", "entry_id is empty"),
    ("entry_id", "E\0", "entry_id has a NUL character"),
    ("account", "", "account is empty"),
    ("business_date", "", "business_date is empty"),
    ("business_date", "20261120", "business_date is not a date; write it as YYYY-MM-DD"),
    ("business_date", "2026-02-30", "business_date is not a date"),
    ("business_date", "2026-11-20 00:00:00", "business_date is not a date"),
    ("booked_at", "20 Nov 2026", "booked_at is not an instant"),
    ("booked_at", "2026-11-20", "booked_at is not an instant"),
    ("kind", "Payment", "kind is not one of payment, refund"),
    ("status", "ok", "status is not one of succeeded, pending"),
    ("currency", "XXX", "currency is not a currency code"),
    ("currency", "usd", "currency is not a currency code"),
    ("amount", "", "amount is empty"),
    ("amount", "1e3", "amount is not a plain decimal number"),
    ("amount", '"1,000.00"', "amount is not a plain decimal number"),
    ("amount", "0x10", "amount is not a plain decimal number"),
    ("amount", "NaN", "amount is not a plain decimal number"),
    ("amount", "1.005", "amount has more decimals than its currency allows"),
    ("memo", "a\0b", "memo has a NUL character"),
]


def test_a_bad_cell_rejects_its_row_and_no_other(database: Database, tmp_path: Path) -> None:
    good = dict(zip(HEADER.split(","), row("good").split(","), strict=True))
    good |= {"booked_at": "", "status": ""}
    lines = []
    for number, (column, value, _) in enumerate(BAD_CELLS):
        bad = {**good, "entry_id": f"bad {number}", column: value}
        lines += [",".join({**good, "entry_id": f"good {number}"}.values()), ",".join(bad.values())]
    done = load(database, tmp_path, *lines, header=",".join(good))
    assert counts(done) == (len(BAD_CELLS), 0, 0, len(BAD_CELLS))
    for number, (column, value, reason) in enumerate(BAD_CELLS):
        reject = done.rejects.row(number, named=True)
        assert reject["line_no"] == 3 + 2 * number
        assert reject["field"] == column
        assert reject["value"] == (value.strip('"') if value.strip() else None)
        assert reject["reason"].startswith(reason)
        assert reject["unmapped"] == (column in ("kind", "status"))
    assert done.rejects["file_id"].unique().to_list() == [done.file_id]
    assert entries(database)["entry_id"].str.starts_with("good").all()


@ON_SQLITE
def test_a_row_with_several_mistakes_is_one_reject_that_names_them_all(
    database: Database, tmp_path: Path
) -> None:
    done = load(database, tmp_path, "E1,stripe,acct_1,yesterday,,USD,1.005,")
    assert counts(done) == (0, 0, 0, 1)
    reasons = done.rejects["reason"][0].split("; ")
    assert [reason.split(" ")[0] for reason in reasons if "_" in reason or " is " in reason]
    for column in ("business_date", "kind", "amount"):
        assert column in done.rejects["reason"][0]


@ON_SQLITE
def test_short_long_and_torn_rows_are_rejects_with_their_line(
    database: Database, tmp_path: Path
) -> None:
    lines = [row("E1"), "E2,stripe", row("E3") + ",surplus", row("E4", memo='a"b"'), row("E5")]
    done = load(database, tmp_path, *lines)
    assert counts(done) == (2, 0, 0, 3)
    assert done.rejects.select("line_no", "value").rows() == [
        (3, "E2,stripe"),
        (4, row("E3") + ",surplus"),
        (5, row("E4", memo='a"b"')),
    ]
    assert "has 2 cells where the header names 8" in done.rejects["reason"][0]


def test_an_entry_id_on_contradicting_rows_rejects_them_all(
    database: Database, tmp_path: Path
) -> None:
    done = load(database, tmp_path, row("E1", "1.00"), row("E2"), row("E1", "2.00"))
    assert counts(done) == (1, 0, 0, 2)
    assert done.rejects["line_no"].to_list() == [2, 4]
    assert done.rejects["value"].to_list() == ["E1", "E1"]
    assert entries(database)["entry_id"].to_list() == ["E2"]


def test_a_row_repeated_word_for_word_is_one_entry(database: Database, tmp_path: Path) -> None:
    assert counts(load(database, tmp_path, row("E1"), row("E2"), row("E1"))) == (2, 1, 0, 0)
    done = load(database, tmp_path, row("E1", "10"), row("E1", "10.0"))
    assert counts(done) == (0, 2, 0, 0)  # the same amount, written differently


# Imported again


def test_importing_the_same_file_again_changes_nothing(database: Database, tmp_path: Path) -> None:
    lines = [row(f"E{number}") for number in range(5)]
    assert counts(load(database, tmp_path, *lines)) == (5, 0, 0, 0)
    before = stored(database, LEDGER_ENTRIES)
    assert counts(load(database, tmp_path, *reversed(lines), now=LATER)) == (0, 5, 0, 0)
    assert stored(database, LEDGER_ENTRIES) == before
    assert stored(database, LEDGER_ENTRY_VERSIONS) == []


def test_a_changed_entry_keeps_what_it_said_before(database: Database, tmp_path: Path) -> None:
    load(database, tmp_path, row("E1", "10.00"), row("E2"), row("E3"))
    done = load(database, tmp_path, row("E1", "9.99"), row("E2", memo="a note"), now=LATER)
    assert counts(done) == (0, 0, 2, 0)
    load(database, tmp_path, row("E1", "9.98"), now=LATER)
    found = entries(database)
    assert found["amount"].to_list() == [Decimal("9.98"), Decimal(10), Decimal(10)]
    assert found["memo"].to_list() == [None, "a note", None]
    history = {
        (old.entry_id, old.amount, old.memo, old.import_id, old.replaced_by, old.replaced_at)
        for old in stored(database, LEDGER_ENTRY_VERSIONS)
    }
    assert history == {
        ("E1", Decimal(10), None, 1, 2, LATER),
        ("E2", Decimal(10), None, 1, 2, LATER),
        ("E1", Decimal("9.99"), None, 2, 3, LATER),
    }
    numbers = [tuple(done)[4:] for done in stored(database, LEDGER_IMPORTS)]
    assert numbers == [(3, 0, 0, 0), (0, 0, 2, 0), (0, 0, 1, 0)]


def test_a_failure_in_mid_import_leaves_the_ledger_as_it_was(
    database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    load(database, tmp_path, row("E1"))
    monkeypatch.setattr(csv_blocks, "BLOCK_BYTES", 64)
    with pytest.raises(UserError, match=r"line 4: a quote is opened and never closed"):
        load(database, tmp_path, row("E1", "5.00"), row("E2"), row("E3", memo='"cut off'))
    assert entries(database).select("entry_id", "amount").rows() == [("E1", Decimal(10))]
    assert len(stored(database, LEDGER_IMPORTS)) == 1


# Refused files


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "the first line must name the columns"),
        (HEADER.encode() + b",colour\n", "unknown column 'colour'; valid: entry_id, provider"),
        (HEADER.replace(",", ";").encode(), "cells must be separated by commas"),
        (HEADER.encode() + b",memo\n", "column memo is there more than once"),
        (b"entry_id,provider,kind\n", "column account, business_date, currency, amount is missing"),
        (HEADER.encode("utf-16"), "byte 0 is not UTF-8"),
        (HEADER.encode() + "\nE1,支付宝".encode("gbk"), r"byte \d+ is not UTF-8"),
    ],
)
def test_a_file_that_is_not_a_ledger_is_refused_with_the_fix(
    tmp_path: Path, content: bytes, message: str
) -> None:
    database = Database.open(f"sqlite:///{tmp_path}/recon.db")
    (tmp_path / "ledger.csv").write_bytes(content)
    with pytest.raises(UserError, match=message):
        import_ledger(database, tmp_path / "ledger.csv", NOW)
    assert stored(database, LEDGER_IMPORTS) == []
    database.dispose()


def test_float_amounts_missing_and_broken_files_are_refused(tmp_path: Path) -> None:
    database = Database.open(f"sqlite:///{tmp_path}/recon.db")
    floats = tmp_path / "floats.parquet"
    row_of_floats = dict(zip(HEADER.split(","), row("E1").split(","), strict=True))
    pl.DataFrame({**row_of_floats, "amount": [0.3]}).write_parquet(floats)
    with pytest.raises(UserError, match="column amount holds binary floating point numbers"):
        import_ledger(database, floats, NOW)
    with pytest.raises(UserError, match="cannot be read: No such file"):
        import_ledger(database, tmp_path / "absent.csv", NOW)
    floats.write_bytes(b"not parquet")
    with pytest.raises(UserError, match="not a readable Parquet file"):
        import_ledger(database, floats, NOW)
    database.dispose()


# Read back


def test_entries_are_read_by_account_and_period_in_order_of_their_id(
    database: Database, tmp_path: Path
) -> None:
    lines = [row("b"), row("a"), row("Z"), row("é"), row("other").replace("acct_1", "acct_2")]
    lines += [row(day).replace("2026-11-20", day) for day in ("2026-11-19", "2026-11-21")]
    load(database, tmp_path, *lines)
    assert entries(database)["entry_id"].to_list() == ["Z", "a", "b", "é"]
    longer = read_entries(database, "stripe", "acct_1", Period(DAY, date(2026, 11, 21))).frame
    assert longer["entry_id"].to_list() == ["2026-11-21", "Z", "a", "b", "é"]
    assert read_entries(database, "stripe", "' OR 1=1 --", one_day(DAY)).frame.height == 0


def test_values_that_look_like_sql_are_values(database: Database, tmp_path: Path) -> None:
    hostile = "'; DROP TABLE ledger_entry; --"
    load(database, tmp_path, row(hostile, memo="%s %(x)s :y"), row(hostile + "2"))
    load(database, tmp_path, row(hostile, "5.00", memo="\\N"), now=LATER)
    assert entries(database).select("entry_id", "amount", "memo").rows() == [
        (hostile, Decimal(5), "\\N"),
        (hostile + "2", Decimal(10), None),
    ]


def test_the_digest_tells_any_change_but_not_the_order(database: Database, tmp_path: Path) -> None:
    load(database, tmp_path, *(row(f"a long entry id number {number}") for number in range(9)))
    frame = entries(database)
    digest = entries_digest(frame)
    assert len(digest) == 32
    assert entries_digest(frame.reverse()) == digest
    assert entries_digest(pl.concat([frame[4:], frame[:4]], rechunk=False)) == digest
    assert entries_digest(frame[:-1]) != digest
    assert entries_digest(pl.concat([frame, frame[:1]])) != digest
    for column in LEDGER_ENTRY:
        value = pl.lit("another and rather long text").cast(pl.String)
        other = {"amount": pl.col("amount") + 1, "business_date": pl.lit(date(2026, 1, 1))}
        other["booked_at"] = pl.lit(NOW)
        edited = frame.with_columns(
            pl.when(pl.int_range(pl.len()) == 3)
            .then(other.get(column, value))
            .otherwise(pl.col(column))
            .alias(column)
        )
        assert entries_digest(conform(edited, LEDGER_ENTRY)) != digest, column
