"""Refunds against payments of months ago: what the ledger is asked, and what is reported once."""

from datetime import UTC, date, datetime
from pathlib import Path

import polars as pl
import pytest
import sqlalchemy as sa

from recon.cli import invoke
from recon.discrepancies import Day, Severity
from recon.io.database import Database
from recon.io.ledger import import_ledger, read_entries
from recon.io.mapped_ledger import MappedLedger, read_mapped_entries
from recon.io.orders import read_orders, refunded_orders
from recon.matching.origins import over_refunds
from recon.periods import one_day
from tests.support import copy_place

TODAY = date(2026, 11, 20)
HEAD = "entry_id,provider,account,business_date,kind,merchant_ref,parent_ref,currency,amount,status"


def ledger_of(tmp_path: Path, rows: str) -> Database:
    path = tmp_path / "ledger.csv"
    cells = [row.split() for row in rows.strip().splitlines()]
    body = [
        ",".join([row[0], "wechatpay", "1600000001", *("" if c == "-" else c for c in row[1:])])
        for row in cells
    ]
    path.write_text("\n".join([HEAD, *body]) + "\n", "utf-8")
    database = Database.open(f"sqlite:///{tmp_path}/recon.db")
    done = import_ledger(database, path, datetime(2026, 11, 20, tzinfo=UTC))
    assert done.rejects.height == 0, done.rejects
    return database


WHOSE = ("wechatpay", "1600000001")


def found_on(database: Database | MappedLedger, day: date) -> list[str]:
    whose = Day(*WHOSE, day, Severity())
    read = read_mapped_entries if isinstance(database, MappedLedger) else read_entries
    entries = read(database, *WHOSE, one_day(day)).frame  # type: ignore[arg-type]
    known = read_orders(database, *WHOSE, entries, day)
    return [
        f"{order} {currency} {difference:.2f} {' '.join(entry_ids)}"
        for order, currency, difference, entry_ids in over_refunds(known, whose)
        .select("merchant_ref", "currency", "difference", "entry_ids")
        .iter_rows()
    ]


LEDGER = """
P1 2026-03-01 payment    R1 -  CNY  100.00 succeeded
F1 2026-03-02 refund     F1 R1 CNY  -60.00 succeeded
F2 2026-11-19 refund     F2 R1 CNY  -50.00 succeeded
F3 2026-11-20 refund     F3 R1 CNY   -5.00 succeeded
P2 2026-03-01 payment    R2 -  CNY  100.00 succeeded
F4 2026-11-20 refund     F4 R2 CNY -100.00 succeeded
P3 2026-03-01 payment    R3 -  CNY  100.00 succeeded
F5 2026-06-01 chargeback -  R3 CNY -100.00 succeeded
F6 2026-11-20 refund     F6 R3 CNY  -40.00 succeeded
P4 2026-03-01 payment    R4 -  CNY  100.00 succeeded
F7 2026-06-01 refund     F7 R4 CNY -100.00 succeeded
F8 2026-07-01 refund_reversal F8 R4 CNY 100.00 succeeded
F9 2026-11-20 refund     F9 R4 CNY -100.00 succeeded
P5 2026-03-01 payment    R5 -  CNY  100.00 succeeded
FA 2026-11-20 refund     FA R5 USD -200.00 succeeded
P6 2026-03-01 payment    R6 -  CNY  100.00 succeeded
FB 2026-11-20 refund     FB R6 CNY -200.00 failed
FC 2026-11-20 refund     FC R7 CNY -200.00 succeeded
"""


def test_more_given_back_than_was_paid_is_reported_with_what_the_day_added(tmp_path: Path) -> None:
    database = ledger_of(tmp_path, LEDGER)
    assert found_on(database, date(2026, 11, 19)) == ["R1 CNY -10.00 F2"]
    # R2 and R4 are given back whole, R5 in another currency, R6 never was, R7 nobody knows.
    assert found_on(database, TODAY) == ["R1 CNY -5.00 F3", "R3 CNY -40.00 F6"]


def test_only_what_gives_money_back_is_asked_for() -> None:
    entries = pl.DataFrame(
        {
            "kind": ["refund", "payment", "chargeback", "refund"],
            "parent_ref": ["R2", "R1", "R1", None],
        }
    )
    assert refunded_orders(entries) == ["R1", "R2"]


def test_more_orders_than_fit_in_one_query(tmp_path: Path) -> None:
    rows = [f"P{n} 2026-11-19 payment R{n} - CNY 1.00 succeeded" for n in range(1_001)]
    rows += [f"F{n} 2026-11-20 refund F{n} R{n} CNY -1.00 succeeded" for n in range(10_001)]
    database = ledger_of(tmp_path, "\n".join(rows))
    entries = read_entries(database, *WHOSE, one_day(TODAY)).frame
    assert read_orders(database, *WHOSE, entries, TODAY).height == 1_001 + 10_001


def test_orders_are_looked_up_not_searched_for(tmp_path: Path) -> None:
    database = ledger_of(tmp_path, LEDGER)
    entries = read_entries(database, *WHOSE, one_day(TODAY)).frame
    asked = []

    def hear(_: object, __: object, statement: str, values: tuple[str, ...], *___: object) -> None:
        asked.append((statement, values))

    sa.event.listen(sa.Engine, "before_cursor_execute", hear)
    read_orders(database, *WHOSE, entries, TODAY)
    sa.event.remove(sa.Engine, "before_cursor_execute", hear)
    with database.connect() as connection:
        plans = [
            str(connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", values).all())
            for statement, values in asked
            if "merchant_ref" in statement
        ]
    assert len(plans) == 2
    assert "ix_ledger_entry_merchant_ref" in plans[0]
    assert "ix_ledger_entry_parent_ref" in plans[1]


@pytest.mark.parametrize("tells_parents", [True, False])
def test_a_companys_own_table_is_asked_as_well(tmp_path: Path, tells_parents: bool) -> None:
    ledger_of(tmp_path, LEDGER).dispose()
    names = HEAD.split(",")
    columns = {name: name for name in names if tells_parents or name != "parent_ref"}
    mapped = MappedLedger(f"sqlite:///{tmp_path}/recon.db", "ledger_entry", columns)
    found = found_on(mapped, TODAY)
    assert found == (["R1 CNY -5.00 F3", "R3 CNY -40.00 F6"] if tells_parents else [])


def test_a_run_reports_it(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (ledger,) = copy_place(tmp_path, "wechatpay")
    head, *_ = ledger.read_text("utf-8").splitlines()
    names = head.split(",")
    too_many = tmp_path / "more.csv"
    rows = []
    for entry, day, kind, own, parent, amount in (
        ("X1", "2026-01-05", "payment", "OLD1", "", "10.00"),
        ("X2", "2026-11-18", "refund", "OLDR", "OLD1", "-12.50"),
    ):
        facts = {
            "entry_id": entry, "provider": "wechatpay", "account": "1600000001",
            "business_date": day, "kind": kind, "merchant_ref": own, "parent_ref": parent,
            "currency": "CNY", "amount": amount, "status": "succeeded",
        }  # fmt: skip
        rows.append(",".join(facts.get(name, "") for name in names))
    too_many.write_text("\n".join([head, *rows]) + "\n", "utf-8")
    place = ["--config", f"{tmp_path}/configs", "--workspace", f"{tmp_path}/workspace"]
    assert invoke(["ledger", "import", str(ledger), str(too_many), *place]) == 0
    invoke(["run", "--date", "2026-11-18", *place])
    out = tmp_path / "found.csv"
    invoke(["discrepancies", "--type", "over_refund", "--out", str(out), *place])
    found = pl.read_csv(out, infer_schema=False)
    assert found.select("merchant_ref", "difference", "explanation").rows() == [
        (
            "OLD1",
            "-2.5",
            "Order OLD1 was paid with 10.00 CNY, and 12.50 CNY of it has been given back by "
            "refunds and chargebacks: 2.50 CNY more today than was left.",
        )
    ]
