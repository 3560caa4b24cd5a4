"""A statement must open with what the one before closed with: on the samples of the wallet."""

import json
from datetime import date
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from recon.cli import invoke
from recon.discrepancies import Day, Severity
from recon.settlement.continuity import CLOSED, discontinuities
from recon.tables import BALANCE
from tests.support import copy_place, frame_of

WALLET = "0x71c7656ec7ab88b098defb751b7401b5f6d8976f"
ONE_USDT = 1_000_000
DAY = Day("tpwallet", WALLET, date(2026, 11, 19), Severity())


@pytest.mark.parametrize(
    ("opening", "closing", "found"),
    [
        ({"USDT": "10"}, {"USDT": "10"}, {}),
        ({"USDT": "10.000001"}, {"USDT": "10"}, {"USDT": "0.000001"}),
        ({"USDT": "10", "ETH": "0"}, {"USDT": "12", "ETH": "0"}, {"USDT": "-2"}),
        ({"USDT": "10"}, {"ETH": "3"}, {}),  # a currency is new, another is told no more
        ({"USDT": None}, {"USDT": "3"}, {}),
        ({"USDT": "10"}, {}, {}),
    ],
)
def test_what_moved_between_two_statements_is_told_by_currency(
    opening: dict[str, Any], closing: dict[str, Any], found: dict[str, str]
) -> None:
    balances = frame_of(BALANCE, [{"currency": c, "opening": a} for c, a in opening.items()])
    before = [
        {"currency": c, "closing": a, "business_date": date(2026, 11, 18)}
        for c, a in closing.items()
    ]
    told = discontinuities(balances, frame_of(CLOSED, before), DAY)
    expected = frame_of({"currency": pl.String(), "difference": told.schema["difference"]},
                        [{"currency": c, "difference": a} for c, a in found.items()])  # fmt: skip
    assert told.select("currency", "difference").equals(expected)


@pytest.fixture
def place(tmp_path: Path) -> Path:
    """The samples of a wallet, its first statement with one USDT too many all day long."""
    copy_place(tmp_path, "tpwallet")
    recon(tmp_path, "ledger", "import", f"{tmp_path}/sample_statements/ledger/tpwallet.csv")
    path = statement(tmp_path, 18)
    lines = path.read_text("utf-8").splitlines(keepends=True)
    for at, line in enumerate(lines):
        cells = line.split(",")
        if cells[0] in ("#opening", "#closing") and cells[1] == "USDT":
            cells[3] = f"{int(cells[3]) + ONE_USDT}\n"
            lines[at] = ",".join(cells)
    path.write_text("".join(lines), "utf-8")
    return tmp_path


def statement(place: Path, day: int) -> Path:
    return place / "sample_statements" / "tpwallet" / f"{WALLET}_2026-11-{day}.csv"


def recon(place: Path, *words: str) -> int:
    return invoke([*words, "--config", f"{place}/configs", "--workspace", f"{place}/workspace"])


def jumps(place: Path, day: int) -> list[tuple[str, str]]:
    """Currency and difference of the balances of a day that are off."""
    folder = place / "workspace" / "reports" / f"2026-11-{day}" / "tpwallet" / WALLET
    summary = json.loads((folder / "summary.json").read_text("utf-8"))
    found = [row for row in summary["discrepancies_by_type"] if row["type"] == "balance_mismatch"]
    assert summary["proved"] is not bool(found)
    return [(row["currency"], row["difference"]) for row in found]


def test_money_that_moved_between_two_statements_is_found_and_its_correction_clears_it(
    place: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert recon(place, "run", "--from", "2026-11-18", "--to", "2026-11-20") == 3
    assert [jumps(place, day) for day in (18, 19, 20)] == [[], [("USDT", "-1")], []]
    said = "the opening balance is not what the statement before closed with (USDT)"
    assert said in capsys.readouterr().out
    path = statement(place, 18)
    path.write_bytes((Path("sample_statements") / "tpwallet" / path.name).read_bytes())
    assert recon(place, "run", "--date", "2026-11-18") == 0
    assert (
        "2026-11-19 to 2026-11-20 are stale: since 2026-11-19 was run, " in capsys.readouterr().out
    )
    assert recon(place, "run", "--date", "2026-11-18", "--cascade") == 0
    assert jumps(place, 19) == []


def test_a_statement_that_is_not_understood_whole_is_not_held_to_the_one_before(
    place: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = statement(place, 19)
    path.write_text(path.read_text("utf-8").replace(",success\n", ",?\n", 1), "utf-8")
    assert recon(place, "run", "--from", "2026-11-18", "--to", "2026-11-19") == 3
    out = capsys.readouterr().out
    assert "1 row(s) were not understood" in out
    assert "opening balance" not in out


@pytest.mark.parametrize(("settings", "found"), [("", []), ('weekdays = ["wed", "fri"]\n', [1])])
def test_a_day_that_was_not_run_hides_what_came_in_between_unless_it_is_a_day_of_rest(
    place: Path, settings: str, found: list[int]
) -> None:
    path = place / "configs" / "providers" / "tpwallet.toml"
    path.write_text(path.read_text("utf-8") + settings, "utf-8")
    for day in ("2026-11-18", "2026-11-20"):
        recon(place, "run", "--date", day)
    assert len(jumps(place, 20)) == len(found) * 2  # the movements of the 19th, in both tokens
