"""Days of two providers and their bank, run as a user runs them: what was sent, and what came."""

import shutil
from datetime import date
from decimal import Decimal
from pathlib import Path

import polars as pl
import pytest
from openpyxl import load_workbook

from recon.cli import invoke
from recon.io.database import Database
from recon.io.transit import payouts_in_transit, payouts_of, receipts_of
from recon.periods import Period
from tests.support import copy_place

BANK = "NL02RECO0123456789"
DAYS = Period(date(2026, 11, 18), date(2026, 11, 20))


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = tmp_path_factory.mktemp("place")
    ledgers = copy_place(place, "adyen", "alipay", "stripe", "bank")
    assert run(place, "ledger", "import", *map(str, ledgers)) == 0
    return place


@pytest.fixture
def place(made: Path, tmp_path: Path) -> Path:
    shutil.copytree(made, tmp_path / "place")
    return tmp_path / "place"


@pytest.fixture(scope="module")
def finished(made: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The three days as they are after their run, to look at only."""
    place = tmp_path_factory.mktemp("finished") / "place"
    shutil.copytree(made, place)
    assert run_days(place) == 0
    return place


@pytest.fixture
def after(finished: Path, tmp_path: Path) -> Path:
    """The same, to go on with."""
    shutil.copytree(finished, tmp_path / "place")
    return tmp_path / "place"


def run(place: Path, *words: str) -> int:
    return invoke([*words, "--config", f"{place}/configs", "--workspace", f"{place}/workspace"])


def run_days(place: Path, first: str = "18", last: str = "20", *more: str) -> int:
    return run(place, "run", "--from", f"2026-11-{first}", "--to", f"2026-11-{last}", *more)


def database(place: Path) -> Database:
    return Database.open(f"sqlite:///{place}/workspace/recon.db")


def found(place: Path, day: str) -> dict[str, Decimal]:
    folder = place / "workspace" / "reports" / f"2026-11-{day}" / "bank" / BANK
    frame = pl.read_csv(folder / "discrepancies.csv", infer_schema=False)
    return {row[0]: Decimal(row[1]) for row in frame.select("type", "difference").iter_rows()}


def test_every_payout_has_arrived_is_in_transit_or_is_reported(finished: Path) -> None:
    sent = payouts_of(database(finished), DAYS)
    arrived = receipts_of(database(finished), sent["payout_id"])
    in_transit = payouts_in_transit(database(finished), "bank", BANK, date(2026, 11, 21))
    assert sent.height == 7
    assert set(arrived["payout_id"]) | set(in_transit["payout_id"]) == set(sent["payout_id"])
    assert arrived["rule"].value_counts().sort("rule").rows() == [
        ("amount and day", 1),
        ("payout number", 3),
    ]
    assert found(finished, "20") == {
        "payout_not_received": Decimal("-2016.1"),
        "unidentified_receipt": Decimal(88),
    }


def test_the_same_days_again_change_nothing(
    after: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run_days(after)
    assert "\nnothing changed since the run before\n" in capsys.readouterr().out  # of no day


def test_a_late_credit_clears_what_was_reported(after: Path) -> None:
    folder = after / "sample_statements" / "bank"
    text = (folder / f"{BANK}_2026-11-20.camt053.xml").read_text("utf-8")
    entry = text[text.index("   <Ntry>") : text.index("</Ntry>") + len("</Ntry>\n")]
    head = text[: text.index("   <Bal>")].replace("20261120", "20261121").replace("-20T", "-21T")
    balance = text[text.index("<Cd>CLBD</Cd>") :]
    amount = Decimal(balance.split('Ccy="EUR">')[1].split("<")[0])
    lost = entry.replace(
        entry[entry.index('"EUR">') : entry.index("</Amt>")], '"EUR">2016.10'
    ).replace("2026-11-20", "2026-11-21")
    lost = lost.replace("DBIT", "CRDT").replace("261120", "261121")

    def stated(code: str, value: Decimal) -> str:
        return (
            f"   <Bal><Tp><CdOrPrtry><Cd>{code}</Cd></CdOrPrtry></Tp>"
            f'<Amt Ccy="EUR">{value}</Amt><CdtDbtInd>CRDT</CdtDbtInd>'
            "<Dt><Dt>2026-11-21</Dt></Dt></Bal>\n"
        )

    tail = "  </Stmt>\n </BkToCstmrStmt>\n</Document>\n"
    body = stated("OPBD", amount) + stated("CLBD", amount + Decimal("2016.10")) + lost
    (folder / f"{BANK}_2026-11-21.camt053.xml").write_text(head + body + tail, "utf-8")
    run_days(after, "21", "21", "--account", BANK)
    arrived = receipts_of(database(after), payouts_of(database(after), DAYS)["payout_id"])
    late = arrived.filter(pl.col("received_on") == date(2026, 11, 21))
    assert late["credited"].to_list() == [Decimal("2016.10")]
    assert found(after, "21") == {}


def test_a_payout_that_arrived_short_is_told_once_and_not_missed_the_day_after(
    place: Path,
) -> None:
    rules = place / "configs" / "recon.toml"
    wait = 'keys = ["parent_ref"]\ngroups = "parts"'  # the rest may come in another credit
    text = rules.read_text("utf-8")
    assert wait in text
    rules.write_text(text.replace(wait, 'keys = ["parent_ref"]'), encoding="utf-8")
    folder = place / "sample_statements" / "bank"
    for day in ("19", "20"):
        path = folder / f"{BANK}_2026-11-{day}.camt053.xml"
        text = path.read_text("utf-8")
        for balance in ("CLBD",) if day == "19" else ("OPBD", "CLBD"):
            start = text.index('Ccy="EUR">', text.index(f"<Cd>{balance}</Cd>")) + len('Ccy="EUR">')
            end = text.index("<", start)
            text = f"{text[:start]}{Decimal(text[start:end]) - 9}{text[end:]}"
        path.write_text(text.replace(">6159.25<", ">6150.25<"), encoding="utf-8")
    run_days(place)
    assert found(place, "19")["payout_mismatch"] == -9
    assert found(place, "20")["payout_not_received"] == Decimal("-2016.1")
    twice = pl.concat(
        pl.read_csv(path, infer_schema=False)
        for path in place.glob(f"workspace/reports/*/bank/{BANK}/discrepancies.csv")
    ).filter(pl.col("discrepancy_id").str.contains("411"))
    assert twice.height == 1


def test_the_bank_is_run_after_those_who_pay_into_it(
    place: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run_days(place, "19", "19")
    arrived = receipts_of(database(place), payouts_of(database(place), DAYS)["payout_id"])
    assert arrived["payout_provider"].to_list() == ["alipay"]  # sent and received on one day


def test_the_workbooks_follow_the_money(finished: Path) -> None:
    reports = finished / "workspace" / "reports"
    book = load_workbook(reports / "2026-11-20" / "bank" / BANK / "settlement.xlsx")
    sheet = book["Payouts received"]
    rows = [[cell.value for cell in row] for row in sheet.iter_rows()]
    assert rows[0][:4] == ["Paid out by", "Paid out by account", "Batch", "Currency"]
    assert [row[0] for row in rows[1:3]] == ["adyen", "stripe"]
    assert str(rows[1][9]).startswith("=ROUND(G2-H2-I2")
    chain = load_workbook(reports / "2026-11-18_2026-11-20" / "summary.xlsx")["To the bank"]
    proofs = [str(row[10].value) for row in chain.iter_rows(min_row=2, max_row=8)]
    assert all(proof.startswith("=ROUND(F") for proof in proofs)
    computed = load_workbook(reports / "2026-11-18_2026-11-20" / "summary.xlsx", data_only=True)
    assert {row[10].value for row in computed["To the bank"].iter_rows(min_row=2, max_row=8)} == {0}


def test_payouts_must_go_to_an_account_that_exists(
    place: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = place / "configs" / "providers" / "stripe.toml"
    path.write_text(path.read_text("utf-8").replace(BANK, "NL99"), "utf-8")
    assert run_days(place) == 2
    assert "pays_into NL99, which no account has" in capsys.readouterr().err


def test_what_a_provider_pays_by_its_cycle_is_judged_and_what_it_pays_too_soon_is_told(
    place: Path,
) -> None:
    path = place / "configs" / "providers" / "adyen.toml"
    text = path.read_text("utf-8")
    of_the_day = 'cycle = "T+0"\ncycle_from = 2026-11-01\n'
    window = "payout_window_days = 1\n"
    folder = place / "workspace" / "reports" / "2026-11-19" / "adyen" / "ReconDemoEU"

    def mismatches() -> list[str]:
        assert run_days(place, "18", "19", "--provider", "adyen") == 0
        frame = pl.read_csv(folder / "discrepancies.csv", infer_schema=False)
        return frame.filter(type="payout_mismatch")["explanation"].to_list()

    path.write_text(text.replace(window, window + of_the_day), "utf-8")
    assert mismatches() == []
    least = of_the_day + 'minimum_payout = { EUR = "15000" }\n'
    path.write_text(text.replace(window, window + least), "utf-8")
    assert mismatches() == [
        "5,983.28 EUR was paid out on 2026-11-19, although by the cycle T+0 nothing is due before "
        "2026-11-20: 6,159.25 (2026-11-18) + 5,983.28 (2026-11-19) = 12,142.53."
    ]


@pytest.mark.parametrize(
    ("settings", "problem"),
    [
        (
            'cycle = "T+1"',
            "cycle and cycle_from, the first business date it holds for, go together",
        ),
        ('minimum_payout = { EUR = "5" }', "minimum_payout means nothing without cycle"),
        ('cycle = "T1"\ncycle_from = 2026-11-01', "'T1' is no settlement cycle; write T+1"),
        (
            'cycle = "T+1"\ncycle_from = 2026-11-01\npayout_reference = "{day}"',
            "'{day}': write the day as {date:%Y%m%d}",
        ),
    ],
)
def test_a_cycle_that_means_nothing_is_refused(
    place: Path, settings: str, problem: str, capsys: pytest.CaptureFixture[str]
) -> None:
    path = place / "configs" / "providers" / "adyen.toml"
    window = "payout_window_days = 1\n"
    path.write_text(path.read_text("utf-8").replace(window, f"{window}{settings}\n"), "utf-8")
    assert run(place, "check") == 2
    assert problem in capsys.readouterr().err
