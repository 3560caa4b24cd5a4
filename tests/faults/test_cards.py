"""F54, F55: a card number in free text is nowhere but in the raw file; neither is a secret."""

import logging
import sqlite3
from pathlib import Path

import polars as pl
import pytest

from recon.cli import invoke
from recon.masking import masked
from tests.sftp_server import misbehaving
from tests.support import copy_place

CARD = "4111111111111111"
SPACED = "4111 1111 1111 1111"
DAY = "2026-11-18"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (CARD, "411111******1111"),
        (f"card {SPACED}!", "card 411111******1111!"),
        ("4111-1111-1111-1111", "411111******1111"),
        ("378282246310005", "378282*****0005"),
        ("4111111111111112", "4111111111111112"),
        ("x" * 30, "x" * 30),
        ("00004111111111111111000", "00004111111111111111000"),
    ],
)
def test_f54_a_card_number_keeps_six_and_four_digits(text: str, expected: str) -> None:
    assert masked(text) == expected


def test_f54_a_reference_of_the_same_row_stays_whole() -> None:
    assert masked(f"order {CARD}", keep={CARD}) == f"order {CARD}"
    assert masked(f"order SO{CARD}", keep=[None, f"SO{CARD}"]) == f"order SO{CARD}"
    assert masked(f"order {CARD}", keep=["SO4111", None]) == "order 411111******1111"


def test_f54_a_card_number_is_masked_in_everything_that_is_kept(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, capsys: pytest.CaptureFixture[str]
) -> None:
    caplog.set_level(logging.DEBUG)
    [ledger] = copy_place(tmp_path, "wechatpay")
    common = ["--config", f"{tmp_path}/configs", "--workspace", f"{tmp_path}/workspace"]
    entries = pl.read_csv(ledger, infer_schema=False)
    entries.with_columns(memo=pl.lit(f"paid with {CARD}")).write_csv(ledger)
    bill = tmp_path / f"sample_statements/wechatpay/1600000001_trade_all_{DAY}.csv"
    header, first, rest = bill.read_bytes().decode().split("\r\n", 2)
    names = header.removeprefix("\ufeff").split(",")
    cells = first.split(",")
    cells[names.index("商品名称")] = f"`gift {SPACED}"
    bill.write_bytes("\r\n".join([header, ",".join(cells), rest]).encode())
    assert invoke(["ledger", "import", str(ledger), *common]) == 0
    assert invoke(["run", "--date", DAY, *common]) in (0, 3)
    assert invoke(["ledger", "show", "--date", DAY, *common]) == 0
    lines = next((tmp_path / "workspace").rglob("lines.parquet"))
    described = pl.read_parquet(lines)["description"].drop_nulls()
    assert described.str.contains("gift 411111******1111", literal=True).sum() == 1
    with sqlite3.connect(tmp_path / "workspace" / "recon.db") as database:
        memos = {memo for (memo,) in database.execute("SELECT memo FROM ledger_entry")}
    assert memos == {"paid with 411111******1111"}
    kept = [path for path in (tmp_path / "workspace").rglob("*") if path.is_file()]
    raw = [path for path in kept if "inbox" in path.parts]
    told = [path for path in kept if path not in raw and (path.suffix in {".csv", ".json", ".db"})]
    for number in (CARD, SPACED):
        assert not [path for path in told if number.encode() in path.read_bytes()]
        assert number not in caplog.text + capsys.readouterr().out
    assert [path for path in raw if SPACED.encode() in path.read_bytes()]
    assert {path.stat().st_mode & 0o777 for path in raw} == {0o400}
    assert (tmp_path / "workspace" / "inbox").stat().st_mode & 0o777 == 0o700


def test_a_run_fetches_over_sftp_and_check_says_what_is_wrong(
    tmp_path: Path,
    tmp_path_factory: pytest.TempPathFactory,
    capsys: pytest.CaptureFixture[str],
) -> None:
    [ledger] = copy_place(tmp_path, "wechatpay")
    common = ["--config", f"{tmp_path}/configs", "--workspace", f"{tmp_path}/workspace"]
    settings = tmp_path / "configs/providers/wechatpay.toml"
    rest = settings.read_text().partition("[[account]]")[2]

    def configure(**changes: object) -> None:
        source = server.source(patterns=["{account}_*_{date}.csv"], **changes)
        rows = [f"{name} = {value!r}" for name, value in source.items()]
        settings.write_text("[source]\n" + "\n".join(rows) + "\n\n[[account]]" + rest)

    with misbehaving(tmp_path_factory.mktemp("sftp")) as server:
        for path in (tmp_path / "sample_statements/wechatpay").glob("*.csv"):
            path.rename(server.home / "outgoing" / path.name)
        configure()
        assert invoke(["check", "--connect", *common]) == 0
        assert "sftp 127.0.0.1" in capsys.readouterr().out
        assert invoke(["ledger", "import", str(ledger), *common]) == 0
        assert invoke(["run", "--date", DAY, *common]) == 0
        assert invoke(["run", "--date", DAY, *common]) == 0
        staging = tmp_path / "workspace" / "staging"
        assert not [path for path in staging.rglob("*") if path != staging / "incoming"]
        bad = server.home / "outgoing" / f"1600000001_x_{DAY}.csv"
        bad.write_text("what is this")
        capsys.readouterr()
        assert invoke(["run", "--date", DAY, *common]) == 3
        assert "no provider knows this format" in capsys.readouterr().err
        [kept] = (tmp_path / "workspace" / "quarantine" / "wechatpay").iterdir()
        assert kept.read_text() == "what is this"
        configure(path="/absent")
    assert invoke(["check", "--connect", *common]) == 2
    assert "wechatpay: 127.0.0.1" in capsys.readouterr().err
    assert invoke(["check", *common]) == 0
