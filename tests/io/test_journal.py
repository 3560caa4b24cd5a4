"""`recon journal` on three days of the samples: what Beancount and hledger make of it."""

import csv
import json
import shutil
import subprocess
import sys
from collections import Counter
from datetime import date
from decimal import Decimal
from pathlib import Path

import polars as pl
import pytest

from recon.cli import invoke
from recon.io.config import load_config
from recon.io.days import Workspace
from recon.io.runs import RunStore
from recon.journal.accounts import component
from tests.support import copy_place
from tests.tools import program

DAYS = ("--from", "2026-11-18", "--to", "2026-11-20")
NEXT_DAY = date(2026, 11, 21)


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = tmp_path_factory.mktemp("place")
    ledgers = copy_place(place, "adyen", "bank", "stripe", "tpwallet")
    assert recon(place, "ledger", "import", *map(str, ledgers)) == 0
    assert recon(place, "run", *DAYS) == 0
    return place


def recon(place: Path, *words: str) -> int:
    return invoke([*words, "--config", f"{place}/configs", "--workspace", f"{place}/workspace"])


def journal(place: Path, name: str, *more: str) -> Path:
    out = place / name
    assert recon(place, "journal", *(more or DAYS), "--out", str(out)) == 0
    return out


def bean_check(path: Path) -> str:
    usual = str(Path(sys.executable).parent / "bean-check")
    found = usual if Path(usual).exists() else program("bean-check")
    done = subprocess.run([found, path], capture_output=True, text=True, check=False)
    return done.stdout + done.stderr


def hledger(path: Path, *words: str) -> str:
    command = [program("hledger"), "-f", str(path), *words]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def balances(path: Path, of: str) -> Counter[tuple[str, str]]:
    """Amounts by account and currency, as hledger counts them."""
    rows = csv.DictReader(hledger(path, "balance", of, "-O", "csv", "--layout=bare").splitlines())
    return Counter(
        {
            (row["account"], row["commodity"]): Decimal(row["balance"])
            for row in rows
            if Decimal(row["balance"]) and row["account"] not in ("total", "Total:")
        }
    )


@pytest.mark.parametrize(
    "opening", [[], ["--opening"], ["--detail"], ["--opening", "--detail", "--lang", "zh"]]
)
def test_beancount_and_hledger_accept_it(place: Path, opening: list[str]) -> None:
    assert bean_check(journal(place, "j.beancount", *DAYS, *opening)) == ""
    hledger(journal(place, "j.hledger", *DAYS, *opening), "check")


def test_what_is_left_on_clearing_and_in_transit_is_what_is_open(place: Path) -> None:
    path = journal(place, "j.hledger")
    workspace = Workspace.open(place / "workspace", load_config(place / "configs"))
    runs, clearing, in_transit = RunStore(workspace.database), Counter[object](), Counter[object]()
    signs = {"entry": 1, "line": -1}
    for account in workspace.config.accounts:
        whose = (account.provider, account.account)
        left = runs.open_items_before(*whose, NEXT_DAY)
        for side, code, amount in left.select("side", "currency", "amount").rows():
            name = component(account.account)
            if side == "payout":
                in_transit[f"Assets:InTransit:{name}", code] += amount
            else:
                home = f"Assets:Clearing:{component(account.provider)}:{name}"
                clearing[home, code] += signs[side] * amount
    assert in_transit
    assert balances(path, "Assets:Clearing") == Counter({k: v for k, v in clearing.items() if v})
    assert balances(path, "Assets:InTransit") == in_transit


def test_details_leave_the_same_balances(place: Path) -> None:
    summed = journal(place, "summed.hledger")
    each = journal(place, "each.hledger", *DAYS, "--detail")
    assert balances(each, "") == balances(summed, "")
    assert each.read_text("utf-8").count("; transaction:") > 150


def test_what_was_written_off_is_booked_and_no_longer_on_clearing(
    place: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    other = tmp_path / "place"
    shutil.copytree(place, other)
    capsys.readouterr()
    assert recon(other, "cases", "list", "--json") == 0
    cases = json.loads(capsys.readouterr().out)
    alone = next(
        case
        for case in cases
        if case["type"] == "missing_in_provider" and case["provider"] == "adyen"
    )
    number = str(alone["case_id"])
    given_up = ("--booking-account", "Expenses:Losses", "--reason", "lost", "--as", "ben")
    assert recon(other, "cases", "propose-write-off", number, *given_up) == 0
    assert recon(other, "cases", "approve", number, "--as", "anna") == 0
    recon(other, "run", "--date", "2026-11-21", "--provider", "adyen", "--no-fetch")
    whole = ("--from", "2026-11-18", "--to", "2026-11-21", "--opening")
    assert bean_check(journal(other, "w.beancount", *whole)) == ""
    path = journal(other, "w.hledger", *whole)
    lost = {("Expenses:Losses", alone["currency"]): -Decimal(alone["difference"])}
    assert balances(path, "Losses") == lost


def test_a_lost_open_item_is_noticed_by_both(place: Path, tmp_path: Path) -> None:
    for name, check in (("j.beancount", bean_check), ("j.hledger", None)):
        whole = journal(place, name, *DAYS, "--opening").read_text("utf-8")
        broken = tmp_path / name
        broken.write_text(whole.replace("Assets:Clearing:Adyen", "Assets:Suspense:Adyen", 2))
        if check is not None:
            assert "Balance failed" in check(broken)
        else:
            command = [program("hledger"), "-f", str(broken), "check"]
            assert subprocess.run(command, capture_output=True, check=False).returncode == 1


def test_a_later_period_begins_with_what_the_one_before_has_left(place: Path) -> None:
    first = journal(place, "1.hledger", "--from", "2026-11-18", "--to", "2026-11-19", "--opening")
    then = journal(place, "2.hledger", "--date", "2026-11-20", "--opening")
    ended, began = (balances(path, "(Clearing|InTransit|Bank)") for path in (first, then))
    whole = balances(journal(place, "3.hledger", *DAYS, "--opening"), "(Clearing|InTransit)")
    assert ended
    assert {k: v for k, v in began.items() if "Clearing" in k[0] or "Transit" in k[0]} == whole
    assert bean_check(journal(place, "2.beancount", "--date", "2026-11-20", "--opening")) == ""


def test_the_day_folder_has_the_same_postings_and_an_entry_for_each_discrepancy(
    place: Path,
) -> None:
    whole = pl.read_csv(journal(place, "j.csv"), infer_schema=False)
    folders = sorted(place.glob("workspace/reports/2026-11-*/*/*/journal.csv"))
    days = pl.concat(pl.read_csv(path, infer_schema=False) for path in folders)
    assert days.sort(pl.all()).equals(whole.sort(pl.all()))
    for path in folders:
        proposed = pl.read_csv(path.with_name("proposed_entries.csv"), infer_schema=False)
        found = pl.read_csv(path.with_name("discrepancies.csv"), infer_schema=False)
        assert proposed["discrepancy_id"].to_list() == sorted(found["discrepancy_id"])
        assert proposed.filter(pl.col("debit").is_null() == pl.col("why_not").is_null()).height == 0


@pytest.mark.parametrize(
    ("setting", "said"),
    [
        ('[journal.accounts]\nfees = "Costs:{shop}"', "has {shop}; there are: provider, account"),
        ('[journal.accounts]\nsails = "Income:Sails"', "'sails' is not a role in the journal"),
        ('[[journal.override]]\nrole = "fees"\nname = "a;b"', "no semicolon"),
    ],
)
def test_a_wrong_chart_is_refused_with_what_is_right(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], setting: str, said: str
) -> None:
    copy_place(tmp_path, "alipay", "bank")
    path = tmp_path / "configs" / "recon.toml"
    text = path.read_text("utf-8")
    path.write_text(f"{text[: text.index('[journal')]}\n{setting}\n", encoding="utf-8")
    assert recon(tmp_path, "check") == 2
    assert said in capsys.readouterr().err
