"""`recon providers new`: what it drafts from a file of any form reads that file."""

import json
from io import BytesIO
from pathlib import Path

import polars as pl
import pytest
from openpyxl import Workbook

from recon.cli import invoke
from recon.io.config import load_config
from recon.settings import AccountSettings
from tests.golden import ROOT
from tests.support import copy_place
from tests.tools import shared_samples

EXPORTS = "bank/csv"  # of real banks, in the shared samples


@pytest.mark.parametrize("name", ["acquirer", "deg_cmb", "deg_icbc"])
def test_a_draft_can_be_loaded_and_reads_its_file(
    name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    copy_place(tmp_path, "bank")
    if name == "acquirer":
        sample = min((ROOT / "sample_statements" / "acquirer").glob("*.csv"))
    else:
        sample = shared_samples(f"{EXPORTS}/{name}.csv")
    config = ["--config", f"{tmp_path}/configs"]
    assert invoke(["providers", "new", "newbank", str(sample), *config]) == 0
    text = (tmp_path / "configs" / "providers" / "newbank.toml").read_text("utf-8")
    assert "DECIDE" in text
    accounts: list[AccountSettings] = list(load_config(tmp_path / "configs").accounts)
    assert [one.provider for one in accounts] == ["bank", "bank", "newbank"]
    capsys.readouterr()
    code = invoke(["normalize", str(sample), "--account", "1", "--json", *config])
    assert code == 3  # nothing proves such a file yet, and that is said
    found = json.loads(capsys.readouterr().out)
    assert found["files"][0]["provider"] == "newbank"
    assert found["files"][0]["line_count"] + found["files"][0]["reject_count"] > 4


TABLE = [
    ["Date", "Type", "Transaction ID", "Order", "Currency", "Amount", "Fee", "Status"],
    ["2026-11-20 10:00:00", "Sale", "T1", "O1", "USD", "1,250.50", "1.20", "Completed"],
    ["2026-11-20 11:30:00", "Refund", "T2", "R1", "USD", "-10.00", "0.00", "Completed"],
    ["2026-11-20 12:00:00", "Sale", "T3", "O2", "EUR", "7.00", "0.10", "Pending"],
]


def _workbook() -> bytes:
    book, out = Workbook(), BytesIO()
    book.active.title = "About"  # type: ignore[union-attr]
    sheet = book.create_sheet("Rows")
    for row in (["Export of account 4711-22"], [], *TABLE):
        sheet.append(row)
    book.save(out)
    return out.getvalue()


def _json() -> bytes:
    rows = [dict(zip(TABLE[0], row, strict=True)) for row in TABLE[1:]]
    return json.dumps({"meta": {"pages": 1}, "data": {"items": rows}}).encode()


def _fixed_width() -> bytes:
    widths = [max(len(row[place]) for row in TABLE) + 2 for place in range(len(TABLE[0]))]
    lines = ["".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
             for row in TABLE]  # fmt: skip
    return ("\n".join(lines) + "\n").encode()


@pytest.mark.parametrize(
    ("name", "data", "account"),
    [
        ("rows.xlsx", _workbook(), "4711-22"),
        ("rows.json", _json(), "1"),
        ("rows.txt", _fixed_width(), "1"),
        ("rows.csv", "\n".join(";".join(row) for row in TABLE).encode(), "1"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_draft_of_any_form_reads_its_file_as_it_is(
    name: str, data: bytes, account: str, tmp_path: Path
) -> None:
    copy_place(tmp_path, "bank")
    path, out = tmp_path / name, tmp_path / "lines.csv"
    path.write_bytes(data)
    config = ["--config", f"{tmp_path}/configs"]
    assert invoke(["providers", "new", "newone", str(path), *config]) == 0
    whose = load_config(tmp_path / "configs").accounts[-1].account
    assert whose == account
    invoke(["normalize", str(path), "--account", account, "--out", str(out), *config])
    lines = pl.read_csv(out, infer_schema=False)
    found = lines.select("kind", "txn_id", "merchant_ref", "currency", "gross", "fee", "status")
    assert found.rows() == [
        ("payment", "T1", "O1", "USD", "1250.5", "1.2", "succeeded"),
        ("refund", "T2", "R1", "USD", "-10", "0", "succeeded"),
        ("payment", "T3", "O2", "EUR", "7", "0.1", "pending"),
    ]
    assert lines["occurred_at"][1].startswith("2026-11-20T11:30:00")


def _read(tmp_path: Path, data: bytes) -> tuple[str, list[tuple[object, ...]]]:
    """The account that is drafted from a file, and the lines that are read by the draft."""
    copy_place(tmp_path, "bank")
    path, out = tmp_path / "rows.txt", tmp_path / "lines.csv"
    path.write_bytes(data)
    config = ["--config", f"{tmp_path}/configs"]
    assert invoke(["providers", "new", "newone", str(path), *config]) == 0
    account = load_config(tmp_path / "configs").accounts[-1].account
    invoke(["normalize", str(path), "--account", account, "--out", str(out), *config])
    lines = pl.read_csv(out, infer_schema=False)
    return account, lines.select("account", "txn_id", "gross").rows()


def test_a_column_of_types_tells_the_kinds(tmp_path: Path) -> None:
    rows = "日期,流水号,类型,金额\n2026-11-20,A1,消费,5.00\n2026-11-20,A2,手续费,-1.00\n"
    copy_place(tmp_path, "bank")
    (tmp_path / "rows.csv").write_text(rows, "utf-8")
    config = ["--config", f"{tmp_path}/configs"]
    assert invoke(["providers", "new", "newone", f"{tmp_path}/rows.csv", *config]) == 0
    drafted = (tmp_path / "configs/providers/newone.toml").read_text("utf-8")
    assert 'kind = "fee"\ncolumn = "类型"\nwords = ["手续费"]' in drafted


def test_columns_that_touch_begin_where_their_names_do(tmp_path: Path) -> None:
    touching = (
        b"DATE      ID        TYPE      AMOUNT      \n"
        b"2026-11-20F0001     SALE             12.50\n"
        b"2026-11-20F000200000FEE              -0.50\n"
    )
    _, lines = _read(tmp_path, touching)
    assert lines == [("1", "F0001", "12.5"), ("1", "F000200000", "-0.5")]


@pytest.mark.parametrize(
    ("above", "account"),
    [
        (["银行 对公账户交易明细", "账号：6230 5200 1111 2222"], "6230 5200 1111 2222"),
        (["账号：6230520011112222 2026-11-20"], "6230520011112222"),
        (["银行 对公账户交易明细"], "1"),
    ],
)
def test_the_number_of_an_account_is_told_from_words_and_kept_whole(
    tmp_path: Path, above: list[str], account: str
) -> None:
    rows = ["记账日期,流水号,交易金额,余额", "2026-11-20,A1,5.00,15.00", "2026-11-20,A2,1.00,16.00"]
    drafted, lines = _read(tmp_path, "\n".join([*above, *rows]).encode("gbk"))
    assert drafted == account
    assert {line[0] for line in lines} == {account}


def test_a_column_of_accounts_becomes_an_account_each(tmp_path: Path) -> None:
    copy_place(tmp_path, "bank")
    path = tmp_path / "rows.csv"
    rows = [["Account", *TABLE[0]], *(["A-1", *row] for row in TABLE[1:]), ["B-2", *TABLE[1]]]
    path.write_text("\n".join(";".join(row) for row in rows))
    assert invoke(["providers", "new", "newone", str(path), "--config", f"{tmp_path}/configs"]) == 0
    accounts = load_config(tmp_path / "configs").accounts
    assert [one.account for one in accounts if one.provider == "newone"] == ["A-1", "B-2"]


def test_the_accounts_of_counterparties_are_not_ours(tmp_path: Path) -> None:
    path = tmp_path / "rows.csv"
    path.write_text("Date;Amount;Counterparty account\n2026-11-20;1.00;X\n2026-11-20;2.00;Y\n")
    assert invoke(["providers", "new", "newone", str(path), "--out", str(tmp_path)]) == 0
    assert "account_column" not in (tmp_path / "newone.toml").read_text()


def test_a_draft_never_replaces_anything(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    sample = min((ROOT / "sample_statements" / "acquirer").glob("*.csv"))
    new = ["providers", "new"]
    out = ["--out", str(tmp_path)]
    assert invoke([*new, "house", str(sample), *out]) == 0
    assert invoke([*new, "house", str(sample), *out]) == 2
    assert "is there already" in capsys.readouterr().err
    assert invoke([*new, "stripe", str(sample), *out]) == 2
    assert "read by its own code" in capsys.readouterr().err
    assert invoke([*new, "My Bank", str(sample), *out]) == 2
    assert invoke([*new, "other", str(ROOT / "LICENSE"), *out]) == 2
    assert "no line looks like the header" in capsys.readouterr().err
