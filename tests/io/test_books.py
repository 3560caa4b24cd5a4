"""The proof workbook as it is after real runs: made again, superseded, told in two languages."""

import json
import re
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import openpyxl
import pytest

from recon.cli import invoke
from tests.support import copy_place

DAY = "2026-11-20"


def run(place: Path, *words: str) -> int:
    return invoke([*words, "--config", f"{place}/configs", "--workspace", f"{place}/workspace"])


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two days of two providers and their banks, after their run."""
    place = tmp_path_factory.mktemp("books")
    ledgers = copy_place(place, "wechatpay", "stripe", "bank")
    assert run(place, "ledger", "import", *map(str, ledgers)) == 0
    assert run(place, "run", "--from", "2026-11-19", "--to", DAY) == 3
    return place


@pytest.fixture
def after(finished: Path, tmp_path: Path) -> Path:
    shutil.copytree(finished, tmp_path / "place")
    return tmp_path / "place"


def proof(place: Path, folder: str = DAY, name: str = "proof.xlsx", *, values: bool = False) -> Any:
    return openpyxl.load_workbook(place / "workspace/reports" / folder / name, data_only=values)


def column(sheet: Any, title: str) -> list[Any]:
    """What stands below the heading of a list, down to the first empty row."""
    titles = [cell.value for cell in sheet[1]]
    at = titles.index(title) + 1
    found = []
    for row in range(2, sheet.max_row + 1):
        if sheet.cell(row, 1).value is None:
            break
        found.append(sheet.cell(row, at).value)
    return found


def texts(workbook: Any) -> Iterator[str]:
    for sheet in workbook:
        for row in sheet.iter_rows():
            yield from (cell.value for cell in row if isinstance(cell.value, str))


def test_a_day_is_followed_from_each_transaction_to_the_bank(finished: Path) -> None:
    live, known = proof(finished), proof(finished, values=True)
    assert live.sheetnames == [
        "Summary", "Charts", "Numbers to watch", "Batches", "To the bank", "Fees by tariff",
        "Withdrawals", "Roll-forward", "Open items", "Discrepancies", "Transactions", "History",
    ]  # fmt: skip
    traced = column(live["Batches"], "Net of the transactions")
    assert all("SUMIFS('Transactions'!" in formula for formula in traced)
    checks = {
        "Batches": ["Net − net of the transactions (must be 0)", "Proof (must be 0)"],
        "To the bank": ["Proof (must be 0)"],
        "Transactions": ["Gross − fee − net (must be 0)"],
    }
    for name, titles in checks.items():
        for title in titles:
            formulas = [str(cell).startswith("=") for cell in column(live[name], title)]
            # Where there are no balances, the proof is what the control totals are off by.
            assert any(formulas) if name == "Batches" else all(formulas)
            assert set(column(known[name], title)) == {0}
    assert len(live["Charts"]._charts) == 4


def test_a_discrepancy_names_the_entry_that_would_settle_it(finished: Path) -> None:
    suggested = column(proof(finished)["Discrepancies"], "Suggested entry")
    assert any(
        entry and re.fullmatch(r"Dr \S+  Cr \S+  [\d,.]+ [A-Z]{3}", entry) for entry in suggested
    )


def test_the_roll_forward_of_a_range_begins_where_its_first_day_began(finished: Path) -> None:
    known = proof(finished, f"2026-11-19_{DAY}", "summary.xlsx", values=True)
    assert known.sheetnames[3] == "Days"
    assert len(column(known["Days"], "Account")) == 2 * 4
    sheet = known["Roll-forward"]
    rows = [[cell.value for cell in row] for row in sheet.iter_rows()]
    heads = [number for number, row in enumerate(rows) if row[0] == "Provider"]
    amounts = rows[heads[0] + 1 : heads[1] - 2]
    assert amounts
    for row in amounts:
        assert row[9] == 0, row  # opening + new - cleared - written off - closing


def test_the_same_runs_give_the_same_workbook(after: Path) -> None:
    path = after / f"workspace/reports/{DAY}/proof.xlsx"
    before = path.read_bytes()
    assert run(after, "run", "--date", DAY, "--no-fetch", "--provider", "stripe") == 0
    assert path.read_bytes() == before
    assert not (path.parent / "superseded").exists()


def test_a_rerun_shows_what_changed_and_keeps_the_workbook_it_supersedes(after: Path) -> None:
    folder = after / f"workspace/reports/{DAY}"
    before = json.loads((folder / "summary.json").read_text("utf-8"))
    ledger = after / "more.csv"
    missing = next(
        row
        for row in proof(after)["Discrepancies"].iter_rows(values_only=True)
        if row[1] == "Missing in ledger" and row[3] == "wechatpay"
    )
    ledger.write_text(
        "entry_id,provider,account,business_date,kind,currency,amount,merchant_ref\n"
        f"late-1,wechatpay,1600000001,{DAY},payment,CNY,{missing[7]},{missing[2]}\n"
    )
    assert run(after, "ledger", "import", str(ledger)) == 0
    assert run(after, "run", "--date", DAY, "--no-fetch", "--provider", "wechatpay") == 3
    changes = proof(after)["Changes"]
    assert "Cleared" in column(changes, "Change")
    kept = folder / "superseded" / before["fingerprint"]
    assert sorted(path.name for path in kept.iterdir()) == ["proof.xlsx", "summary.json"]
    assert run(after, "check") == 0, "what is kept is no report of a run that nobody knows"


def test_an_account_without_a_result_keeps_the_day_from_being_proved(after: Path) -> None:
    lost = after / f"workspace/reports/{DAY}/stripe"
    shutil.rmtree(lost)  # as if it had been killed before its reports were in place
    assert run(after, "run", "--date", DAY, "--no-fetch", "--provider", "wechatpay") == 3
    said = list(texts(proof(after)))
    assert any("stripe" in text and "not run" in text for text in said)
    summary = json.loads((after / f"workspace/reports/{DAY}/summary.json").read_text("utf-8"))
    assert summary["proved"] is False


def test_a_report_is_told_again_in_the_other_language(after: Path) -> None:
    assert run(after, "report", "--date", DAY, "--lang", "zh") == 3
    book = proof(after)
    assert book.sheetnames[0] == "汇总"
    assert "Changes" not in book.sheetnames
    assert "本次变化" not in book.sheetnames  # another language is no change
    day = after / f"workspace/reports/{DAY}/wechatpay/1600000001"
    assert json.loads((day / "summary.json").read_text("utf-8"))["language"] == "zh"
    listed = openpyxl.load_workbook(day / "discrepancies.xlsx")
    assert listed.sheetnames[1] == "差异明细"


def test_the_status_says_how_every_account_stands(
    finished: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(finished, "status", "--json") == 3
    found = {status["account"]: status for status in json.loads(capsys.readouterr().out)}
    wechat = found["1600000001"]
    assert wechat["last_run"] == DAY
    assert wechat["proved"] is False
    counted = {figure["name"]: figure["value"] for figure in wechat["figures"]}
    # Those of the day before are open as well, until they are settled.
    assert sum(wechat["discrepancies"].values()) > int(counted["discrepancy_count"])
    rates = {f["name"]: f for f in wechat["figures"] if f["currency"] in (None, "CNY")}
    assert re.fullmatch(r"0\.\d{1,6}", rates["fee_rate"]["value"])
    assert rates["fee_rate"]["usual"] is not None
    assert run(finished, "status") == 3
    shown = capsys.readouterr().out
    assert "NOT PROVED" in shown
    assert "CNY 0.5" in shown


def test_a_day_run_before_an_earlier_one_is_stale(
    after: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    ledger = after / "more.csv"
    ledger.write_text(
        "entry_id,provider,account,business_date,kind,currency,amount,merchant_ref\n"
        "late-2,wechatpay,1600000001,2026-11-19,payment,CNY,1.00,NEW-1\n"
    )
    assert run(after, "ledger", "import", str(ledger)) == 0
    run(after, "run", "--date", "2026-11-19", "--no-fetch", "--provider", "wechatpay")
    capsys.readouterr()
    run(after, "status", "--json")
    found = {s["account"]: s["stale"] for s in json.loads(capsys.readouterr().out)}
    assert found["1600000001"] is True
    assert found["acct_RECONDEMO0001"] is False
    run(after, "status")
    again = "recon run --date 2026-11-20 --account 1600000001 --cascade"
    assert again in capsys.readouterr().out.replace("\n", "")
