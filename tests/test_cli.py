"""The command line as users meet it: what it prints, exit codes, what a mistake looks like."""

import json
import os
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import polars as pl
import pytest

from recon.cli import invoke
from recon.errors import ReconError
from recon.io.config import load_config
from recon.io.database import Database
from recon.io.days import Workspace
from tests.support import copy_place

ROOT = Path(__file__).parents[1]
SAMPLES = ROOT / "sample_statements"
Recon = Callable[..., int]


@pytest.fixture
def place(tmp_path: Path) -> Path:
    """Configuration and samples of one's own, to break."""
    copy_place(tmp_path, "paypal", "wechatpay")
    return tmp_path


@pytest.fixture
def recon(place: Path) -> Recon:
    def run(*arguments: object) -> int:
        common = ["--config", place / "configs", "--workspace", place / "workspace"]
        return invoke([str(argument) for argument in (*arguments, *common)])

    return run


@pytest.fixture
def begun(place: Path) -> None:
    """A workspace with nothing in it yet."""
    Workspace.begin(place / "workspace", load_config(place / "configs"))


@pytest.fixture
def ledger(place: Path, recon: Recon) -> Path:
    folder = place / "sample_statements" / "ledger"
    assert recon("ledger", "import", folder / "paypal.csv", folder / "wechatpay.csv") == 0
    return folder / "wechatpay.csv"


def _reports(place: Path, day: str = "2026-11-20", provider: str = "wechatpay/1600000001") -> Path:
    return place / "workspace" / "reports" / day / provider


def test_the_demo_finds_every_planted_type_and_nothing_else(
    place: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert invoke(["demo", "--workspace", str(place / "demo"), "--json"]) == 0
    answer = json.loads(capsys.readouterr().out)
    assert answer["as_planted"]
    assert len(answer["comparison"]) >= 12
    assert all(row["planted"] == row["found"] > 0 for row in answer["comparison"])
    assert {day["proved"] for day in answer["days"]} == {True, False}


def test_a_run_writes_the_promised_files(place: Path, recon: Recon, ledger: Path) -> None:
    assert recon("run", "--date", "2026-11-18") == 0
    names = {path.name for path in _reports(place, "2026-11-18").iterdir()}
    assert names == {
        "discrepancies.xlsx",
        "settlement.xlsx",
        "discrepancies.csv",
        "journal.csv",
        "proposed_entries.csv",
        "lines.parquet",
        "matches.parquet",
        "summary.json",
    }


def test_a_range_also_gets_a_summary(place: Path, recon: Recon, ledger: Path) -> None:
    recon("run", "--from", "2026-11-18", "--to", "2026-11-19")
    assert (place / "workspace/reports/2026-11-18_2026-11-19/summary.xlsx").is_file()


def test_running_a_day_twice_changes_not_a_byte(
    place: Path, recon: Recon, ledger: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    recon("run", "--date", "2026-11-18")
    before = {path: path.read_bytes() for path in _reports(place, "2026-11-18").iterdir()}
    capsys.readouterr()
    recon("run", "--date", "2026-11-18")
    assert "nothing changed" in capsys.readouterr().out
    assert before == {path: path.read_bytes() for path in _reports(place, "2026-11-18").iterdir()}


def test_a_corrected_ledger_supersedes_the_result_and_says_what_changed(
    place: Path, recon: Recon, ledger: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    recon("run", "--date", "2026-11-18", "--provider", "wechatpay")
    found = pl.read_csv(_reports(place, "2026-11-18") / "discrepancies.csv", infer_schema=False)
    wrong = found.filter(type="amount_mismatch")
    entry = json.loads(wrong["entry_ids"][0])[0]
    right = wrong["amount_provider"][0]
    entries = pl.read_csv(ledger, infer_schema=False).with_columns(
        amount=pl.when(pl.col("entry_id") == entry).then(pl.lit(right)).otherwise("amount")
    )
    corrected = place / "corrected.csv"
    entries.write_csv(corrected)
    assert recon("ledger", "import", corrected) == 0
    capsys.readouterr()
    recon("run", "--date", "2026-11-18", "--provider", "wechatpay")
    assert "0 new, 1 cleared, 0 changed" in capsys.readouterr().out
    kept = list((_reports(place, "2026-11-18") / "superseded").glob("*/discrepancies.xlsx"))
    assert len(kept) == 1


def test_a_corrected_file_supersedes_the_one_before(
    place: Path, recon: Recon, ledger: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    recon("run", "--date", "2026-11-18", "--provider", "wechatpay")
    folder = place / "sample_statements" / "wechatpay"
    file = folder / "1600000001_trade_all_2026-11-18.csv"
    lines = file.read_bytes().split(b"\r\n")
    lines[1], lines[2] = lines[2], lines[1]  # other bytes, the same money
    file.write_bytes(b"\r\n".join(lines))
    capsys.readouterr()
    assert recon("run", "--date", "2026-11-18", "--provider", "wechatpay") == 0
    assert "0 new, 0 cleared, 0 changed" in capsys.readouterr().out


def test_a_range_that_finds_the_same_on_other_inputs_says_so_once(
    place: Path, recon: Recon, ledger: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    days = ("--from", "2026-11-18", "--to", "2026-11-19", "--provider", "wechatpay")
    recon("run", *days)
    capsys.readouterr()
    assert recon("run", *days, "--lang", "zh") == 0
    told = capsys.readouterr().out
    assert "2 of 2 days of accounts: other inputs, the same result" in told
    assert "0 new" not in told


def test_a_missing_file_is_not_proved_and_nothing_is_called_missing_for_it(
    place: Path, recon: Recon, ledger: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    late = place / "sample_statements/wechatpay/1600000001_trade_all_2026-11-19.csv"
    data = late.read_bytes()
    late.unlink()
    base = ("--from", "2026-11-18", "--to", "2026-11-20", "--provider", "wechatpay")
    assert recon("run", *base, "--json") == 3
    days = json.loads(capsys.readouterr().out)["days"]
    assert not days[1]["proved"]
    types = {row["type"] for row in days[1]["discrepancies_by_type"]}
    assert types == {"file_missing"}
    late.write_bytes(data)  # it comes in the end: history is as if it had been there
    recon("run", *base)
    clean = place / "again"
    capsys.readouterr()
    invoke(["ledger", "import", str(ledger), "--config", str(place / "configs"),
            "--workspace", str(clean)])  # fmt: skip
    invoke(["run", *base, "--config", str(place / "configs"), "--workspace", str(clean)])
    for day in ("2026-11-18", "2026-11-19", "2026-11-20"):
        one = _reports(place, day) / "discrepancies.csv"
        two = clean / one.relative_to(place / "workspace")
        assert one.read_bytes() == two.read_bytes(), day


def test_discrepancies_can_be_filtered_and_exported(
    place: Path, recon: Recon, ledger: Path
) -> None:
    recon("run", "--from", "2026-11-18", "--to", "2026-11-20")
    out = place / "found.csv"
    assert recon("discrepancies", "--type", "amount_mismatch", "--out", out) == 0
    found = pl.read_csv(out, infer_schema=False)
    assert set(found["type"]) == {"amount_mismatch"}
    assert found.height >= 3


@pytest.mark.parametrize(
    ("command", "title"),
    [
        ("cases list", "案件"),
        ("discrepancies", "差异明细"),
        ("open-items --date 2026-11-18 --provider paypal", "未达账项 2026-11-18"),
        ("withdrawals --date 2026-11-18", "提现"),
    ],
)
def test_tables_of_the_terminal_have_their_title_in_the_language_that_is_asked_for(
    recon: Recon, begun: None, capsys: pytest.CaptureFixture[str], command: str, title: str
) -> None:
    if command.startswith("open-items"):
        recon("run", "--date", "2026-11-18", "--provider", "paypal")
        capsys.readouterr()
    assert recon(*command.split(), "--lang", "zh") == 0
    assert capsys.readouterr().out.splitlines()[0] == title
    assert recon(*command.split(), "--lang", "en") == 0
    assert not re.search("[\u4e00-\u9fff]", capsys.readouterr().out)


def test_fail_on_discrepancy_is_for_scripts(recon: Recon, ledger: Path) -> None:
    day = ("run", "--date", "2026-11-18", "--provider", "wechatpay")
    assert recon(*day) == 0
    assert recon(*day, "--fail-on-discrepancy") == 4


def test_a_report_of_some_accounts_is_shown_and_the_others_are_named(
    recon: Recon, ledger: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    recon("run", "--date", "2026-11-19", "--provider", "wechatpay")
    capsys.readouterr()
    assert recon("report", "--date", "2026-11-19") == 3
    out, err = capsys.readouterr()
    assert err == "recon: paypal RECONDEMO7US1 has no report of 2026-11-19\n"
    assert "2026-11-19 wechatpay 1600000001: proved\n" in out
    assert "paypal" not in out


def test_normalize_shows_and_writes_canonical_lines(place: Path, recon: Recon) -> None:
    statement = place / "sample_statements/paypal/STL-20261118.01.009.CSV"
    for suffix in ("csv", "jsonl", "parquet"):
        out = place / f"lines.{suffix}"
        assert recon("normalize", statement, "--out", out) == 0
        assert out.stat().st_size > 0
    csv = pl.read_csv(place / "lines.csv", infer_schema=False)
    parquet = pl.read_parquet(place / "lines.parquet")
    assert csv.height == parquet.height
    assert csv.columns == parquet.columns
    assert csv["occurred_at"][0].endswith("Z")


MISTAKES = [
    # what the user types, the exit code, what the one line says
    (["run"], 2, "say which day"),
    (["run", "--date", "20.11.2026"], 2, "'20.11.2026' is not a date; write it as YYYY-MM-DD"),
    (["run", "--date", "2026-02-30"], 2, "is not a date"),
    (["run", "--from", "0026-11-20", "--to", "2026-11-20"], 2, "is too far from today"),
    (["cases", "show", "99999999999999999999"], 2, "no case 99999999999999999999; recon cases"),
    (["run", "--from", "2026-11-20", "--to", "2026-11-18"], 2, "ends before it starts"),
    (["run", "--from", "2026-11-20"], 2, "say which day"),
    (["run", "--date", "2026-11-20", "--provider", "paypall"], 2, "no provider paypall"),
    (["run", "--date", "2026-11-20", "--account", "1"], 2, "no account 1"),
    (["run", "--date", "2026-11-20", "--dat", "x"], 2, "--dat"),
    (["rnu"], 2, "rnu"),
    (["sign-off", "list"], 2, "nothing is known to do with list; see: recon sign-off --help"),
    (["normalize", "no-such-file.csv"], 2, "no-such-file.csv"),
    (["cases", "list", "--as", ""], 2, "--as is empty"),
    (
        ["journal", "--from", "2026-11-18", "--to", "2026-11-18", "--out", "x.foo"],
        2,
        "end the name in .beancount, .bean, .hledger",
    ),
    (["ledger", "import", "no-such-file.csv"], 2, "no-such-file.csv"),
    (["discrepancies", "--type", "amount"], 2, "no discrepancy type amount"),
    (["report", "--date", "2026-11-20"], 3, "recon run --date 2026-11-20"),
]


@pytest.mark.parametrize(("arguments", "code", "text"), MISTAKES, ids=lambda v: str(v)[:40])
def test_a_mistake_is_one_line_and_exit_code(
    recon: Recon,
    begun: None,
    capsys: pytest.CaptureFixture[str],
    arguments: list[str],
    code: int,
    text: str,
) -> None:
    assert recon(*arguments) == code
    said = capsys.readouterr()
    assert said.out == ""
    assert text in said.err
    assert "Traceback" not in said.err
    assert len(said.err.strip().splitlines()) == 1, said.err


@pytest.mark.parametrize(
    "command",
    [
        *("status", "report --date 2026-11-20", "discrepancies", "withdrawals --date 2026-11-20"),
        *("cases list", "cases assign 1 ben", "files list --date 2026-11-20"),
        *("ledger show --date 2026-11-20", "journal --date 2026-11-20", "fees explain a:b:c"),
        *("open-items --date 2026-11-20", "changes --date 2026-11-20", "merchants show"),
        *("merchants settle --date 2026-11-20", "sign-off show", "sign-off verify", "audit verify"),
        "sign-off --date 2026-11-20",
    ],
)
def test_a_workspace_that_is_not_there_is_told_and_not_made(
    place: Path, capsys: pytest.CaptureFixture[str], command: str
) -> None:
    (place / "workspace").mkdir()  # a folder alone is none
    for folder in ("workspace", "wrokspace"):
        common = ["--config", str(place / "configs"), "--workspace", str(place / folder)]
        assert invoke([*command.split(), *common]) == 2
        assert capsys.readouterr().err == (
            f"recon: there is no workspace {place / folder}; name another one with --workspace, or "
            "begin it with: recon ledger import FILE, or recon run --date D\n"
        )
    assert list((place / "workspace").iterdir()) == []
    assert not (place / "wrokspace").exists()


def test_who_is_at_a_terminal_is_told_of_a_workspace_that_is_begun(
    place: Path,
    recon: Recon,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    file = place / "sample_statements" / "ledger" / "paypal.csv"
    for told in (f"recon: {place / 'workspace'} is a new workspace\n", ""):
        monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
        assert recon("ledger", "import", file) == 0
        assert capsys.readouterr().err == told


def test_before_the_first_run_a_check_and_the_tariffs_need_no_workspace(
    place: Path, recon: Recon, capsys: pytest.CaptureFixture[str]
) -> None:
    assert recon("check") == 0
    said = capsys.readouterr().out
    assert f"there is no workspace {place / 'workspace'} yet" in said
    assert "are in order" in said
    assert recon("fees", "show", "--date", "2026-11-20") == 0
    assert not (place / "workspace").exists()


def test_configuration_problems_are_all_told_at_once(
    place: Path, recon: Recon, capsys: pytest.CaptureFixture[str]
) -> None:
    wechat = place / "configs/providers/wechatpay.toml"
    wechat.write_text(
        wechat.read_text("utf-8")
        .replace("line_window_days", "line_window_dasy")
        .replace("Asia/Shanghai", "Asia/Beijing"),
        "utf-8",
    )
    fees = place / "configs/fees/paypal.toml"
    fees.write_text(fees.read_text("utf-8").replace('percent = "3.49"', "percent = 3.49"), "utf-8")
    assert recon("check") == 2
    lines = capsys.readouterr().err.strip().splitlines()
    assert len(lines) == 3
    assert any("line_window_dasy: there is no such setting" in line for line in lines)
    assert any("Asia/Beijing" in line for line in lines)
    assert any('write amounts and percentages in quotes, e.g. "0.6"' in line for line in lines)


@pytest.mark.parametrize(
    ("file", "setting", "wrong", "told"),
    [
        ("providers/wechatpay", "line_window_days = 1", "line_window_days = true", "whole number"),
        ("fees/paypal", 'percent = "3.49"', 'percent = "1e999"', "at most 20 digits before"),
        ("fees/paypal", 'percent = "3.49"', 'percent = "1e-19"', "and 18 behind"),
        (
            "providers/wechatpay",
            'title = "',
            'title = "two\\nlines',
            "wechatpay.toml: account.0.title: take the control character '\\n' out of 'two\\nlines",
        ),
        ("fees/paypal", 'name = "', 'name = "bell\\u0007', "the control character '\\x07' out of"),
        (
            "providers/wechatpay",
            'statements = ["',
            'statements = ["\\u2028',
            "account.0.statements.0: ",
        ),
    ],
)
def test_a_value_that_no_run_could_work_with_is_refused(
    place: Path, recon: Recon, capsys: pytest.CaptureFixture[str],
    file: str, setting: str, wrong: str, told: str,
) -> None:  # fmt: skip
    path = place / f"configs/{file}.toml"
    assert setting in path.read_text("utf-8")
    path.write_text(path.read_text("utf-8").replace(setting, wrong, 1), "utf-8")
    assert recon("check") == 2
    [line] = capsys.readouterr().err.strip().splitlines()
    assert told in line


def test_a_folder_where_a_file_of_the_configuration_belongs_is_told(
    place: Path, recon: Recon, capsys: pytest.CaptureFixture[str]
) -> None:
    (place / "configs" / "fees" / "stripe.toml").mkdir()
    assert recon("check") == 2
    assert "fees/stripe.toml cannot be read: Is a directory" in capsys.readouterr().err


def test_entries_of_an_account_that_is_not_configured_are_told(
    place: Path, recon: Recon, capsys: pytest.CaptureFixture[str]
) -> None:
    entries = place / "entries.csv"
    entries.write_text(
        "entry_id,provider,account,business_date,kind,currency,amount\n"
        "E1,paypal,RECONDEMO7US,2026-11-18,payment,USD,1.00\n"
        "E2,paypal,RECONDEMO7US1,2026-11-18,payment,USD,1.005\n"
    )
    assert recon("ledger", "import", entries, "--json") == 3
    said = capsys.readouterr()
    assert "1 entries are of paypal RECONDEMO7US, which is not configured" in said.err
    [reject] = json.loads(said.out)["rejects"]
    assert (reject["line_no"], reject["field"], reject["value"]) == (3, "amount", "1.005")


@pytest.mark.parametrize("command", ["discrepancies", "cases list", "changes", "audit export"])
def test_what_writes_a_file_says_so_to_machines_as_well(
    place: Path, recon: Recon, begun: None, capsys: pytest.CaptureFixture[str], command: str
) -> None:
    out = place / "out.csv"
    days = ["--from", "2026-11-18", "--to", "2026-11-20"] if command == "changes" else []
    named = [out] if command == "audit export" else ["--out", out]
    assert recon(*command.split(), *days, *named, "--json") == 0
    assert json.loads(capsys.readouterr().out) == {"rows": 0, "out": str(out)}


def test_a_tariff_whose_minimum_is_above_its_maximum_is_refused(
    place: Path, recon: Recon, capsys: pytest.CaptureFixture[str]
) -> None:
    fees = place / "configs/fees/paypal.toml"
    text = fees.read_text("utf-8").replace('minimum = "0.25"', 'minimum = "25.00"')
    fees.write_text(text, "utf-8")
    assert recon("check") == 2
    assert "minimum 25.00 is above maximum 15.00" in capsys.readouterr().err


def test_missing_configuration_says_where_it_looked(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    code = invoke(["run", "--date", "2026-11-20", "--config", str(tmp_path / "nowhere")])
    assert code == 2
    assert "nowhere/recon.toml" in capsys.readouterr().err


def _broken_files(place: Path) -> dict[str, tuple[bytes, int, str]]:
    """Name -> (bytes, exit code, what is said)."""
    good = (place / "sample_statements/wechatpay/1600000001_trade_all_2026-11-18.csv").read_bytes()
    lines = good.split(b"\r\n")
    return {
        "cut at a row boundary": (b"\r\n".join(lines[:40]) + b"\r\n", 3, "总交易单数"),
        "cut in mid-row": (good[: len(good) // 2], 2, "middle of a row"),
        "cut in the last cell": (b"\r\n".join(lines[:40]), 2, "middle of a row"),
        "GBK": (good.decode("utf-8-sig").encode("gbk"), 2, "is not UTF-8"),
        "not a statement": (b"hello,world\n1,2\n", 2, "no provider knows this format"),
        "empty": (b"", 2, "empty"),
        "without a column": (good.replace("手续费,".encode(), b"", 1), 2, "手续费"),
        "unknown currency": (good.replace(b"`CNY", b"`CNX", 1), 3, "CNX"),
    }


@pytest.mark.parametrize(
    "case",
    [
        "cut at a row boundary",
        "cut in mid-row",
        "cut in the last cell",
        "GBK",
        "not a statement",
        "empty",
        "without a column",
        "unknown currency",
    ],
)
def test_a_broken_file_is_said_exactly(
    place: Path, recon: Recon, capsys: pytest.CaptureFixture[str], case: str
) -> None:
    data, code, text = _broken_files(place)[case]
    file = place / "broken.csv"
    file.write_bytes(data)
    assert recon("normalize", file) == code
    said = capsys.readouterr()
    assert text in said.out + said.err
    assert "Traceback" not in said.err


def test_a_file_of_another_provider_is_refused(
    place: Path, recon: Recon, capsys: pytest.CaptureFixture[str]
) -> None:
    statement = place / "sample_statements/paypal/STL-20261118.01.009.CSV"
    assert recon("normalize", statement, "--provider", "wechatpay") == 2
    assert "this is a paypal settlement statement" in capsys.readouterr().err


def test_a_broken_file_in_the_folder_does_not_stop_the_others(
    place: Path, recon: Recon, ledger: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (place / "sample_statements/wechatpay/zz.csv").write_bytes(b"hello,world\n1,2\n")
    assert recon("run", "--date", "2026-11-18") == 3
    said = capsys.readouterr()
    assert "zz.csv" in said.err
    assert (_reports(place, "2026-11-18") / "discrepancies.xlsx").is_file()


def test_f47_two_runs_of_one_day_at_once_are_refused(
    place: Path, recon: Recon, ledger: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    from recon.io.locks import run_lock

    with run_lock(place / "workspace" / "locks", "wechatpay-1600000001-2026-11-18"):
        assert recon("run", "--date", "2026-11-18", "--provider", "wechatpay") == 2
    assert "another run" in capsys.readouterr().err


def test_a_ledger_file_that_is_refused_does_not_stop_the_others(
    place: Path, recon: Recon, ledger: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    other = place / "other.csv"
    other.write_text("a,b\n1,2\n", encoding="utf-8")
    capsys.readouterr()
    assert recon("ledger", "import", str(other), str(ledger)) == 2
    said = capsys.readouterr()
    assert said.out.startswith(f"{ledger}: 0 new, 0 changed, ")
    assert said.out.endswith(" unchanged, 0 rejected\n")
    assert said.err.startswith("recon: other.csv: none of its columns is one of a ledger;")
    assert said.err.endswith("; of this file nothing was taken\n")


def test_a_database_that_is_full_midway_is_told_beside_the_files_that_were_taken(
    recon: Recon, ledger: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    from recon.io.ledger import import_ledger

    def full_for_the_second(database: Database, file: Path, *rest: object) -> object:
        if file == ledger:
            raise ReconError("the database has no disk space left; nothing of this was recorded")
        return import_ledger(database, file, *rest)  # type: ignore[arg-type]

    monkeypatch.setattr("recon.io.ledger.import_ledger", full_for_the_second)
    first = ledger.with_name("paypal.csv")
    capsys.readouterr()
    assert recon("ledger", "import", first, ledger) == 3
    said = capsys.readouterr()
    assert said.out.startswith(f"{first}: 0 new, 0 changed, ")
    assert said.err == (
        f"recon: {ledger}: the database has no disk space left; nothing of this was recorded\n"
    )


def test_the_days_after_one_that_could_not_be_run_are_told(
    place: Path, recon: Recon, ledger: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    from recon.io.locks import run_lock

    days = ["--from", "2026-11-18", "--to", "2026-11-20", "--provider", "wechatpay"]
    with run_lock(place / "workspace" / "locks", "wechatpay-1600000001-2026-11-18"):
        assert recon("run", *days) == 2
    first, rest = capsys.readouterr().err.strip().splitlines()
    assert first.startswith("recon: wechatpay 1600000001 2026-11-18: another run")
    assert rest == (
        "recon: wechatpay 1600000001 2026-11-19 to 2026-11-20: not run, because 2026-11-18 was "
        "not; run the range again when that is mended"
    )


def test_what_a_terminal_cannot_show_stops_no_command() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "recon", "providers"], cwd=ROOT, capture_output=True, check=False,
        env={**os.environ, "PYTHONIOENCODING": "ascii"},
    )  # fmt: skip
    assert (done.returncode, done.stderr) == (0, b"")
    assert b"WeChat Pay" in done.stdout


def test_an_interruption_is_one_line(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupted(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("recon.console.show_providers", interrupted)
    assert invoke(["providers"]) == 130
    assert capsys.readouterr().err == "recon: interrupted; run it again, nothing is half-done\n"


def test_a_run_before_any_entry_says_where_entries_come_from(
    recon: Recon, capsys: pytest.CaptureFixture[str]
) -> None:
    assert recon("run", "--date", "2026-11-18") == 0
    assert (
        "no entries of these days; take them with: recon ledger import" in capsys.readouterr().out
    )


def test_entries_given_as_a_statement_and_an_option_before_the_command_are_told_the_way(
    recon: Recon, ledger: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert recon("normalize", str(ledger)) == 2
    assert "recon ledger import takes them" in capsys.readouterr().err
    assert invoke(["--workspace", "elsewhere", "demo"]) == 2
    assert "options come after the command" in capsys.readouterr().err
