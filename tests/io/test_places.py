"""One file of several accounts or days serves each of them as a file of its own would."""

import json
import re
import shutil
from collections.abc import Callable, Sequence
from pathlib import Path

import polars as pl
import pytest

from recon.cli import invoke
from tests.support import ROOT, copy_place

DAYS = ("2026-11-18", "2026-11-19")


def run(place: Path, *words: str) -> int:
    return invoke([*words, "--config", f"{place}/configs", "--workspace", f"{place}/workspace"])


def run_days(place: Path, account: str) -> int:
    return run(place, "run", "--from", DAYS[0], "--to", DAYS[-1], "--account", account)


def outcome(place: Path, account: str) -> tuple[int, dict[str, str], list[bool]]:
    """The exit code, the differences by report, and which days are proved."""
    code = run_days(place, account)
    reports = place / "workspace" / "reports"
    found = {
        str(path.relative_to(reports)): path.read_text("utf-8")
        for path in sorted(reports.glob("*/*/*/discrepancies.csv"))
    }
    proved = [
        json.loads(path.with_name("summary.json").read_text("utf-8"))["proved"]
        for path in sorted(reports.glob("*/*/*/discrepancies.csv"))
    ]
    return code, found, proved


def joined_text(files: Sequence[str]) -> str:
    return "\n".join(files)


def joined_xml(files: Sequence[str]) -> str:
    """The statements of all files in the document of the first."""
    statements = [re.findall(r"<Stmt>.*?</Stmt>", text, re.DOTALL) for text in files]
    inside = "".join(one for found in statements for one in found)
    return re.sub(r"<Stmt>.*</Stmt>", lambda _: inside, files[0], flags=re.DOTALL)


def joined_json(files: Sequence[str]) -> str:
    return json.dumps([part for text in files for part in json.loads(text)])


def joined_sections(files: Sequence[str]) -> str:
    """A PayPal report with the sections of all files, vouched for by its count."""
    sections = []
    for text in files:
        sections += text[text.index('"SH"') : text.index('"RF"')].splitlines()
    rows = sum(line.startswith('"SB"') for line in sections)
    head = files[0][: files[0].index('"SH"')].splitlines()
    return "\n".join([*head, *sections, f'"RC",{rows}', f'"FF",{rows}', ""])


@pytest.mark.parametrize(
    ("provider", "account", "pattern", "join"),
    [
        ("bank", "6222021000001234567", "6222*.sta", joined_text),
        ("bank", "NL02RECO0123456789", "NL02*.xml", joined_xml),
        ("stripe", "acct_RECONDEMO0001", "*.json", joined_json),
        ("paypal", "RECONDEMO7US1", "STL*.CSV", joined_sections),
    ],
)
def test_a_file_of_several_days_proves_what_a_file_a_day_proves(
    provider: str, account: str, pattern: str, join: Callable[[Sequence[str]], str], tmp_path: Path
) -> None:
    single, whole = tmp_path / "single", tmp_path / "whole"
    for place in (single, whole):
        ledgers = copy_place(place, *{provider, "bank"})
        assert run(place, "ledger", "import", *map(str, ledgers)) == 0
    paths = sorted((whole / "sample_statements" / provider).glob(pattern))[: len(DAYS)]
    texts = [path.read_text("utf-8") for path in paths]
    for path in paths:
        path.unlink()
    (whole / "sample_statements" / provider / "all").write_text(join(texts), "utf-8")
    assert outcome(whole, account) == outcome(single, account)


def test_a_report_of_two_accounts_serves_both(tmp_path: Path) -> None:
    ledgers = copy_place(tmp_path, "paypal")
    assert run(tmp_path, "ledger", "import", *map(str, ledgers)) == 0
    settings = tmp_path / "configs" / "providers" / "paypal.toml"
    text = settings.read_text("utf-8")
    account = text[text.index("[[account]]") :]
    settings.write_text(text + "\n" + account.replace("RECONDEMO7US1", "SECOND0000US2"), "utf-8")
    folder = tmp_path / "sample_statements" / "paypal"
    path = folder / "STL-20261118.01.009.CSV"
    one = path.read_text("utf-8")
    path.write_text(joined_sections([one, one.replace("RECONDEMO7US1", "SECOND0000US2")]), "utf-8")
    assert run(tmp_path, "run", "--date", DAYS[0], "--provider", "paypal") == 0
    reports = tmp_path / "workspace" / "reports" / DAYS[0] / "paypal"
    first, second = (
        json.loads((reports / account / "summary.json").read_text("utf-8"))
        for account in ("RECONDEMO7US1", "SECOND0000US2")
    )
    assert first["proved"]
    assert second["proved"]  # with an empty ledger: its lines wait, and none is the other's
    assert [one["rejected_count"] for one in (first, second)] == [0, 0]
    lines_left = [
        sum(left["row_count"] for left in one["open_items"] if left["side"] == "line")
        for one in (first, second)
    ]
    assert lines_left == [1, 84]


def test_the_bill_of_a_service_provider_serves_each_sub_merchant(tmp_path: Path) -> None:
    ledgers = copy_place(tmp_path, "wechatpay")
    assert run(tmp_path, "ledger", "import", *map(str, ledgers)) == 0
    settings = tmp_path / "configs" / "providers" / "wechatpay.toml"
    text = settings.read_text("utf-8").replace(', "fund_flow"]', "]")
    second = text[text.index("[[account]]") :].replace('"1600000001"', '"1600000002"')
    settings.write_text(f"{text}\n{second}", "utf-8")
    folder = tmp_path / "sample_statements" / "wechatpay"
    path = folder / f"1600000001_trade_all_{DAYS[0]}.csv"
    rows = path.read_text("utf-8").splitlines(keepends=True)
    for number, row in enumerate(rows):
        whose = "1600000002" if number % 2 else "1600000001"
        rows[number] = row.replace("`1600000001,`0,", f"`1500000000,`{whose},")
    path.write_text("".join(rows), "utf-8")
    (tmp_path / "configs" / "merchants.toml").unlink(missing_ok=True)
    run(tmp_path, "run", "--date", DAYS[0])
    reports = tmp_path / "workspace" / "reports" / DAYS[0] / "wechatpay"
    found = {
        path.parent.name: json.loads(path.read_text("utf-8"))
        for path in sorted(reports.glob("*/summary.json"))
    }
    assert {account: one["proved"] for account, one in found.items()} == {
        "1600000001": True,
        "1600000002": True,
    }
    counts = [pl.read_parquet(path).height for path in reports.glob("*/lines.parquet")]
    data_rows = sum(row.startswith("`2026") for row in rows)
    assert sum(counts) == data_rows
    assert abs(counts[0] - counts[1]) <= 1


@pytest.mark.parametrize(
    ("name", "days", "expected"),
    [
        (
            "turnover.csv",
            DAYS[:2],
            [("100", "110"), ("500", "520"), ("110", "105"), ("520", "521")],
        ),
        ("turnover 2026-11-18.csv", DAYS[:1], [("100", "110"), ("500", "520")]),
    ],
)
def test_a_described_file_with_a_column_of_accounts_serves_each_account(
    tmp_path: Path, name: str, days: Sequence[str], expected: list[tuple[str, str]]
) -> None:
    copy_place(tmp_path, "acquirer")
    shutil.rmtree(tmp_path / "sample_statements" / "acquirer")
    (tmp_path / "sample_statements" / "acquirer").mkdir()
    (tmp_path / "sample_statements" / "acquirer" / name).write_text(
        "Who;Date;Amount;Balance;No\n"
        + "A-1;2026-11-18;10.00;110.00;1\n"
        + "B-2;2026-11-18;20.00;520.00;2\n"
        + ("A-1;2026-11-19;-5.00;105.00;3\nB-2;2026-11-19;1.00;521.00;4\n" if days[1:] else "")
    )
    account = (
        '[[account]]\naccount = "%s"\ntitle = "Cards"\ntime_zone = "UTC"\nstatements = ["rows"]\n'
    )
    (tmp_path / "configs" / "fees" / "acquirer.toml").unlink()
    (tmp_path / "configs" / "providers" / "acquirer.toml").write_text(
        '[source]\nchannel = "folder"\npath = "sample_statements/acquirer"\n'
        + account % "A-1"
        + account % "B-2"
        + '[[statement]]\nname = "rows"\ntitle = "rows"\ntime_zone = "UTC"\nseparator = ";"\n'
        'account_column = "Who"\ndate_column = "Date"\ndate_format = "%Y-%m-%d"\n'
        'currency = "EUR"\ncolumns = { txn_id = "No" }\n'
        'amount = { column = "Amount", balance = "Balance" }\nkind = [{ kind = "transfer" }]\n'
    )
    assert run(tmp_path, "run", "--from", days[0], "--to", days[-1]) == 0
    batches = [
        json.loads(path.read_text("utf-8"))["batches"][0]
        for path in sorted((tmp_path / "workspace" / "reports").glob("*/acquirer/*/summary.json"))
    ]
    ends = [(batch["opening_balance"], batch["closing_balance"]) for batch in batches]
    assert ends == expected


def test_a_later_day_may_correct_one_day_of_a_file_of_several(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    ledgers = copy_place(tmp_path, "bank")
    assert run(tmp_path, "ledger", "import", *map(str, ledgers)) == 0
    folder = tmp_path / "sample_statements" / "bank"
    paths = sorted(folder.glob("6222*.sta"))[: len(DAYS)]
    (folder / "all.sta").write_text("\n".join(path.read_text("utf-8") for path in paths), "utf-8")
    kept = [path.read_bytes() for path in paths]
    for path in paths:
        path.unlink()
    account = "6222021000001234567"
    run_days(tmp_path, account)
    capsys.readouterr()
    paths[1].write_bytes(kept[1])  # the bank sends the 19th once more, by itself
    run_days(tmp_path, account)
    said = capsys.readouterr().out
    assert said.count("nothing changed since the run before") == 1
    reports = tmp_path / "workspace" / "reports" / DAYS[1] / "bank" / account
    summary = json.loads((reports / "summary.json").read_text("utf-8"))
    assert [file["name"] for file in summary["files"]] == [paths[1].name]


def test_a_gap_in_the_numbers_of_adyens_batches_is_told_until_it_is_filled(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    ledgers = copy_place(tmp_path, "adyen", "bank")
    assert run(tmp_path, "ledger", "import", *map(str, ledgers)) == 0
    lost = tmp_path / "sample_statements" / "adyen" / "settlement_detail_report_batch_412.csv"
    kept = lost.read_bytes()
    lost.unlink()
    day = ["run", "--date", "2026-11-20", "--account", "ReconDemoEU"]
    assert run(tmp_path, *day) == 3
    reports = tmp_path / "workspace" / "reports" / "2026-11-20" / "adyen" / "ReconDemoEU"
    found = (reports / "discrepancies.csv").read_text("utf-8")
    assert "The settlement_detail 412 statement of 2026-11-20 has not been delivered" in found
    lost.write_bytes(kept)
    assert run(tmp_path, *day) == 0
    assert "file_missing" not in (reports / "discrepancies.csv").read_text("utf-8")


def test_a_cut_off_decides_which_days_an_export_is_of(tmp_path: Path) -> None:
    copy_place(tmp_path, "tpwallet")
    settings = tmp_path / "configs" / "providers" / "tpwallet.toml"
    text = settings.read_text("utf-8").replace('["transfers"]', '["etherscan_erc20"]')
    settings.write_text(text.replace('"UTC"', '"UTC"\ncut_off = "11:00"'), "utf-8")
    folder = tmp_path / "sample_statements" / "tpwallet"
    for path in folder.iterdir():
        path.unlink()
    other = ROOT / "sample_statements" / "other" / "tpwallet"
    (export,) = other.glob("*_erc20_2026-11-18.csv")  # of 10:00 and 12:00
    shutil.copy(export, folder / "export.csv")
    run(tmp_path, "run", "--from", DAYS[0], "--to", DAYS[1])
    counts = {
        path.parts[-4]: pl.read_parquet(path).height
        for path in (tmp_path / "workspace" / "reports").glob("*/tpwallet/*/lines.parquet")
    }
    assert counts == {DAYS[0]: 1, DAYS[1]: 1}


def test_a_cut_off_of_statements_that_state_their_own_days_is_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    copy_place(tmp_path, "wechatpay")
    settings = tmp_path / "configs" / "providers" / "wechatpay.toml"
    text = settings.read_text("utf-8")
    settings.write_text(text.replace("line_window", 'cut_off = "23:00"\nline_window'), "utf-8")
    assert run(tmp_path, "check") == 2
    assert "cut_off means nothing for them" in capsys.readouterr().err
