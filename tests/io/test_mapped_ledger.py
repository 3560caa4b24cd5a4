"""A company's own ledger table, read as it is: names quoted, maps closed, nothing lost."""

from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path

import polars as pl
import pytest
import sqlalchemy as sa

from recon.boundary import check
from recon.errors import ReconError, UserError
from recon.io.mapped_ledger import Entries, MappedLedger, read_mapped_entries, rows_by_day
from recon.periods import Period, one_day

DAY = date(2026, 11, 20)
MAPPED = MappedLedger(
    url="",
    table='Buchungen "neu"',
    columns={
        "entry_id": "Beleg Nr",
        "account": "konto",
        "business_date": "datum",
        "booked_at": "gebucht",
        "kind": "art",
        "currency": "waehrung",
        "amount": "betrag",
        "status": "stand",
    },
    constants={"provider": "stripe"},
    kind_map={"ZE": "payment", "RE": "refund"},
    status_map={"ok": "succeeded"},
)
ROWS = """
    B-1  acct_1  2026-11-20  2026-11-20T09:00:00  ZE  EUR  12345678901234567.89  ok
    B-2  acct_1  2026-11-20  2026-11-20T10:00:00  RE  EUR  -5.00                 ok
    B-3  acct_1  2026-11-21  2026-11-21T10:00:00  ZE  EUR  1.00                  ok
    B-4  acct_2  2026-11-20  2026-11-20T10:00:00  ZE  EUR  1.00                  ok
"""
OpenTable = Callable[..., MappedLedger]
# What has nothing to do with the database is tried on one of them.
ON_SQLITE = pytest.mark.parametrize("backend", ["sqlite"], indirect=True)


@pytest.fixture
def company_table(new_url: Callable[[], str], backend: str) -> Iterator[OpenTable]:
    """Makes the company's table with rows in the columns' order, `-` for null."""
    engines = []

    def make(
        rows: str, amount_type: str = "NUMERIC(38,18)", date_type: str = "DATE"
    ) -> MappedLedger:
        url = new_url()
        engine = sa.create_engine(url)
        engines.append(engine)
        if backend == "sqlite" and amount_type.startswith("NUMERIC"):
            amount_type = "TEXT"
        moment = "TIMESTAMP" if backend == "sqlite" else "TIMESTAMPTZ"
        with engine.begin() as connection:
            if backend == "postgresql":
                connection.exec_driver_sql("SET LOCAL TIME ZONE 'UTC'")
            connection.exec_driver_sql(
                f'CREATE TABLE "Buchungen ""neu""" ("Beleg Nr" TEXT, konto TEXT, '
                f"datum {date_type}, gebucht {moment}, art TEXT, waehrung TEXT, "
                f"betrag {amount_type}, stand TEXT)"
            )
            insert = sa.text('INSERT INTO "Buchungen ""neu""" VALUES (:a,:b,:c,:d,:e,:f,:g,:h)')
            for line in rows.strip().splitlines():
                cells = [None if cell == "-" else cell for cell in line.split()]
                connection.execute(insert, dict(zip("abcdefgh", cells, strict=True)))
        return with_url(url)

    yield make
    for engine in engines:
        engine.dispose()


def with_url(url: str, **changes: object) -> MappedLedger:
    return MappedLedger(**{**vars(MAPPED), "url": url, **changes})


def read(mapped: MappedLedger, period: Period = one_day(DAY)) -> Entries:  # noqa: B008
    found = read_mapped_entries(mapped, "stripe", "acct_1", period)
    check("LEDGER_ENTRY", found.frame)
    check("REJECT", found.rejects)
    return found


def test_a_company_table_is_read_exactly(company_table: OpenTable) -> None:
    found = read(company_table(ROWS))
    assert found.rejects.height == 0
    columns = ["entry_id", "provider", "account", "booked_at", "kind", "amount", "status"]
    assert found.frame.select(columns).rows() == [
        ("B-1", "stripe", "acct_1", datetime(2026, 11, 20, 9, 0, tzinfo=UTC), "payment",
         Decimal("12345678901234567.89"), "succeeded"),
        ("B-2", "stripe", "acct_1", datetime(2026, 11, 20, 10, 0, tzinfo=UTC), "refund",
         Decimal("-5.00"), "succeeded"),
    ]  # fmt: skip


def test_the_period_is_that_of_the_business_date(company_table: OpenTable) -> None:
    mapped = company_table(ROWS)
    assert read(mapped, Period(DAY, date(2026, 11, 21))).frame["entry_id"].to_list() == [
        *("B-1", "B-2", "B-3")
    ]
    assert read(mapped, one_day(date(2026, 11, 22))).frame.height == 0


@pytest.mark.parametrize("date_type", ["TEXT", "TIMESTAMP"])
def test_dates_kept_as_text_or_with_a_time_are_found_too(
    company_table: OpenTable, date_type: str
) -> None:
    mapped = company_table(ROWS, date_type=date_type)
    assert read(mapped).frame["business_date"].to_list() == [DAY, DAY]


@pytest.mark.parametrize("date_type", ["DATE", "TEXT", "TIMESTAMP"])
def test_the_rows_of_each_day_are_counted(company_table: OpenTable, date_type: str) -> None:
    mapped = company_table(ROWS, date_type=date_type)
    days = Period(date(2026, 11, 19), date(2026, 11, 30))
    assert rows_by_day(mapped, "stripe", "acct_1", days) == {DAY: 2, date(2026, 11, 21): 1}
    assert rows_by_day(mapped, "stripe", "acct_1", one_day(DAY)) == {DAY: 2}
    assert rows_by_day(mapped, "paypal", "acct_1", days) == {}


def test_what_is_not_understood_is_a_reject_under_the_companys_names(
    company_table: OpenTable,
) -> None:
    rows = """
        B-1  acct_1  2026-11-20  -  ZE       EUR  1.00   ok
        B-2  acct_1  2026-11-20  -  payment  EUR  1.00   ok
        B-3  acct_1  2026-11-20  -  ZE       EUR  1.005  ok
        B-4  acct_1  20.11.2026  -  ZE       EUR  1.00   ok
        B-5  acct_1  -           -  ZE       EUR  1.00   ok
        B-6  acct_1  2026-11-20  -  ZE       EUR  1.00   hm
        B-7  acct_2  -           -  ZE       EUR  1.00   ok
    """
    found = read(company_table(rows, amount_type="TEXT", date_type="TEXT"))
    assert found.frame["entry_id"].to_list() == ["B-1"]
    assert found.rejects.select("line_no", "field", "value", "unmapped").rows() == [
        (2, "art", "payment", True),  # not in the map, though it is one of our words
        (3, "betrag", "1.005", False),
        (4, "datum", "20.11.2026", False),
        (5, "datum", None, False),
        (6, "stand", "hm", True),
    ]
    assert found.rejects["file_id"].unique().to_list() == [MAPPED.table]


def test_contradicting_rows_are_rejected_and_equal_ones_are_one(company_table: OpenTable) -> None:
    rows = """
        B-1  acct_1  2026-11-20  -  ZE  EUR  1.00  ok
        B-1  acct_1  2026-11-20  -  ZE  EUR  2.00  ok
        B-2  acct_1  2026-11-20  -  ZE  EUR  1.00  ok
        B-2  acct_1  2026-11-20  -  ZE  EUR  1.00  ok
    """
    found = read(company_table(rows))
    assert found.frame["entry_id"].to_list() == ["B-2"]
    assert found.rejects.select("line_no", "field", "value").rows() == [
        (1, "Beleg Nr", "B-1"),
        (2, "Beleg Nr", "B-1"),
    ]


@pytest.mark.parametrize("amount_type", ["REAL", "DOUBLE PRECISION", "FLOAT"])
def test_binary_floating_point_amounts_are_refused(
    company_table: OpenTable, amount_type: str
) -> None:
    with pytest.raises(UserError, match=r"'betrag' .* holds binary floating point numbers"):
        read(company_table(ROWS, amount_type=amount_type))


@pytest.mark.parametrize("backend", ["sqlite"], indirect=True)
def test_sqlite_decimals_that_are_really_floats_are_refused(company_table: OpenTable) -> None:
    rows = "B-1  acct_1  2026-11-20  -  ZE  EUR  0.30  ok"
    with pytest.raises(UserError, match="in SQLite: text"):
        read(company_table(rows, amount_type="DECIMAL(38,18)"))
    whole = company_table(rows.replace("0.30", "7"), amount_type="DECIMAL(38,18)")
    assert read(whole).frame["amount"].to_list() == [Decimal(7)]


def test_a_moment_in_time_is_no_business_date(company_table: OpenTable, backend: str) -> None:
    mapped = company_table(ROWS)
    gebucht = {**MAPPED.columns, "business_date": "gebucht"}
    if backend == "postgresql":
        with pytest.raises(UserError, match="'gebucht' is a moment in time"):
            read(with_url(mapped.url, columns=gebucht))
    else:  # SQLite has no such type: the date is what the text begins with
        assert read(with_url(mapped.url, columns=gebucht)).frame.height == 2


def test_another_providers_table_holds_none_of_our_entries(company_table: OpenTable) -> None:
    mapped = company_table(ROWS)
    found = read_mapped_entries(mapped, "paypal", "acct_1", one_day(DAY))
    assert (found.frame.height, found.rejects.height) == (0, 0)


@ON_SQLITE
@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"table": "ledger; DROP TABLE x"}, r"has no table 'ledger; DROP TABLE x'; it has: Buch"),
        ({"table": "other.ledger"}, "has no table 'other.ledger'"),
        ({"columns": {**MAPPED.columns, "memo": "betrag) --"}}, r"no column 'betrag\) --'; it has"),
        ({"columns": {**MAPPED.columns, "colour": "art"}}, "unknown: colour; valid: entry_id"),
        (
            {"constants": {"provider": "stripe", "kind": "fee"}},
            "both a column and a constant: kind",
        ),
        ({"columns": {"entry_id": "Beleg Nr"}}, "missing: business_date, kind, currency, amount"),
        ({"kind_map": {"ZE": "Payment"}}, "no such kind: Payment; valid: payment"),
        ({"status_map": {"ok": "done"}}, "no such status: done; valid: succeeded"),
    ],
)
def test_a_mapping_that_does_not_fit_says_what_would(
    company_table: OpenTable, changes: dict[str, object], message: str
) -> None:
    mapped = company_table(ROWS)
    with pytest.raises(UserError, match=message):
        read(with_url(mapped.url, **changes))
    assert read(mapped).frame.height == 2


@pytest.mark.parametrize(
    ("url", "message"),
    [
        ("sqlite:////nowhere/ledger.db", "/nowhere/ledger.db does not exist"),
        ("postgresql://u:hunter2@127.0.0.1:1/x", "cannot be used"),
        ("oracle+nothing://u:hunter2@host/x", "not known here"),
        ("mysql://u:hunter2@host/x", "needs the package MySQLdb"),
        ("u:hunter2@host", "cannot be read"),
    ],
)
def test_a_ledger_out_of_reach_is_one_line_without_the_password(url: str, message: str) -> None:
    with pytest.raises(ReconError, match=message) as caught:
        read(with_url(url))
    assert "hunter2" not in str(caught.value)


@pytest.mark.parametrize("backend", ["sqlite"], indirect=True)
def test_reading_leaves_the_company_database_as_it_is(
    company_table: OpenTable, tmp_path: Path
) -> None:
    mapped = company_table(ROWS)
    path = Path(mapped.url.removeprefix("sqlite:///"))
    before = (path.read_bytes(), sorted(tmp_path.iterdir()))
    read(mapped)
    assert (path.read_bytes(), sorted(tmp_path.iterdir())) == before


def test_without_columns_or_constants_the_table_is_the_accounts(company_table: OpenTable) -> None:
    mapped = company_table(ROWS)
    columns = {name: column for name, column in MAPPED.columns.items() if name != "account"}
    found = read(with_url(mapped.url, columns=columns, constants={}))
    assert found.frame.select(pl.col("account", "provider").unique()).rows() == [
        ("acct_1", "stripe")
    ]
    assert found.frame.height == 3
