"""A payout of which only a part comes, and the rest days later or never: run as a user runs it."""

import json
from collections.abc import Mapping
from datetime import date
from decimal import Decimal
from pathlib import Path

import polars as pl
import pytest
import sqlalchemy as sa

from recon.cli import invoke
from recon.io.control_schema import CASES
from recon.io.database import Database
from recon.io.schema import RECEIPTS
from tests.generator.book import Movement
from tests.generator.sources import bank
from tests.support import copy_place

BANK = "NL02RECO0123456789"
SENT = Decimal("6159.25")  # by Adyen on the 18th, due on the 19th
CREDITS = {"19": "6000.00", "21": "100.00", "22": "59.25"}


@pytest.fixture
def place(tmp_path: Path) -> Path:
    (ledger, _) = copy_place(tmp_path, "adyen", "bank")
    for path in (tmp_path / "sample_statements" / "bank").iterdir():
        path.unlink()
    for batch in ("412", "413"):
        path = f"adyen/settlement_detail_report_batch_{batch}.csv"
        (tmp_path / "sample_statements" / path).unlink()
    assert run(tmp_path, "ledger", "import", str(ledger)) == 0
    assert run_days(tmp_path, "18", "18", "--provider", "adyen") == 0
    return tmp_path


def run(place: Path, *words: str) -> int:
    return invoke([*words, "--config", f"{place}/configs", "--workspace", f"{place}/workspace"])


def run_days(place: Path, first: str, last: str, *whose: str) -> int:
    days = ["--from", f"2026-11-{first}", "--to", f"2026-11-{last}"]
    return run(place, "run", *days, *(whose or ("--account", BANK)))


def statements(place: Path, credits: Mapping[str, str]) -> None:
    """The bank's statements of the 18th to the 23rd; each credit names Adyen's payout."""
    (number,) = pl.read_csv(
        place / "sample_statements" / "ledger" / "adyen.csv", infer_schema=False
    ).filter(pl.col("kind") == "payout", pl.col("business_date") == "2026-11-18")["txn_id"]
    came = [
        Movement(date(2026, 11, int(day)), 0, "transfer", "EUR", Decimal(amount), Decimal(0),
                 f"B{day}", number)
        for day, amount in credits.items()
    ]  # fmt: skip
    for day in (date(2026, 11, number) for number in range(18, 24)):
        there, before = ([one for one in came if one.day == day],
                         [one for one in came if one.day < day])  # fmt: skip
        path = place / "sample_statements" / "bank" / f"{BANK}_{day}.camt053.xml"
        path.write_bytes(bank.camt(there, before, day))


def found(place: Path, day: str) -> list[tuple[str, Decimal]]:
    folder = place / "workspace" / "reports" / f"2026-11-{day}" / "bank" / BANK
    frame = pl.read_csv(folder / "discrepancies.csv", infer_schema=False)
    rows = frame.select("type", "difference").sort("type")
    return [(name, Decimal(difference)) for name, difference in rows.iter_rows()]


def carried(place: Path, side: str) -> list[Decimal]:
    """What `recon open-items` lists of one side, by its amount."""
    out = place / "items.csv"
    day = ["--from", "2026-11-18", "--to", "2026-11-23"]
    assert run(place, "open-items", *day, "--account", BANK, "--out", str(out)) == 0
    frame = pl.read_csv(out, infer_schema=False).filter(pl.col("side") == side)
    return [Decimal(amount) for amount in frame["amount"]]


def case(place: Path, about: str = "receipt:") -> tuple[int, str, str, Decimal]:
    """The first case of the payout, or of rows: number, type, state, difference."""
    with Database.open(f"sqlite:///{place}/workspace/recon.db").connect() as connection:
        row = CASES.c
        select = sa.select(row.case_id, row.type, row.state, row.difference)
        (number, name, state, difference), *_ = connection.execute(
            select.where(row.discrepancy_id.startswith(about)).order_by(row.case_id)
        ).all()
    return number, name, state, difference


def test_the_rest_of_a_short_payout_lowers_its_case_and_closes_it(place: Path) -> None:
    statements(place, CREDITS)
    run_days(place, "18", "21")
    assert found(place, "19") == []  # the rest may come until the payout is due
    # Booked by nobody, the credit is missing in our ledger: it is known whose it is.
    assert found(place, "20") == [
        ("missing_in_ledger", Decimal(6000)),
        ("payout_mismatch", Decimal("-159.25")),
    ]
    assert found(place, "21") == [("payout_mismatch", Decimal("-59.25"))]
    assert case(place)[1:] == ("payout_mismatch", "open", Decimal("-59.25"))
    assert (carried(place, "payout"), carried(place, "credit")) == ([SENT], [6000, 100])
    run_days(place, "22", "23")
    assert found(place, "22") == [("missing_in_ledger", Decimal(100))]
    assert found(place, "23") == [("missing_in_ledger", Decimal("59.25"))]
    assert case(place)[1:] == ("payout_mismatch", "closed", Decimal("-59.25"))
    assert case(place, "match:")[1:] == ("missing_in_ledger", "open", Decimal(6000))
    assert (carried(place, "payout"), carried(place, "credit")) == ([], [])
    with Database.open(f"sqlite:///{place}/workspace/recon.db").connect() as connection:
        credited = connection.execute(sa.select(RECEIPTS.c.credited)).scalars().all()
    assert sorted(credited) == [Decimal("59.25"), Decimal(100), Decimal(6000)]


def test_a_payout_that_stays_short_is_told_once_and_may_be_written_off(place: Path) -> None:
    statements(place, {"19": "6000.00"})
    run_days(place, "18", "21")
    assert found(place, "20")[-1] == ("payout_mismatch", Decimal("-159.25"))
    assert found(place, "21") == []
    assert (carried(place, "payout"), carried(place, "credit")) == ([SENT], [6000])
    number = str(case(place)[0])
    told = ["--booking-account", "6602 losses", "--reason", "insolvent"]
    assert run(place, "cases", "propose-write-off", number, *told, "--as", "ben") == 0
    assert run(place, "cases", "approve", number, "--as", "anna") == 0
    run_days(place, "22", "22")
    assert (carried(place, "payout"), carried(place, "credit")) == ([], [])
    assert carried(place, "line") == [6000]  # which still has no entry
    folder = place / "workspace" / "reports" / "2026-11-22" / "bank" / BANK
    booked = pl.read_csv(folder / "journal.csv", infer_schema=False)
    lost = booked.filter(pl.col("ledger_account").str.contains("6602"))
    debit, credit = (sum(map(Decimal, lost[side].drop_nulls())) for side in ("debit", "credit"))
    assert debit - credit == Decimal("159.25")
    statements(place, {"19": "6000.00", "23": "159.25"})
    run_days(place, "23", "23")  # and then it comes
    assert found(place, "23") == [("payout_mismatch", Decimal("159.25"))]
    told = {
        day: json.loads(
            (folder.parents[2] / f"2026-11-{day}" / "bank" / BANK / "summary.json").read_text(
                "utf-8"
            )
        )["written_off"]
        for day in ("22", "23")
    }
    assert [len(told[day]) for day in ("22", "23")] == [1, 0]  # it is given up once
    run_days(place, "22", "23")
    assert case(place, "given_up:")[1:] == ("payout_mismatch", "open", Decimal("159.25"))


@pytest.mark.parametrize(
    ("came_on", "told"),
    [
        ("19", {"19": [("amount_mismatch", "-159.25")], "20": [], "21": []}),
        (
            "21",
            {
                "20": [("missing_in_provider", "-6159.25"), ("payout_not_received", "-6159.25")],
                "21": [("payout_mismatch", "-159.25")],
            },
        ),
    ],
)
def test_a_ledger_that_has_what_was_sent_makes_no_second_difference(
    place: Path, came_on: str, told: dict[str, list[tuple[str, str]]]
) -> None:
    entry = place / "entry.csv"
    entry.write_text(
        "entry_id,provider,account,business_date,kind,txn_id,currency,amount\n"
        f"GL-1,bank,{BANK},2026-11-19,transfer,B{came_on},EUR,{SENT}\n"
    )
    assert run(place, "ledger", "import", str(entry)) == 0
    statements(place, {came_on: "6000.00"})
    run_days(place, "18", "21")
    for day, wanted in told.items():
        assert found(place, day) == [(name, Decimal(amount)) for name, amount in wanted]
