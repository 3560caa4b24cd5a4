"""`recon merchants` on the samples: statements, the bank's file, and that nothing is paid twice."""

import json
import shutil
from contextlib import nullcontext
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import openpyxl
import polars as pl
import pytest
import sepaxml
from lxml import etree
from polars.testing import assert_frame_equal

from recon.cli import invoke
from recon.errors import UserError
from recon.io import merchants
from recon.io.config import load_config
from recon.io.days import Workspace, read_ledger
from recon.io.runs import RunStore
from recon.periods import Period
from recon.tables import OPEN_ITEM
from tests.support import copy_place, frame_of

DAYS = ("--from", "2026-11-18", "--to", "2026-11-19")
SCHEMA = Path(sepaxml.__file__).parent / "schemas" / "pain.001.001.09.xsd"


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = tmp_path_factory.mktemp("place")
    ledgers = copy_place(place, "acquirer", "adyen", "bank", "stripe", "wechatpay")
    assert recon(place, "ledger", "import", *map(str, ledgers)) == 0
    accounts = [f"--provider={name}" for name in ("acquirer", "adyen", "stripe", "wechatpay")]
    assert recon(place, "run", "--from", "2026-11-18", "--to", "2026-11-20", *accounts) == 3
    return place


@pytest.fixture
def place(made: Path, tmp_path: Path) -> Path:
    shutil.copytree(made, tmp_path / "place")
    return tmp_path / "place"


def recon(place: Path, *words: str) -> int:
    return invoke([*words, "--config", f"{place}/configs", "--workspace", f"{place}/workspace"])


def settle(place: Path, *words: str) -> int:
    return recon(place, "merchants", "settle", *words)


def files(place: Path, pattern: str) -> list[Path]:
    return sorted((place / "workspace" / "merchants").glob(f"*/{pattern}"))


def test_the_file_for_the_bank_is_valid_and_adds_up(place: Path) -> None:
    assert settle(place, *DAYS) == 0
    (path,) = files(place, "*.xml")
    document = etree.parse(path)
    etree.XMLSchema(etree.parse(SCHEMA)).assertValid(document)
    names = {"p": "urn:iso:std:iso:20022:tech:xsd:pain.001.001.09"}
    amounts = [Decimal(one.text) for one in document.findall(".//p:InstdAmt", names)]
    header = document.find(".//p:GrpHdr", names)
    assert header is not None
    assert Decimal(header.findtext("p:CtrlSum", None, names) or "") == sum(amounts)
    assert header.findtext("p:NbOfTxs", None, names) == str(len(amounts)) == "4"
    blocks = document.findall(".//p:PmtInf", names)
    assert [block.findtext("p:ReqdExctnDt/p:Dt", None, names) for block in blocks] == [
        "2026-11-20",  # CNY, the day after
        "2026-11-20",  # EUR, on Friday
        "2026-11-23",  # two business days on
        "2026-11-30",  # on the last day of the month
    ]
    (table,) = files(place, "RECON-*.csv")
    rows = pl.read_csv(table, infer_schema=False)
    assert sorted(rows["amount"]) == sorted(f"{amount:.2f}" for amount in amounts)
    assert rows["pay_on"].str.to_date().min() == date(2026, 11, 20)


def test_settling_again_gives_the_same_files_and_pays_nothing_again(
    place: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert settle(place, *DAYS) == 0
    before = {path: path.read_bytes() for path in files(place, "*")}
    capsys.readouterr()
    assert settle(place, *DAYS) == 0
    assert "settled before, with the same result" in capsys.readouterr().out
    assert {path: path.read_bytes() for path in files(place, "*")} == before


def test_another_result_for_the_same_days_is_refused_until_it_is_asked_for(
    place: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert settle(place, *DAYS, "--merchant", "SHOP-ADYEN") == 0
    config = place / "configs" / "merchants.toml"
    config.write_text(config.read_text("utf-8").replace('percent = "1.8"', 'percent = "1.9"'))
    assert settle(place, *DAYS, "--merchant", "SHOP-ADYEN") == 2
    assert "settled already, with another result" in capsys.readouterr().err
    assert settle(place, *DAYS, "--merchant", "SHOP-ADYEN", "--supersede") == 0
    capsys.readouterr()
    assert recon(place, "merchants", "show", "--json") == 0
    assert capsys.readouterr().out.count('"SHOP-ADYEN"') == 1
    config.write_text(config.read_text("utf-8").replace('percent = "1.9"', 'percent = "1.8"'))
    assert settle(place, *DAYS, "--merchant", "SHOP-ADYEN", "--supersede") == 0  # back again


def test_who_was_settled_before_is_in_the_file_he_was_in_and_in_no_other(place: Path) -> None:
    def payees() -> list[str]:
        tables = [pl.read_csv(path, infer_schema=False) for path in files(place, "RECON-*.csv")]
        return sorted(name for table in tables for name in table["remittance"])

    assert settle(place, *DAYS, "--merchant", "SHOP-ADYEN", "--merchant", "SHOP-STRIPE") == 0
    first = files(place, "RECON-*")
    assert settle(place, *DAYS, "--merchant", "SHOP-ADYEN") == 0
    assert files(place, "RECON-*") == first
    assert settle(place, *DAYS) == 0
    assert len(files(place, "*.xml")) == 2
    every = payees()
    assert len(every) == len(set(every)) == 4


def test_two_that_settle_one_merchant_at_once_do_not_pay_a_day_twice(
    place: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    record = merchants._record

    def meanwhile(*given: Any) -> bool:
        monkeypatch.setattr(merchants, "_record", record)
        assert settle(place, "--date", "2026-11-18", "--merchant", "SHOP-ADYEN") == 0
        return record(*given)

    monkeypatch.setattr(merchants, "_record", meanwhile)
    assert settle(place, *DAYS, "--merchant", "SHOP-ADYEN") == 2
    assert "SHOP-ADYEN was settled by somebody else just now" in capsys.readouterr().err
    assert [path.parent.name for path in files(place, "*.xlsx")] == ["2026-11-18"]


def test_a_settlement_whose_days_were_run_again_otherwise_is_told_at_once(
    place: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert settle(place, *DAYS) == 0

    def told(*words: str) -> list[str]:
        capsys.readouterr()
        recon(place, *words)
        return [
            line.removeprefix("settled otherwise: ")
            for line in capsys.readouterr().out.splitlines()
            if line.startswith("settled otherwise: ")
        ]

    def run_again() -> None:
        recon(place, "run", "--date", "2026-11-19", "--provider", "adyen", "--no-fetch")

    path = place / "configs" / "providers" / "adyen.toml"
    text = path.read_text("utf-8")
    path.write_text(text.replace('fx_tolerance_percent = "2"', 'fx_tolerance_percent = "3"'))
    run_again()  # another run, with the same outcome for the merchant
    assert told("merchants", "show") == []
    entries = place / "sample_statements" / "ledger" / "adyen.csv"
    rows = entries.read_text("utf-8").splitlines()
    sold = next(row for row in rows if ",2026-11-19," in row and ",payment," in row)
    moved = rows[0] + "\n" + sold.replace("SHOP-ADYEN", "SHOP-OTHER") + "\n"
    (place / "moved.csv").write_text(moved, "utf-8")
    assert recon(place, "ledger", "import", str(place / "moved.csv")) == 0
    run_again()
    (said,) = told("status")
    assert told("merchants", "show") == [said]
    assert said.startswith("SHOP-ADYEN 2026-11-18_2026-11-19: days were run again since")
    assert " EUR would be owed instead of " in said
    assert settle(place, *DAYS, "--merchant", "SHOP-ADYEN", "--supersede") == 0
    assert told("status") == []


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (("--date", "2026-11-18"), 2, "is settled up to 2026-11-19; the next period starts on"),
        (("--from", "2026-11-19", "--to", "2026-11-20"), 2, "the next period starts on 2026-11-20"),
        (("--date", "2026-11-21"), 3, "was not run yet; run it with: recon run --date 2026-11-21"),
        (("--date", "2026-11-20", "--merchant", "SHOP"), 2, "no merchant SHOP; configured:"),
    ],
)
def test_days_are_settled_once_and_in_order(
    place: Path, capsys: pytest.CaptureFixture[str], words: tuple[str, ...], code: int, said: str
) -> None:
    assert settle(place, *DAYS, "--merchant", "SHOP-ADYEN") == 0
    more = () if "--merchant" in words else ("--merchant", "SHOP-ADYEN")
    assert settle(place, *words, *more) == code
    assert said in capsys.readouterr().err


def test_reports_that_are_not_of_the_run_pay_nobody(
    place: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    [summary] = (place / "workspace/reports/2026-11-18/adyen").glob("*/summary.json")
    run_id = json.loads(summary.read_text("utf-8"))["run_id"]
    summary.write_text(summary.read_text("utf-8").replace(run_id, "0" * len(run_id)), "utf-8")
    assert settle(place, *DAYS, "--merchant", "SHOP-ADYEN") == 3
    assert "is not the report of its run; make it again with: recon run" in capsys.readouterr().err


def test_a_day_that_entries_have_come_for_since_pays_nobody_until_it_is_run_again(
    place: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    entries = place / "sample_statements" / "ledger" / "adyen.csv"
    head, *rows = entries.read_text("utf-8").splitlines()
    sold = next(row for row in rows if ",2026-11-19," in row and ",payment," in row)
    late = place / "late.csv"
    late.write_text(f"{head}\n{sold.replace(sold.split(',')[0], 'LATE', 1)}\n", "utf-8")
    assert recon(place, "ledger", "import", str(late)) == 0
    capsys.readouterr()
    assert settle(place, *DAYS, "--merchant", "SHOP-ADYEN") == 3
    assert "2026-11-19 is stale" in capsys.readouterr().err
    assert not files(place, "*")
    recon(place, "run", "--date", "2026-11-19", "--provider", "adyen", "--cascade")
    assert settle(place, *DAYS, "--merchant", "SHOP-ADYEN") == 0


def test_what_was_open_before_and_met_its_entry_in_the_period_is_owed_in_it(place: Path) -> None:
    opened = Workspace.open(place / "workspace", load_config(place / "configs"))
    everyone, day = merchants.merchants_named(opened, None), date(2026, 11, 19)
    alone, both = (
        merchants._lines(opened, everyone, Period(first, day), unproved=True)
        for first in (day, date(2026, 11, 18))
    )
    earlier = alone.filter(pl.col("business_date") < day)
    assert set(earlier["merchant"]) == {"SHOP-CN"}
    assert sorted(earlier["state"]) == ["held_back", "settled"]
    told = [frame.filter(business_date=day).sort("line_id") for frame in (alone, both)]
    assert_frame_equal(*told)  # entries that were open before have their merchant, too


def test_no_day_is_passed_over(place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert settle(place, "--date", "2026-11-18", "--merchant", "SHOP-ADYEN") == 0
    assert settle(place, "--date", "2026-11-20", "--merchant", "SHOP-ADYEN") == 2
    assert "the next period starts on 2026-11-19, not on 2026-11-20" in capsys.readouterr().err


def test_the_first_settlement_leaves_no_earlier_money_out_unless_that_is_asked_for(
    place: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    late = ("--date", "2026-11-19", "--merchant", "SHOP-ADYEN")
    assert settle(place, *late) == 2
    said = " ".join(capsys.readouterr().err.split())
    assert (
        "SHOP-ADYEN was never settled, and has money in adyen ReconDemoEU since 2026-11-18" in said
    )
    assert not files(place, "*")
    assert settle(place, *late, "--skip-earlier") == 0
    assert settle(place, *late) == 0  # which was asked for once and for all


def test_entries_that_still_wait_hold_up_no_first_settlement(
    made: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened = Workspace.open(made / "workspace", load_config(made / "configs"))
    (shop,) = merchants.merchants_named(opened, ["SHOP-ADYEN"])
    (account,) = (one for one in opened.config.accounts if one.provider == "adyen")
    entries = read_ledger(opened, account, date(2026, 11, 18)).frame
    his = entries.filter(merchant_id="SHOP-ADYEN")["entry_id"]
    assert his.len() > 1
    for count, is_refused in ((his.len(), False), (his.len() - 1, True)):
        waiting = [{"side": "entry", "item_id": name} for name in his.head(count)]
        left = frame_of(OPEN_ITEM, waiting)
        monkeypatch.setattr(RunStore, "open_items_before", lambda *given, left=left: left)
        day = Period(date(2026, 11, 19), date(2026, 11, 19))
        with pytest.raises(UserError) if is_refused else nullcontext():
            merchants._refuse_late_start(opened, shop, day)


def test_what_may_be_of_several_merchants_is_listed_though_it_is_on_no_statement(
    place: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    def settled() -> dict[str, Any]:
        capsys.readouterr()
        assert settle(place, *DAYS, "--json") == 0
        return json.loads(capsys.readouterr().out)  # type: ignore[no-any-return]

    def held_back(found: dict[str, Any], merchant: str) -> Decimal:
        rows = [row for row in found["settlements"] if row["merchant"] == merchant]
        return sum((Decimal(row["held_back"]) for row in rows), Decimal(0))

    shutil.copytree(place, place.with_name("alone"))
    alone = settled()
    assert alone["held_back_of_nobody"] == []
    assert held_back(alone, "SHOP-ADYEN") > 0
    shutil.rmtree(place)
    shutil.copytree(place.with_name("alone"), place)
    config = place / "configs" / "merchants.toml"
    shared = 'accounts = ["acct_RECONDEMO0001", "ReconDemoEU"]'
    text = config.read_text("utf-8").replace('accounts = ["acct_RECONDEMO0001"]', shared)
    config.write_text(text, "utf-8")
    found = settled()
    assert held_back(found, "SHOP-ADYEN") == 0
    listed = sum(Decimal(row["gross"]) for row in found["held_back_of_nobody"])
    assert listed == held_back(alone, "SHOP-ADYEN")
    assert settle(place, *DAYS) == 0
    assert "nothing proves which merchant it is of" in capsys.readouterr().out


def test_a_merchant_named_like_a_path_is_only_a_name(place: Path) -> None:
    name = "../../../evil"
    config = place / "configs" / "merchants.toml"
    config.write_text(config.read_text("utf-8").replace("SHOP-STRIPE", name), "utf-8")
    assert settle(place, *DAYS, "--merchant", name) == 0
    assert not (place / "evil.xlsx").exists()
    [statement] = (place / "workspace/merchants/2026-11-18_2026-11-19").glob("*.xlsx")
    assert "evil" in statement.name


def test_a_day_that_is_not_proved_is_paid_only_when_that_is_asked_for(
    place: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert settle(place, *DAYS, "--merchant", "SHOP-CN") == 0
    assert settle(place, "--date", "2026-11-20", "--merchant", "SHOP-CN") == 3
    assert "is not proved (1 row(s) were not understood)" in capsys.readouterr().err
    assert settle(place, "--date", "2026-11-20", "--merchant", "SHOP-CN", "--unproved") == 0


def test_the_next_period_brings_back_the_reserve_and_what_was_carried(place: Path) -> None:
    assert settle(place, *DAYS, "--merchant", "SHOP-STRIPE", "--merchant", "SHOP-ADYEN") == 0
    assert settle(place, "--date", "2026-11-20", "--merchant", "SHOP-STRIPE") == 0
    book = openpyxl.load_workbook(place / "workspace/merchants/2026-11-20/SHOP-STRIPE.xlsx")
    cells = {row[0]: row[1:] for row in book.worksheets[0].iter_rows(values_only=True)}
    first = openpyxl.load_workbook(
        place / "workspace/merchants/2026-11-18_2026-11-19/SHOP-STRIPE.xlsx", data_only=True
    )
    carried = {row[0]: row[1:] for row in first.worksheets[0].iter_rows(values_only=True)}
    assert cells["Brought forward"] == carried["Carried forward"]
    assert [sheet.title for sheet in book.worksheets] == ["Summary", "Lines"]


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("NL33 BOEK", "NL34 BOEK", "is no IBAN: its check digits are wrong"),
        ('cycle = "T+2"', 'cycle = "T2"', "'T2' is no settlement cycle; write T+1"),
        ('["ReconDemoEU"]', '["Unknown"]', "account Unknown is not configured"),
        ('account = "SHOP-CN"', 'account = "SHOP-X"', "is for SHOP-X, which is no merchant"),
        ('calendar = "XECB"', 'calendar = "Mars"', "'Mars' is no calendar"),
        ('percent = "1.8"', 'percent = "1.8"\nfree_count = 3', "counts over days"),
        ('on_refund = "returned"', 'on_refund = "recomputed"', "needs the payment of a refund"),
        ('percent = "1.8"', 'percent = "1.8"\nround_per = "batch"', "is rounded once a batch"),
        ('[[payer]]\ncurrency = "CNY"', '[[payer]]\ncurrency = "HKD"', "which no [[payer]] has"),
    ],
)
def test_what_is_wrong_with_merchants_is_told_before_anything_is_paid(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], old: str, new: str, said: str
) -> None:
    copy_place(tmp_path, "acquirer", "adyen", "bank", "stripe", "wechatpay")
    path = tmp_path / "configs" / "merchants.toml"
    text = path.read_text("utf-8")
    assert old in text
    path.write_text(text.replace(old, new, 1), encoding="utf-8")
    assert recon(tmp_path, "check") == 2
    assert said in capsys.readouterr().err
